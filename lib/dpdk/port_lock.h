#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "settings/settings.h"

namespace flowmark {

/// A name that one process of a network namespace can hold, until it ends in whatever way: an
/// abstract Unix socket, which the kernel keeps by namespace as it does interfaces.
class HeldName {
 public:
  /// Takes the name; holder() tells whether it worked. Throws Error when there is no socket.
  explicit HeldName(const std::string& name);
  ~HeldName();
  HeldName(HeldName&& other) noexcept;
  HeldName(const HeldName&) = delete;
  HeldName& operator=(const HeldName&) = delete;
  HeldName& operator=(HeldName&&) = delete;

  static constexpr pid_t kUnknown = -1;
  /// The process that had the name before, or kUnknown; 0: it is ours.
  pid_t holder() const noexcept { return holder_; }

 private:
  int socket_;
  pid_t holder_ = 0;
};

/// Keeps other daemons of this network namespace off the ports and the EAL's file prefix.
class PortLock {
 public:
  /// Throws Error naming the port and the process that has it. `besides_itself`: for
  /// --check-config, which may look at the configuration of the daemon that runs with it.
  explicit PortLock(const Settings& settings, bool besides_itself = false);

  /// Asked to look besides itself: the daemon that runs with this configuration; 0: none.
  pid_t itself() const noexcept { return itself_; }

 private:
  pid_t itself_ = 0;
  std::vector<HeldName> names_;
};

}  // namespace flowmark

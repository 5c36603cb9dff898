#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace flowmark {

/// A netlink socket to the kernel's netfilter. One thread.
class Netlink {
 public:
  /// Throws Error.
  Netlink();
  ~Netlink();
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  /// Asks for a dump and calls `on_message` for each entry's message. False: what was dumped
  /// changed meanwhile, and some entries may be missing. Throws Error if the kernel refuses.
  bool dump(nlmsghdr& request, const std::function<void(const nlmsghdr&)>& on_message);
  /// Sends the requests that lie one after the other in `messages`, in one system call. Waits for
  /// the answers to those with NLM_F_ACK, or for a refusal of one without, which is of all. An
  /// errno for each message, 0 where it succeeded. Throws Error if the socket fails.
  std::vector<int> request(std::span<uint8_t> messages);

  /// Sets type (subsystem and message), flags and family of a message; `family` may be AF_UNSPEC.
  static nlmsghdr& begin_message(void* place, int type, int flags, uint8_t family);

 private:
  size_t receive();

  mnl_socket* socket_;
  std::vector<uint8_t> buffer_;
  uint32_t sequence_ = 0;
};

}  // namespace flowmark

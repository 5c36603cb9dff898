#include "dpdk/port_lock.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "dpdk/eal_plan.h"
#include "dpdk/packet_ring.h"

namespace flowmark {
namespace {

/// The name as an address; what does not fit is told apart by its hash.
socklen_t fill(sockaddr_un& address, const std::string& name) {
  constexpr size_t kMost = sizeof address.sun_path - 1;  // a zero byte first: abstract
  std::string text = "flowmark/" + name;
  if (text.size() > kMost) text = fmt::format("flowmark/#{:x}", std::hash<std::string>{}(name));
  address.sun_family = AF_UNIX;
  std::copy(text.begin(), text.end(), address.sun_path + 1);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
}

/// Names have no permissions: that of a user who may not forward packets counts for nothing.
pid_t ask_for_holder(const sockaddr_un& address, socklen_t length) {
  const int asker = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool told = connect(asker, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
                    getsockopt(asker, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  close(asker);
  if (!told) return HeldName::kUnknown;
  return peer.uid == 0 || peer.uid == geteuid() ? peer.pid : 0;
}

std::string other_daemon(pid_t holder) {
  if (holder == HeldName::kUnknown) return "another flowmarkd";
  return fmt::format("another flowmarkd, process {},", holder);
}

/// What a port takes that nobody else may have; empty: nothing.
std::string resource_of(const PortSettings& port) {
  if (is_pci(port)) {
    const std::string address = device_name(port);
    const bool has_domain = std::count(address.begin(), address.end(), ':') == 2;
    return (has_domain ? "pci/" : "pci/0000:") + address;
  }
  const std::string interface = interface_of(port);
  return interface.empty() ? "" : "interface/" + interface;
}

}  // namespace

HeldName::HeldName(const std::string& name)
    : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_un address{};
  const socklen_t length = fill(address, name);
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), length) == 0) {
    if (listen(socket_, SOMAXCONN) == 0) return;  // those who ask are never answered
  } else if (errno == EADDRINUSE) {
    holder_ = ask_for_holder(address, length);
    return;
  }
  const int error = errno;
  close(socket_);
  fail("the lock {}: {}", name, strerror(error));
}

HeldName::HeldName(HeldName&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), holder_(other.holder_) {}

HeldName::~HeldName() {
  if (socket_ >= 0) close(socket_);
}

PortLock::PortLock(const Settings& settings, bool besides_itself) {
  std::error_code none;
  const auto file = std::filesystem::weakly_canonical(settings.file, none);
  names_.emplace_back("config/" + file.string());
  if (besides_itself) itself_ = std::max(names_.back().holder(), 0);
  const auto take = [this](const std::string& name) {
    const pid_t holder = names_.emplace_back(name).holder();
    return holder == itself_ ? 0 : holder;
  };
  for (size_t i = 0; i < settings.ports.size(); ++i) {
    const PortSettings& port = settings.ports[i];
    const std::string resource = resource_of(port);
    const pid_t holder = resource.empty() ? 0 : take(resource);
    if (holder == getpid()) fail("ports[{}].name: value {}: both ports use it", i, port.name);
    if (holder != 0) {
      fail("ports[{}].name: value {}: {} has it", i, port.name, other_daemon(holder));
    }
  }
  if (const pid_t holder = take("prefix/" + settings.eal.file_prefix); holder != 0) {
    fail("{}: eal.file_prefix: value {}: {} runs with it", settings.file.string(),
         settings.eal.file_prefix, other_daemon(holder));
  }
}

}  // namespace flowmark

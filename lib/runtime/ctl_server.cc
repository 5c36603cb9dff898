#include "runtime/ctl_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kMaxClients = 16;
constexpr size_t kMaxRequest = 64 * 1024;
constexpr int64_t kPatienceMs = 5000;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    fail("control.socket: value {}: longer than the {} bytes a socket's path may have", text,
         sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool somebody_listens(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = connect(fd, generic(address), sizeof address) == 0;
  close(fd);
  return answered;
}

}  // namespace

CtlServer::CtlServer(const std::filesystem::path& socket_path, Handler handler)
    : path_(socket_path), handler_(std::move(handler)) {
  const sockaddr_un address = address_of(path_);
  std::error_code ignored;
  std::filesystem::create_directories(path_.parent_path(), ignored);
  if (somebody_listens(address)) {
    fail("control.socket: value {}: another flowmarkd listens there", path_.string());
  }
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path_.c_str());
  listen_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const mode_t before = umask(0117);
  const bool bound = bind(listen_, generic(address), sizeof address) == 0;
  umask(before);
  if (!bound || listen(listen_, kMaxClients) != 0) {
    const int error = errno;
    close(listen_);
    fail("control.socket: value {}: {}", path_.string(), strerror(error));
  }
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listen_;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listen_, &event);
}

CtlServer::~CtlServer() {
  for (const auto& [fd, client] : clients_) close(fd);
  close(listen_);
  close(epoll_);
  unlink(path_.c_str());
}

void CtlServer::poll() {
  std::array<epoll_event, kMaxClients + 1> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == listen_) {
      accept_clients();
    } else if (!serve(fd, clients_[fd])) {
      drop(fd);
    }
  }
}

void CtlServer::accept_clients() {
  for (;;) {
    const int fd = accept4(listen_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (clients_.size() >= kMaxClients) {
      close(fd);
      continue;
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    clients_[fd].since_ms = now_ms();
  }
}

bool CtlServer::serve(int fd, Client& client) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t length = read(fd, buffer.data(), buffer.size());
    if (length == 0) return !client.out.empty() && send(fd, client);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return false;
      break;
    }
    client.in.append(buffer.data(), static_cast<size_t>(length));
    if (client.in.size() > kMaxRequest) return false;
  }
  for (size_t end; (end = client.in.find('\n')) != std::string::npos;) {
    const std::string request = client.in.substr(0, end);
    client.in.erase(0, end + 1);
    try {
      client.out += handler_(request) + "\n";
    } catch (const std::exception& error) {
      client.out += nlohmann::json{{"error", error.what()}}.dump(
                        -1, ' ', false, nlohmann::json::error_handler_t::replace) +
                    "\n";
    }
  }
  return send(fd, client);
}

bool CtlServer::send(int fd, Client& client) {
  while (client.sent < client.out.size()) {
    const ssize_t length =
        ::send(fd, client.out.data() + client.sent, client.out.size() - client.sent, MSG_NOSIGNAL);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    client.sent += static_cast<size_t>(length);
  }
  client.out.clear();
  client.sent = 0;
  return true;
}

void CtlServer::drop(int fd) {
  close(fd);
  clients_.erase(fd);
}

void CtlServer::tick() {
  const int64_t oldest = now_ms() - kPatienceMs;
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (client->second.since_ms < oldest) {
      close(client->first);
      client = clients_.erase(client);
    } else {
      ++client;
    }
  }
}

}  // namespace flowmark

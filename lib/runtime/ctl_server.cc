#include "runtime/ctl_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime/unix_listener.h"

namespace flowmark {
namespace {

constexpr const char* kKey = "control.socket";
constexpr size_t kMaxClients = 16;
constexpr size_t kMaxRequest = 64 * 1024;
constexpr int64_t kPatienceMs = 5000;

// What an event is of: a client's id, or one of these.
constexpr uint64_t kListen = 0, kMore = 1, kFirstClient = 2;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void control(int epoll, int operation, int fd, uint64_t id, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

bool CtlServer::Client::can_be_served() const noexcept {
  return !waits && out.empty() && in.find('\n') != std::string::npos;
}

void CtlServer::check(const std::filesystem::path& socket_path, bool may_be_in_use) {
  check_unix_listener(kKey, socket_path, may_be_in_use);
}

CtlServer::CtlServer(const std::filesystem::path& socket_path, Handler handler)
    : path_(socket_path), handler_(std::move(handler)), next_id_(kFirstClient) {
  listen_ = listen_unix(kKey, path_, kMaxClients);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  more_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  control(epoll_, EPOLL_CTL_ADD, listen_, kListen, EPOLLIN);
  control(epoll_, EPOLL_CTL_ADD, more_, kMore, EPOLLIN);
}

CtlServer::~CtlServer() {
  for (const auto& [id, client] : clients_) close(client.fd);
  for (const int fd : {listen_, more_, epoll_}) close(fd);
  unlink(path_.c_str());
}

void CtlServer::poll() {
  std::array<epoll_event, kMaxClients + 2> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.u64 == kListen) {
      accept_clients();
    } else if (event.data.u64 == kMore) {
      uint64_t some = 0;
      (void)!read(more_, &some, sizeof some);
    } else if (const auto at = clients_.find(event.data.u64); at != clients_.end()) {
      transfer(at->second, event.events) ? settle(at) : drop(at);
    }
  }
  serve_next();
  wake_for_more();
}

void CtlServer::wake_for_more() noexcept {
  const auto waits = [](const auto& entry) { return entry.second.can_be_served(); };
  const uint64_t one = 1;
  if (std::ranges::any_of(clients_, waits)) (void)!write(more_, &one, sizeof one);
}

void CtlServer::accept_clients() {
  for (;;) {
    const int fd = accept4(listen_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (clients_.size() >= kMaxClients) {
      close(fd);
      continue;
    }
    const ClientId id = next_id_++;
    Client& client = clients_[id];
    client.fd = fd;
    client.since_ms = now_ms();
    client.armed = EPOLLIN;
    control(epoll_, EPOLL_CTL_ADD, fd, id, client.armed);
  }
}

// A client that is gone on both sides cannot be answered.
bool CtlServer::transfer(Client& client, uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return false;
  return ((events & EPOLLIN) == 0 || receive(client)) && ((events & EPOLLOUT) == 0 || send(client));
}

bool CtlServer::receive(Client& client) {
  std::array<char, 4096> buffer;
  while (client.in.size() <= kMaxRequest) {
    const ssize_t length = read(client.fd, buffer.data(), buffer.size());
    if (length == 0) {
      client.ended = true;
      if (!client.in.empty() && !client.in.ends_with('\n')) client.in += '\n';  // no more follows
      return true;
    }
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    client.in.append(buffer.data(), static_cast<size_t>(length));
  }
  return client.in.find('\n') != std::string::npos;  // else the request is too long
}

void CtlServer::serve_next() {
  auto at = clients_.upper_bound(last_served_);
  for (size_t i = 0; i < clients_.size(); ++i, ++at) {
    if (at == clients_.end()) at = clients_.begin();
    if (!at->second.can_be_served()) continue;
    last_served_ = at->first;
    serve(at->first, at->second);
    settle(at);
    return;
  }
}

void CtlServer::serve(ClientId id, Client& client) {
  const size_t end = client.in.find('\n');
  const std::string request = client.in.substr(0, end);
  client.in.erase(0, end + 1);
  client.waits = true;
  try {
    const std::optional<std::string> line = handler_(id, request);
    if (!line) return;
    client.out = *line + "\n";
  } catch (const std::exception& error) {
    client.out = nlohmann::json{{"error", error.what()}}.dump(
                     -1, ' ', false, nlohmann::json::error_handler_t::replace) +
                 "\n";
  }
  client.waits = false;
}

void CtlServer::answer(ClientId id, const std::string& line) {
  const auto at = clients_.find(id);
  if (at == clients_.end()) return;
  at->second.out = line + "\n";
  at->second.waits = false;
  at->second.since_ms = now_ms();
  settle(at);
  wake_for_more();
}

bool CtlServer::send(Client& client) {
  while (client.sent < client.out.size()) {
    const ssize_t length = ::send(client.fd, client.out.data() + client.sent,
                                  client.out.size() - client.sent, MSG_NOSIGNAL);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    client.sent += static_cast<size_t>(length);
  }
  client.out.clear();
  client.sent = 0;
  return true;
}

void CtlServer::settle(Clients::iterator at) {
  auto& [id, client] = *at;
  if (!client.out.empty() && !send(client)) return drop(at);
  const bool has_request = client.in.find('\n') != std::string::npos;
  if (client.ended && !has_request && !client.waits && client.out.empty()) return drop(at);
  const uint32_t wanted =
      (client.ended || has_request ? 0U : EPOLLIN) | (client.out.empty() ? 0U : EPOLLOUT);
  if (wanted == client.armed) return;
  client.armed = wanted;
  control(epoll_, EPOLL_CTL_MOD, client.fd, id, wanted);
}

void CtlServer::drop(Clients::iterator at) {
  close(at->second.fd);
  clients_.erase(at);
}

void CtlServer::tick() {
  const int64_t oldest = now_ms() - kPatienceMs;
  for (auto at = clients_.begin(); at != clients_.end();) {
    const auto next = std::next(at);
    if (!at->second.waits && at->second.since_ms < oldest) drop(at);
    at = next;
  }
}

}  // namespace flowmark

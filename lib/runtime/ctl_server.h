#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace flowmark {

/// The daemon's side of `flowmark ctl`: a Unix socket, one JSON request a line and one JSON answer
/// a line. Never blocks: a slow or mute client costs a descriptor for a few seconds and no more.
/// Control thread only.
class CtlServer {
 public:
  /// Answers a request line; the result gets the line end. May throw Error: its text is answered.
  using Handler = std::function<std::string(const std::string& request)>;

  /// Listens on `socket` (mode 0660), replacing what a dead daemon left there. Throws Error, also
  /// when a living one listens.
  CtlServer(const std::filesystem::path& socket, Handler handler);
  ~CtlServer();
  CtlServer(const CtlServer&) = delete;
  CtlServer& operator=(const CtlServer&) = delete;

  /// Becomes readable when poll() has something to do.
  int descriptor() const noexcept { return epoll_; }
  void poll();
  /// Closes connections older than a few seconds.
  void tick();

 private:
  struct Client {
    std::string in, out;
    size_t sent = 0;
    int64_t since_ms = 0;
  };

  void accept_clients();
  /// False: the connection is done.
  bool serve(int fd, Client& client);
  bool send(int fd, Client& client);
  void drop(int fd);

  std::filesystem::path path_;
  Handler handler_;
  int epoll_ = -1;
  int listen_ = -1;
  std::map<int, Client> clients_;
};

}  // namespace flowmark

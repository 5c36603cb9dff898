#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace flowmark {

/// The daemon's side of `flowmark ctl`: a Unix socket, one JSON request a line and one JSON answer
/// a line. Never blocks: a slow or mute client costs a descriptor for a few seconds and no more,
/// and one that sends many requests has one of them served a round. Control thread only.
class CtlServer {
 public:
  using ClientId = uint64_t;  ///< never used again for another client

  /// Answers a request line; the result gets the line end. nullopt: answer() follows. May throw
  /// Error: its text is answered.
  using Handler =
      std::function<std::optional<std::string>(ClientId client, const std::string& request)>;

  /// Listens on `socket` (mode 0660), replacing what a dead daemon left there. Throws Error, also
  /// when a living one listens.
  CtlServer(const std::filesystem::path& socket, Handler handler);
  /// Throws Error, as the constructor would, when it could not listen on `socket`; makes nothing.
  /// `may_be_in_use`: by the daemon that the caller looks besides.
  static void check(const std::filesystem::path& socket, bool may_be_in_use);
  ~CtlServer();
  CtlServer(const CtlServer&) = delete;
  CtlServer& operator=(const CtlServer&) = delete;

  /// Becomes readable when poll() has something to do.
  int descriptor() const noexcept { return epoll_; }
  /// Reads and sends what is there, and serves one request: that of the client whose turn it is.
  void poll();
  /// The answer that a handler left for later. Of a client that has gone it is thrown away. Until
  /// then the client's further requests wait.
  void answer(ClientId client, const std::string& line);
  /// Closes connections older than a few seconds, but for those that wait for an answer.
  void tick();

 private:
  struct Client {
    int fd = -1;
    std::string in, out;
    size_t sent = 0;
    int64_t since_ms = 0;
    bool waits = false;  ///< for answer()
    bool ended = false;  ///< it sends no more, but may still read
    uint32_t armed = 0;  ///< events asked for
    bool can_be_served() const noexcept;
  };
  using Clients = std::map<ClientId, Client>;

  void accept_clients();
  /// False: the connection is done. The same of the next two.
  bool transfer(Client& client, uint32_t events);
  bool receive(Client& client);
  bool send(Client& client);
  void serve_next();
  void serve(ClientId id, Client& client);
  /// Asks for the events that the client's state waits for, or ends it.
  void settle(Clients::iterator at);
  void drop(Clients::iterator at);
  /// Makes poll() be called again if a request waits that was read already.
  void wake_for_more() noexcept;

  std::filesystem::path path_;
  Handler handler_;
  int epoll_ = -1;
  int listen_ = -1;
  int more_ = -1;  ///< readable while requests wait that were read already
  Clients clients_;
  ClientId next_id_;
  ClientId last_served_ = 0;
};

}  // namespace flowmark

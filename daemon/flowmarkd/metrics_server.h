#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace flowmark {

/// Serves a text page at http://ADDRESS/metrics, GET and HEAD, from one thread of its own
/// (docs/adr/0022-metrics-server.md). The thread waits for all connections at once: idle and slow
/// ones keep nobody waiting. When too many are open, the oldest gives way to the newest.
class MetricsServer {
 public:
  /// Called by the server's thread, once a request. What it throws is answered as status 500.
  using Page = std::function<std::string()>;

  /// Of open connections; the next one ends the oldest.
  static constexpr unsigned kMostConnections = 256;

  /// Throws Error when `address` is wrong or taken (listen_address.h).
  MetricsServer(const std::string& address, Page page);
  /// Ends all connections. Afterwards `page` is not called any more.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// The TCP port it listens on.
  uint16_t port() const noexcept;

 private:
  struct Http;
  std::unique_ptr<Http> http_;
};

}  // namespace flowmark

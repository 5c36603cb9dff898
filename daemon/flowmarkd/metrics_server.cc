// The only file that knows libmicrohttpd.
#include "daemon/flowmarkd/metrics_server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "daemon/flowmarkd/listen_address.h"

namespace flowmark {
namespace {

constexpr unsigned kIdleSeconds = 60;  // longer than scrapes are usually apart
// The library stops accepting at its own limit: room for those that were ended but not closed yet.
constexpr unsigned kBeingClosed = 64;
constexpr size_t kBytesOfARequest = 16 * 1024;

}  // namespace

struct MetricsServer::Http {
  explicit Http(Page from) : page(std::move(from)) {}
  ~Http() {
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  void start(int listening);
  MHD_Result answer(MHD_Connection* connection, std::string_view method, std::string_view url);
  void opened(MHD_Connection* connection);

  // The library's calls, all from its thread.
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* version, const char* upload,
                               size_t* upload_bytes, void** begun) noexcept;
  static void on_connection(void* self, MHD_Connection* connection, void** ours,
                            MHD_ConnectionNotificationCode code) noexcept;

  Page page;
  std::list<MHD_Connection*> open;  ///< oldest first
  MHD_Daemon* daemon = nullptr;
};

namespace {

MHD_Result reply(MHD_Connection* connection, unsigned status, std::string text) noexcept {
  MHD_Response* response =
      MHD_create_response_from_buffer(text.size(), text.data(), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                          "text/plain; version=0.0.4; charset=utf-8");
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  const MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

int descriptor_of(MHD_Connection* connection) noexcept {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

}  // namespace

MHD_Result MetricsServer::Http::answer(MHD_Connection* connection, std::string_view method,
                                       std::string_view url) {
  if (url != "/metrics") {
    return reply(connection, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n");
  }
  // Of an answer to HEAD the library sends the header only.
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
    return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "use GET or HEAD\n");
  }
  return reply(connection, MHD_HTTP_OK, page());
}

MHD_Result MetricsServer::Http::on_request(void* self, MHD_Connection* connection, const char* url,
                                           const char* method, const char*, const char*,
                                           size_t* upload_bytes, void** begun) noexcept {
  // Called when the header is there, for each piece of a body, which nobody wants, and at the end.
  if (*begun == nullptr) {
    *begun = self;
    return MHD_YES;
  }
  if (*upload_bytes != 0) {
    *upload_bytes = 0;
    return MHD_YES;
  }
  try {
    return static_cast<Http*>(self)->answer(connection, method, url);
  } catch (const std::exception&) {
    return reply(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, {});
  }
}

// The library cannot end a connection at will: shutting its socket down makes it do so.
void MetricsServer::Http::opened(MHD_Connection* connection) {
  open.push_back(connection);
  if (open.size() <= kMostConnections) return;
  shutdown(descriptor_of(open.front()), SHUT_RDWR);
  open.pop_front();
}

void MetricsServer::Http::on_connection(void* self, MHD_Connection* connection, void**,
                                        MHD_ConnectionNotificationCode code) noexcept {
  Http& http = *static_cast<Http*>(self);
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    http.open.remove(connection);
    return;
  }
  try {
    http.opened(connection);
  } catch (const std::bad_alloc&) {
    shutdown(descriptor_of(connection), SHUT_RDWR);
  }
}

void MetricsServer::Http::start(int listening) {
  daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, nullptr, nullptr, &Http::on_request,
                            this, MHD_OPTION_LISTEN_SOCKET, listening,                     //
                            MHD_OPTION_NOTIFY_CONNECTION, &Http::on_connection, this,      //
                            MHD_OPTION_CONNECTION_LIMIT, kMostConnections + kBeingClosed,  //
                            MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,                   //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, kBytesOfARequest, MHD_OPTION_END);
  if (daemon == nullptr) fail("metrics.listen: the HTTP server does not start");
}

MetricsServer::MetricsServer(const std::string& address, Page page)
    : http_(std::make_unique<Http>(std::move(page))) {
  http_->start(listen_on(address));
}

MetricsServer::~MetricsServer() = default;

uint16_t MetricsServer::port() const noexcept {
  const MHD_DaemonInfo* info = MHD_get_daemon_info(http_->daemon, MHD_DAEMON_INFO_LISTEN_FD);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(info->listen_fd, reinterpret_cast<sockaddr*>(&address), &size);
  const void* any = &address;
  return ntohs(address.ss_family == AF_INET6 ? static_cast<const sockaddr_in6*>(any)->sin6_port
                                             : static_cast<const sockaddr_in*>(any)->sin_port);
}

}  // namespace flowmark

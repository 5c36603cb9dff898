#include "daemon/flowmarkd/metrics_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "daemon/flowmarkd/listen_address.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr timeval kPatience{60, 0};  // only a failure waits so long

class HttpClient {
 public:
  explicit HttpClient(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~HttpClient() { close(socket_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// False once the server has ended the connection.
  bool send(const std::string& text) {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  /// To the end of the connection, or until nothing comes any more.
  std::string read_all() {
    std::string all;
    std::array<char, 64 * 1024> buffer;
    for (ssize_t length; (length = recv(socket_, buffer.data(), buffer.size(), 0)) > 0;) {
      all.append(buffer.data(), static_cast<size_t>(length));
    }
    return all;
  }

 private:
  int socket_;
};

using HttpClients = std::vector<std::unique_ptr<HttpClient>>;

class MetricsServerTest : public ::testing::Test {
 protected:
  std::string ask(const std::string& method, const std::string& url = "/metrics") {
    HttpClient client(server_.port());
    client.send(method + " " + url + " HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
    return client.read_all();
  }
  HttpClients connect(size_t count) {
    HttpClients clients;
    for (size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<HttpClient>(server_.port()));
    }
    return clients;
  }
  void expect_scrapes() {
    for (int i = 0; i < 10; ++i) {
      const std::string answer = ask("GET");
      ASSERT_THAT(answer.substr(0, 15), StartsWith("HTTP/1.1 200 OK"));
      ASSERT_TRUE(answer.ends_with(page_));
    }
  }

  std::string page_ = "flowmark_up 1\n";
  MetricsServer server_{"127.0.0.1:0", [this] { return page_; }};
};

TEST_F(MetricsServerTest, AnswersGetWithThePageAndHeadWithoutABody) {
  EXPECT_THAT(ask("GET"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                                HasSubstr("Content-Type: text/plain; version=0.0.4"),
                                EndsWith("\r\n\r\nflowmark_up 1\n")));
  EXPECT_THAT(ask("HEAD"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                                 HasSubstr("Content-Length: 14\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(MetricsServerTest, RefusesOtherPlacesAndMethods) {
  EXPECT_THAT(ask("GET", "/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("POST"), AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD")));
}

TEST_F(MetricsServerTest, AnswersSeveralRequestsOfAConnection) {
  HttpClient client(server_.port());
  client.send("GET /metrics HTTP/1.1\r\nHost: box\r\n\r\n");
  client.send("GET /metrics HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
  const std::string answers = client.read_all();
  EXPECT_NE(answers.find(page_), answers.rfind(page_));
}

TEST_F(MetricsServerTest, AnIdleConnectionKeepsNobodyWaiting) {
  const HttpClients idle = connect(1);
  expect_scrapes();
}

TEST_F(MetricsServerTest, SlowRequestsKeepNobodyWaiting) {
  const HttpClients slow = connect(200);
  for (const char byte : std::string("GET /metrics")) {
    for (const auto& client : slow) EXPECT_TRUE(client->send({byte}));
    expect_scrapes();
  }
}

TEST_F(MetricsServerTest, SlowReadersKeepNobodyWaiting) {
  page_.insert(0, 16 << 20, '#');  // more than the sockets' buffers hold
  const HttpClients slow = connect(20);
  for (const auto& client : slow) client->send("GET /metrics HTTP/1.1\r\nHost: box\r\n\r\n");
  expect_scrapes();
}

TEST_F(MetricsServerTest, TheOldestOfTooManyConnectionsGivesWay) {
  const HttpClients first = connect(1);
  first[0]->send("GET /met");
  const HttpClients many = connect(MetricsServer::kMostConnections + 100);
  expect_scrapes();
  EXPECT_EQ(first[0]->read_all(), "") << "ended by the server";
  many.back()->send("GET /metrics HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(many.back()->read_all(), EndsWith(page_));
}

TEST(MetricsServer, APageThatFailsIsAStatusAndTheNextOneIsServed) {
  int calls = 0;
  const MetricsServer server("127.0.0.1:0", [&calls]() -> std::string {
    if (++calls == 1) fail("no page");
    return "page";
  });
  for (const char* status : {"HTTP/1.1 500 ", "HTTP/1.1 200 "}) {
    HttpClient client(server.port());
    client.send("GET /metrics HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith(status));
  }
}

TEST(MetricsServer, EndsWithOpenConnections) {
  auto server = std::make_unique<MetricsServer>("127.0.0.1:0", [] { return "page"; });
  HttpClient client(server->port());
  client.send("GET /metrics HTTP/1.1\r\nHost: box\r\n");
  server.reset();
  EXPECT_EQ(client.read_all(), "");
}

std::string refusal(const std::string& address) {
  try {
    close(listen_on(address));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ListenAddress, SaysWhatIsWrong) {
  const MetricsServer server("127.0.0.1:0", [] { return ""; });
  EXPECT_THAT(refusal("127.0.0.1:" + std::to_string(server.port())),
              HasSubstr("cannot listen there: Address already in use"));
  EXPECT_THAT(refusal("192.0.2.1:9477"),  // TEST-NET-1: not ours
              AllOf(StartsWith("metrics.listen: value 192.0.2.1:9477: "),
                    HasSubstr("Cannot assign requested address")));
  EXPECT_THAT(refusal("no address:9477"), StartsWith("metrics.listen: value no address:9477: "));
}

}  // namespace
}  // namespace flowmark

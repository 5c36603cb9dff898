// The control thread's parts: file watch, flow log, control socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "daemon/flowmarkd/answer_watch.h"
#include "daemon/flowmarkd/file_watch.h"
#include "daemon/flowmarkd/flow_log.h"
#include "runtime/ctl_client.h"
#include "runtime/ctl_server.h"
#include "runtime/flow_text.h"
#include "support/fake_model.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Watches files as they are now.
FileWatch watching(std::vector<std::filesystem::path> files) {
  std::vector<WatchedFile> stamped;
  for (auto& file : files) stamped.push_back({file, stamp_of(file)});
  FileWatch watch;
  watch.watch(stamped);
  return watch;
}

/// Replaces a file by rename, as one should: another file, however fast it comes after the last.
void replace(const std::filesystem::path& file, const std::string& text) {
  const auto fresh = std::filesystem::path(file.string() + ".new");
  std::ofstream(fresh) << text;
  std::filesystem::rename(fresh, file);
}

TEST(FileWatch, TellsOfWritesRenamesNewAndRemovedFilesButNotOfOthers) {
  const testing::TemporaryFolder folder;
  const auto watched = folder.path() / "m.onnx", late = folder.path() / "late.onnx";
  std::ofstream(watched) << "1";
  FileWatch watch = watching({watched, late});
  std::ofstream(folder.path() / "other") << "x";
  EXPECT_THAT(watch.changed(), IsEmpty());
  std::ofstream(watched) << "of another length";
  EXPECT_THAT(watch.changed(), ElementsAre(watched));
  replace(watched, "3");
  EXPECT_THAT(watch.changed(), ElementsAre(watched));
  std::ofstream(late) << "4";
  EXPECT_THAT(watch.changed(), ElementsAre(late));
  std::filesystem::remove(watched);
  EXPECT_THAT(watch.changed(), ElementsAre(watched));
  EXPECT_THAT(watch.changed(), IsEmpty());
}

TEST(FileWatch, SeesTheTargetOfALinkAndTheLinkItself) {
  const testing::TemporaryFolder folder;
  const auto link = folder.path() / "m.onnx", first = folder.path() / "1.onnx",
             second = folder.path() / "2.onnx";
  std::ofstream(first) << "1";
  std::ofstream(second) << "2";
  std::filesystem::create_symlink(first, link);
  FileWatch watch = watching({link});
  replace(first, "1a");
  EXPECT_THAT(watch.changed(), ElementsAre(link));
  std::filesystem::remove(link);
  std::filesystem::create_symlink(second, link);
  EXPECT_THAT(watch.changed(), ElementsAre(link));
}

TEST(FileWatch, SeesAFolderThatWasReplaced) {
  const testing::TemporaryFolder folder;
  const auto models = folder.path() / "models", file = models / "m.onnx";
  std::filesystem::create_directory(models);
  std::ofstream(file) << "1";
  FileWatch watch = watching({file});
  std::filesystem::create_directory(folder.path() / "fresh");
  std::ofstream(folder.path() / "fresh" / "m.onnx") << "2";
  std::filesystem::rename(models, folder.path() / "old");
  std::filesystem::rename(folder.path() / "fresh", models);
  EXPECT_THAT(watch.changed(), ElementsAre(file));
  replace(file, "3");
  EXPECT_THAT(watch.changed(), ElementsAre(file));
}

TEST(FileWatch, WhatChangesWhileTheListIsMadeAnewIsNotLost) {
  const testing::TemporaryFolder folder;
  const auto watched = folder.path() / "m.onnx", fresh = folder.path() / "fresh.onnx";
  std::ofstream(watched) << "1";
  std::ofstream(fresh) << "1";
  FileWatch watch = watching({watched});
  // A reload reads both, both are replaced meanwhile, and then it ends.
  const std::vector<WatchedFile> read{{watched, stamp_of(watched)}, {fresh, stamp_of(fresh)}};
  replace(watched, "2");
  replace(fresh, "2");
  watch.watch(read);
  EXPECT_THAT(watch.changed(), ElementsAre(watched, fresh));
}

class FlowLogTest : public ::testing::Test {
 protected:
  static VerdictEvent event(uint16_t port, uint64_t bytes, uint8_t class_index) {
    VerdictEvent out;
    out.key.a_port = be16_t(port);
    out.key.protocol = 17;
    out.bytes = bytes;
    out.class_index = class_index;
    out.mark = 46;
    return out;
  }
  ModelNames names_{{{"category", {"voip", "streaming"}}}};
  FlowLog log_{2};
};

TEST_F(FlowLogTest, ShowsTheNewestVerdictOfEachFlowLargestFirst) {
  log_.take(event(1, 10, 0), names_);
  log_.take(event(2, 20, 0), names_);
  log_.take(event(1, 30, 1), names_);
  const auto top = log_.top(10);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0]["bytes"], 30);
  EXPECT_EQ(top[0]["verdicts"][0]["class"], "streaming");
  EXPECT_EQ(top[0]["mark"], "EF");
  EXPECT_EQ(log_.top(1).size(), 1u);
}

TEST_F(FlowLogTest, ForgetsFlowsThatEndAndTheOldestWhenFull) {
  log_.take(event(1, 10, 0), names_);
  log_.take(event(2, 20, 0), names_);
  log_.take(event(3, 5, 0), names_);
  EXPECT_EQ(log_.size(), 2u);
  EXPECT_EQ(log_.top(9)[0]["bytes"], 20);
  VerdictEvent last = event(2, 20, 0);
  last.final = true;
  log_.take(last, names_);
  EXPECT_EQ(log_.size(), 1u);
}

TEST(AnswerWatch, SaysOnceOfEachModelThatItsAnswersAreNotFinite) {
  const ModelSet set(1, {testing::active(testing::size_model(testing::histogram_spec()))});
  AnswerWatch watch;
  EXPECT_EQ(watch.look(set, true, {0}), 0u);
  EXPECT_EQ(watch.look(set, false, {5}), 0u) << "of the models before";
  EXPECT_EQ(watch.look(set, true, {5}), 0u);
  EXPECT_EQ(watch.look(set, true, {6}), 1u);
  EXPECT_EQ(watch.look(set, true, {7}), 0u);
}

TEST(FlowText, ReadsWhatFlowsAreWrittenAsEitherEndFirst) {
  for (const char* text :
       {"udp 10.0.0.1:5004 192.0.2.1:6000", "tcp [2001:db8::1]:443 [2001:db8::2]:9",
        "esp 10.0.0.1 192.0.2.1", "253 2001:db8::1 2001:db8::2"}) {
    EXPECT_EQ(to_string(parse_flow(text)), text);
  }
  EXPECT_EQ(parse_flow("udp 192.0.2.1:6000 10.0.0.1:5004"),
            parse_flow("udp 10.0.0.1:5004 192.0.2.1:6000"));
}

TEST(FlowText, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"udp 10.0.0.1:5004", "expected PROTOCOL ADDRESS:PORT"},
      {"udb 10.0.0.1:1 10.0.0.2:1", "value udb"},
      {"udp 10.0.0.1:70000 10.0.0.2:1", "value 70000"},
      {"udp 10.0.0/8 10.0.0.2:1", "value 10.0.0/8"},
      {"udp here:1 10.0.0.2:1", "here"}};
  for (const auto& [text, expected] : wrong) {
    try {
      parse_flow(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(expected));
    }
  }
}

/// A server on its own thread, as the control thread would run it.
class CtlTest : public ::testing::Test {
 protected:
  CtlTest()
      : server_(socket_,
                [this](CtlServer::ClientId client,
                       const std::string& request) -> std::optional<std::string> {
                  ++requests_;
                  if (request == "bad") fail("no such thing");
                  if (request == "later") {
                    late_.push_back(client);
                    return std::nullopt;
                  }
                  return "{\"echo\":" + request + "}";
                }),
        thread_([this] {
          while (!stop_) {
            pollfd wait{server_.descriptor(), POLLIN, 0};
            if (poll(&wait, 1, 20) <= 0) continue;
            const size_t before = requests_;
            server_.poll();
            most_a_round_ = std::max(most_a_round_, requests_ - before);
            for (const CtlServer::ClientId client : std::exchange(late_, {})) {
              server_.answer(client, "done");
            }
          }
        }) {}
  ~CtlTest() override { stop_server(); }
  void stop_server() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path socket_ = folder_.path() / "run" / "ctl.sock";
  std::atomic<bool> stop_{false};
  // The server's thread's.
  size_t requests_ = 0, most_a_round_ = 0;
  std::vector<CtlServer::ClientId> late_;
  CtlServer server_;
  std::thread thread_;
};

TEST_F(CtlTest, AnswersRequestsOfAnySizeUpToTheLimit) {
  EXPECT_EQ(ctl_request(socket_, "1"), "{\"echo\":1}");
  const std::string large = "\"" + std::string(60'000, 'x') + "\"";
  EXPECT_EQ(ctl_request(socket_, large), "{\"echo\":" + large + "}");
  EXPECT_THROW(ctl_request(socket_, std::string(70'000, 'x')), Error);
  EXPECT_EQ(ctl_request(socket_, "2"), "{\"echo\":2}") << "and goes on answering";
}

TEST_F(CtlTest, AFailedRequestIsAnsweredWithItsReason) {
  EXPECT_EQ(ctl_request(socket_, "bad"), R"({"error":"no such thing"})");
}

/// Sends `text`, shuts the sending side down, and reads to the end.
std::string talk(const std::filesystem::path& path, const std::string& text) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(send(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  shutdown(fd, SHUT_WR);
  std::string all;
  std::array<char, 4096> buffer;
  for (ssize_t length; (length = recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
    all.append(buffer.data(), static_cast<size_t>(length));
  }
  close(fd);
  return all;
}

TEST_F(CtlTest, OfManyRequestsInOneGoOneIsServedARound) {
  std::string requests, expected;
  for (int i = 0; i < 1000; ++i) {
    requests += std::to_string(i) + "\n";
    expected += "{\"echo\":" + std::to_string(i) + "}\n";
  }
  EXPECT_EQ(talk(socket_, requests), expected);
  stop_server();
  EXPECT_EQ(most_a_round_, 1u);
}

TEST_F(CtlTest, AClientThatShutsItsSendingSideDownGetsItsAnswers) {
  EXPECT_EQ(talk(socket_, "1\n"), "{\"echo\":1}\n");
  EXPECT_EQ(talk(socket_, "1\n2"), "{\"echo\":1}\n{\"echo\":2}\n") << "the last without a line end";
  EXPECT_EQ(talk(socket_, ""), "");
}

TEST_F(CtlTest, AnAnswerMayComeLaterAndTheClientsNextRequestWaitsForIt) {
  EXPECT_EQ(talk(socket_, "later\n1\nlater\n2\n"), "done\n{\"echo\":1}\ndone\n{\"echo\":2}\n");
}

TEST_F(CtlTest, ASecondServerIsRefusedWhileTheFirstLives) {
  EXPECT_THROW(CtlServer(socket_, [](uint64_t, const std::string&) { return std::string(); }),
               Error);
  EXPECT_EQ(ctl_request(socket_, "3"), "{\"echo\":3}");
}

TEST(CtlClient, SaysWhichSocketDoesNotAnswer) {
  try {
    ctl_request("/nonexistent/ctl.sock", "{}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/ctl.sock: no flowmarkd answers there"));
  }
}

}  // namespace
}  // namespace flowmark

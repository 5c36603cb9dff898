// The control thread's parts: file watch, flow log, control socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

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

TEST(FileWatch, TellsOfWritesRenamesAndNewFilesButNotOfOthers) {
  const testing::TemporaryFolder folder;
  const auto watched = folder.path() / "m.onnx", late = folder.path() / "late.onnx";
  std::ofstream(watched) << "1";
  FileWatch watch;
  EXPECT_THAT(watch.watch({watched, late}), IsEmpty());
  std::ofstream(folder.path() / "other") << "x";
  EXPECT_THAT(watch.changed(), IsEmpty());
  std::ofstream(watched) << "2";
  EXPECT_THAT(watch.changed(), ElementsAre(watched));
  std::ofstream(folder.path() / "m.tmp") << "3";
  std::filesystem::rename(folder.path() / "m.tmp", watched);
  EXPECT_THAT(watch.changed(), ElementsAre(watched));
  std::ofstream(late) << "4";
  EXPECT_THAT(watch.changed(), ElementsAre(late));
}

TEST(FileWatch, NamesFoldersItCannotWatch) {
  FileWatch watch;
  EXPECT_THAT(watch.watch({"/nonexistent/m.onnx"}), ElementsAre("/nonexistent"));
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
                [](const std::string& request) -> std::string {
                  if (request == "bad") fail("no such thing");
                  return "{\"echo\":" + request + "}";
                }),
        thread_([this] {
          while (!stop_) {
            pollfd wait{server_.descriptor(), POLLIN, 0};
            if (poll(&wait, 1, 20) > 0) server_.poll();
          }
        }) {}
  ~CtlTest() override {
    stop_ = true;
    thread_.join();
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path socket_ = folder_.path() / "run" / "ctl.sock";
  std::atomic<bool> stop_{false};
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

TEST_F(CtlTest, ASecondServerIsRefusedWhileTheFirstLives) {
  EXPECT_THROW(CtlServer(socket_, [](const std::string&) { return std::string(); }), Error);
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

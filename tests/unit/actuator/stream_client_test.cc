#include "actuator/stream_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "unit/actuator/listener.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = StreamClient::State;
using Time = StreamClient::Clock::time_point;

class StreamClientTest : public testing::Test {
 protected:
  State pump(Time now = Time{}) {
    return client_.pump(now, [this](std::string_view line) { lines_.emplace_back(line); });
  }

  Listener listener_;
  StreamClient client_{listener_.path()};
  std::vector<std::string> lines_;
};

TEST_F(StreamClientTest, CutsWhatComesIntoLines) {
  ASSERT_EQ(pump(), State::connected);
  listener_.accept();
  listener_.write("one\ntw");
  pump();
  EXPECT_THAT(lines_, ElementsAre("one"));
  listener_.write("o\n\nthree");
  pump();
  EXPECT_THAT(lines_, ElementsAre("one", "two", ""));
}

TEST_F(StreamClientTest, WaitsWhereNothingIsToBeRead) {
  ASSERT_EQ(pump(), State::connected);
  EXPECT_EQ(pump(), State::connected);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(StreamClientTest, ConnectsAgainAfterPausesThatGrow) {
  ASSERT_EQ(pump(), State::connected);
  listener_.accept();
  listener_.hang_up();
  EXPECT_EQ(pump(), State::closed);
  EXPECT_THAT(client_.reason(), HasSubstr("closed"));
  listener_.close();
  Time now{};
  std::chrono::milliseconds last{0};
  for (int attempt = 0; attempt < 12; ++attempt) {
    const auto pause =
        std::chrono::duration_cast<std::chrono::milliseconds>(client_.next_attempt() - now);
    EXPECT_GE(pause, last);
    EXPECT_LE(pause, StreamClient::kLastPause);
    last = pause;
    EXPECT_EQ(pump(client_.next_attempt() - std::chrono::milliseconds(1)), State::waiting);
    now = client_.next_attempt();
    EXPECT_EQ(pump(now), State::waiting);
  }
  EXPECT_EQ(last, StreamClient::kLastPause);
  EXPECT_THAT(client_.reason(), HasSubstr("no flowmarkd answers"));
}

TEST_F(StreamClientTest, HalfALineOfALostConnectionIsForgotten) {
  pump();
  listener_.accept();
  listener_.write("half");
  pump();
  listener_.hang_up();
  pump();
  ASSERT_EQ(pump(client_.next_attempt()), State::connected);
  listener_.accept();
  listener_.write("whole\n");
  pump();
  EXPECT_THAT(lines_, ElementsAre("whole"));
}

TEST_F(StreamClientTest, ALineWithoutEndClosesTheConnection) {
  pump();
  listener_.accept();
  std::string left(StreamClient::kLongestLine + 1, 'x');
  while (client_.descriptor() >= 0) {
    const size_t taken = listener_.write_some(left);
    left.erase(0, taken);
    pump();
    ASSERT_FALSE(left.empty() && client_.descriptor() >= 0 && taken == 0) << "kept everything";
  }
  EXPECT_THAT(client_.reason(), HasSubstr("longer than"));
}

TEST_F(StreamClientTest, TheReaderOfLinesMayAskForANewConnection) {
  pump();
  listener_.accept();
  listener_.write("one\ntwo\n");
  const State state = client_.pump(Time{}, [this](std::string_view line) {
    lines_.emplace_back(line);
    client_.reconnect(Time{} + std::chrono::seconds(3));
  });
  EXPECT_EQ(state, State::closed);
  EXPECT_THAT(lines_, ElementsAre("one"));
  EXPECT_EQ(client_.next_attempt(), Time{} + std::chrono::seconds(3));
}

TEST(StreamClient, RefusesAPathTooLongForASocket) {
  EXPECT_THROW(StreamClient(std::string(200, 'x')), Error);
}

}  // namespace
}  // namespace flowmark

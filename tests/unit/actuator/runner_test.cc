#include "actuator/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "unit/actuator/lines.h"
#include "unit/actuator/listener.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Writes down what the runner calls, but for work().
class RecordingHandler final : public StreamHandler {
 public:
  void begin_snapshot() override { calls.emplace_back("begin"); }
  void take(const StreamLine& line, std::string_view) override {
    calls.push_back(fmt::format("{} {}", line.kind == StreamLine::Kind::end ? "end" : "mark",
                                line.flow.source_port));
  }
  void end_snapshot() override { calls.emplace_back("whole"); }
  void work(Clock::time_point) override {}
  Clock::time_point next_work() const override { return Clock::time_point::max(); }

  std::vector<std::string> calls;
};

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    options_.socket = listener_.path();
    options_.once = true;
  }
  /// Until the connection has ended; the daemon's side sends `text` and hangs up.
  void run(const std::string& text) {
    std::thread daemon([&] {
      listener_.accept();
      listener_.write(text);
      listener_.hang_up();
    });
    Runner(options_, handler_, counters_, messages_).run();
    daemon.join();
  }

  Listener listener_;
  ActuatorOptions options_;
  RecordingHandler handler_;
  ActuatorCounters counters_;
  Messages messages_{"test"};
};

TEST_F(RunnerTest, HandsTheStreamToTheHandler) {
  run(fmt::format("{}\n{}\n{}\n{}\n{}\n", kHelloLine, mark_line("10.9.0.1", 1, "10.9.0.2", 46),
                  kLiveLine, mark_line("10.9.0.1", 2, "10.9.0.2", 46),
                  end_line("10.9.0.1", 1, "10.9.0.2")));
  EXPECT_THAT(handler_.calls, ElementsAre("begin", "mark 1", "whole", "mark 2", "end 1"));
  EXPECT_EQ(counters_.lines, 5U);
  EXPECT_EQ(counters_.connections, 1U);
  EXPECT_EQ(counters_.bad_lines, 0U);
}

TEST_F(RunnerTest, ALineThatCannotBeReadIsCountedAndTheNextOneRead) {
  run(fmt::format("{}\n{}\nnonsense\n{}\n", kHelloLine, kLiveLine,
                  end_line("10.9.0.1", 1, "10.9.0.2")));
  EXPECT_THAT(handler_.calls, ElementsAre("begin", "whole", "end 1"));
  EXPECT_EQ(counters_.bad_lines, 1U);
}

TEST_F(RunnerTest, LinesWithoutAHelloAreNotFollowed) {
  run(mark_line("10.9.0.1", 1, "10.9.0.2", 46) + "\n" + kLiveLine + "\n");
  EXPECT_THAT(handler_.calls, ElementsAre());
  EXPECT_EQ(counters_.bad_lines, 1U);
}

TEST_F(RunnerTest, LostLinesAreCounted) {
  run(fmt::format("{}\n{}\n{{\"type\":\"lost\",\"lines\":12}}\n", kHelloLine, kLiveLine));
  EXPECT_EQ(counters_.lost_lines, 12U);
}

TEST_F(RunnerTest, WithoutADaemonItSaysWhere) {
  listener_.close();
  Runner runner(options_, handler_, counters_, messages_);
  try {
    runner.run();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(listener_.path()));
  }
}

TEST_F(RunnerTest, WritesTheMetricsFile) {
  options_.metrics = listener_.path() + ".prom";
  run(fmt::format("{}\n{}\n", kHelloLine, kLiveLine));
  std::ifstream file(options_.metrics);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("flowmark_actuator_lines_total{program=\"test\"} 2\n"));
  EXPECT_THAT(text.str(), HasSubstr("flowmark_actuator_connected{program=\"test\"} 0\n"));
}

TEST(ActuatorMetrics, AreAllInTheDocument) {
  std::ifstream file(FLOWMARK_SOURCE_DIR "/docs/actuators.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const ActuatorMetric& metric : actuator_metrics()) {
    EXPECT_THAT(text.str(), HasSubstr(std::string("`flowmark_actuator_") + metric.name + "`"));
  }
}

}  // namespace
}  // namespace flowmark

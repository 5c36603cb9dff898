#include "base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace flowmark {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

/// Standard error on something else for a while: a terminal of its own or a pipe.
class RedirectedStderr {
 public:
  explicit RedirectedStderr(bool terminal, uint16_t columns = 100) {
    int writer = -1;
    if (terminal) {
      winsize size{};
      size.ws_col = columns;
      if (openpty(&reader_, &writer, nullptr, nullptr, &size) != 0) throw std::runtime_error("pty");
    } else {
      std::array<int, 2> ends{};
      if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
      reader_ = ends[0];
      writer = ends[1];
    }
    saved_ = dup(STDERR_FILENO);
    dup2(writer, STDERR_FILENO);
    close(writer);
  }
  ~RedirectedStderr() {
    if (saved_ >= 0) static_cast<void>(text());
  }

  /// All that was written; standard error is what it was before.
  std::string text() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    saved_ = -1;
    std::string all;
    std::array<char, 4096> part{};
    // A terminal without writers ends with an error, a pipe with 0.
    for (ssize_t n = 0; (n = read(reader_, part.data(), part.size())) > 0;) {
      all.append(part.data(), static_cast<size_t>(n));
    }
    close(reader_);
    return all;
  }

 private:
  int reader_ = -1, saved_ = -1;
};

long draws(const std::string& text) {
  return std::count(text.begin(), text.end(), '\x1b');
}

TEST(Progress, SilentElsewhereThanOnATerminal) {
  RedirectedStderr error(false);
  {
    Progress progress("reading", 10);
    progress.set(5);
    progress.note("loss 0.5");
    progress.finish();
  }
  EXPECT_EQ(error.text(), "");
}

TEST(Progress, TerminalShowsTitleShareAndNote) {
  RedirectedStderr error(true);
  {
    Progress progress("training", 200);
    progress.set(50);
    progress.note("loss 0.5");
    progress.finish();
  }
  const std::string text = error.text();
  EXPECT_THAT(text, HasSubstr("training ["));
  EXPECT_THAT(text, HasSubstr(" 25%"));
  EXPECT_THAT(text, HasSubstr("loss 0.5"));
  EXPECT_THAT(text, EndsWith("\n"));
}

TEST(Progress, UnknownTotalShowsACount) {
  RedirectedStderr error(true);
  {
    Progress progress("reading", 0);
    progress.set(12345);
  }  // the destructor finishes
  const std::string text = error.text();
  EXPECT_THAT(text, HasSubstr("reading 12345"));
  EXPECT_THAT(text, Not(HasSubstr("%")));
  EXPECT_THAT(text, EndsWith("\n"));
}

TEST(Progress, MoreThanTheTotalIsAllOfIt) {
  RedirectedStderr error(true);
  {
    Progress progress("reading", 10);
    progress.set(1000);
  }
  EXPECT_THAT(error.text(), HasSubstr("100%"));
}

TEST(Progress, FinishesOnce) {
  RedirectedStderr error(true);
  {
    Progress progress("reading", 10);
    progress.finish();
    progress.set(3);
    progress.finish();
  }
  const std::string text = error.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, LineNeverWraps) {
  RedirectedStderr error(true, 40);
  {
    Progress progress(std::string(300, 't'), 10);
    progress.note(std::string(300, 'n'));
  }
  const std::string text = error.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), 't'), 39 * draws(text));
}

// However many updates there are, ten redraws a second.
TEST(Progress, ManyThreadsRedrawSeldom) {
  RedirectedStderr error(true);
  const auto start = std::chrono::steady_clock::now();
  {
    Progress progress("counting", 500'000);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (uint64_t n = 0; n < 20'000; ++n) progress.set(n);
      });
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const long most = 2 + static_cast<long>(seconds.count() * 10) + 1;
  EXPECT_LE(draws(error.text()), most);
}

}  // namespace
}  // namespace flowmark

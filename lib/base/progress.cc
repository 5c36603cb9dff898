#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace flowmark {
namespace {

constexpr int64_t kRedrawMs = 100;
constexpr int kBarWidth = 30;
constexpr int kDefaultColumns = 80;

int64_t now_ms() {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  return std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return static_cast<size_t>(known ? size.ws_col : kDefaultColumns);
}

std::string duration_text(int64_t ms) {
  const int64_t s = ms / 1000;
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

Progress::Progress(std::string title, uint64_t total)
    : title_(std::move(title)), total_(total), enabled_(isatty(STDERR_FILENO) == 1) {
  start_ms_ = now_ms();
  if (enabled_) draw(false);
}

Progress::~Progress() {
  finish();
}

void Progress::set(uint64_t done) {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  done_ = done;
  if (!finished_ && now_ms() - last_draw_ms_ >= kRedrawMs) draw(false);
}

void Progress::note(std::string text) {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  note_ = std::move(text);
  if (!finished_ && now_ms() - last_draw_ms_ >= kRedrawMs) draw(false);
}

void Progress::finish() {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  draw(true);
}

void Progress::draw(bool last) {
  last_draw_ms_ = now_ms();
  const int64_t elapsed = last_draw_ms_ - start_ms_;
  std::string line;
  if (total_ == 0) {
    line = fmt::format("{} {} in {}", title_, done_, duration_text(elapsed));
  } else {
    const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    const int filled = static_cast<int>(share * kBarWidth);
    line = fmt::format("{} [{:#<{}}{:.<{}}] {:3.0f}% {}", title_, "", filled, "",
                       kBarWidth - filled, share * 100, duration_text(elapsed));
    if (!last && share > 0.01) {
      const double left = static_cast<double>(elapsed) * (1 - share) / share;
      line += fmt::format(", {} left", duration_text(static_cast<int64_t>(left)));
    }
  }
  if (!note_.empty()) line += " " + note_;
  // A line that wraps could not be overwritten by the next.
  line = line.substr(0, terminal_columns() - 1);
  const std::string text = fmt::format("\r\x1b[K{}{}", line, last ? "\n" : "");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace flowmark

#include "daemon/flowmark-exec/exec_handler.h"

#include <algorithm>

#include "base/error.h"

namespace flowmark {

// The rate is the generic cell rate algorithm (ITU-T I.371): a command is allowed when the time of
// the next one, were they evenly spaced, is at most a second's burst ahead.
ExecHandler::ExecHandler(const ExecOptions& options, size_t max_flows, ActuatorCounters& counters,
                         Messages& messages)
    : lines_(options.lines),
      pause_(std::chrono::nanoseconds(1'000'000'000 / options.rate)),
      burst_(pause_ * (options.rate - 1)),
      counters_(counters),
      messages_(messages),
      queue_(max_flows, counters),
      children_(options.command, options.max_children, std::chrono::seconds(options.timeout_s)) {}

void ExecHandler::work(Clock::time_point now) {
  reap(now);
  while (!queue_.empty() && !children_.is_full() && next_start_ <= now + burst_) start(now);
}

void ExecHandler::reap(Clock::time_point now) {
  for (const Children::Ended& ended : children_.reap(now)) {
    ++(ended.succeeded ? counters_.set : counters_.failed);
    if (!ended.succeeded) messages_.say_rarely("command", ended.reason);
  }
}

void ExecHandler::start(Clock::time_point now) {
  next_start_ = std::max(next_start_, now) + pause_;
  try {
    children_.start(queue_.pop(lines_), now);
  } catch (const Error& error) {
    ++counters_.failed;
    messages_.say_rarely("command", error.what());
  }
}

StreamHandler::Clock::time_point ExecHandler::next_work() const {
  const bool may_start = !queue_.empty() && !children_.is_full();
  const Clock::time_point start = may_start ? next_start_ - burst_ : Clock::time_point::max();
  return std::min(start, children_.next_deadline());
}

}  // namespace flowmark

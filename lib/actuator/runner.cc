#include "actuator/runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace flowmark {
namespace {

// Lost lines make the marks wrong until the next snapshot, which costs the daemon a line a flow.
constexpr std::chrono::seconds kBetweenSnapshots{10};
constexpr std::chrono::seconds kBetweenMetrics{5};
constexpr std::chrono::seconds kAfterWrongHello{5};
// About 5,000 lines: larger transactions save little.
constexpr int kReadsPerBatch = 8;

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  return set;
}

int milliseconds_until(Runner::Clock::time_point then, Runner::Clock::time_point now) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(then - now);
  return static_cast<int>(std::clamp(left, milliseconds{0}, milliseconds{60'000}).count());
}

}  // namespace

Runner::Runner(const ActuatorOptions& options, StreamHandler& handler, ActuatorCounters& counters,
               Messages& messages)
    : options_(options),
      handler_(handler),
      counters_(counters),
      messages_(messages),
      client_(options.socket) {
  const sigset_t set = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signals_ < 0) fail("signals cannot be awaited: {}", strerror(errno));
}

Runner::~Runner() {
  close(signals_);
}

void Runner::run() {
  messages_.say("reads verdicts from " + options_.socket.native());
  while (!stops_) {
    const Clock::time_point now = Clock::now();
    read_signals();
    if (!ended_) read_stream(now);
    handler_.work(now);
    if (ended_ && handler_.is_idle()) stops_ = true;
    ask_again(now);
    publish(now);
    if (!stops_) wait(Clock::now());
  }
  counters_.connected = 0;
  if (!options_.metrics.empty()) {
    write_metrics(options_.metrics, metrics_text(counters_, messages_.program()));
  }
  messages_.say("stops: " + summary_text(counters_));
}

void Runner::wait(Clock::time_point now) {
  Clock::time_point until = handler_.next_work();
  if (client_.descriptor() < 0 && !ended_) {
    until = std::min(until, client_.next_attempt());
  } else if (wants_snapshot_ && !options_.once) {
    until = std::min(until, next_snapshot_);
  }
  if (!options_.metrics.empty()) until = std::min(until, next_metrics_);
  std::array<pollfd, 2> events{{{signals_, POLLIN, 0}, {client_.descriptor(), POLLIN, 0}}};
  poll(events.data(), events.size(), milliseconds_until(until, now));
}

void Runner::read_signals() {
  signalfd_siginfo signal{};
  while (read(signals_, &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT) stops_ = true;
    if (signal.ssi_signo == SIGHUP) {
      wants_snapshot_ = true;
      next_snapshot_ = {};
    }
  }
}

void Runner::read_stream(Clock::time_point now) {
  const bool was_connected = client_.descriptor() >= 0;
  const auto on_line = [this](std::string_view text) { take(text); };
  StreamClient::State state = client_.pump(now, on_line);
  // What waits already becomes one batch.
  for (int i = 1; i < kReadsPerBatch && state == StreamClient::State::connected; ++i) {
    const uint64_t before = counters_.lines;
    state = client_.pump(now, on_line);
    if (counters_.lines == before) break;
  }
  counters_.connected = client_.descriptor() >= 0 ? 1 : 0;
  if (!was_connected && state != StreamClient::State::waiting) {
    ++counters_.connections;
    was_connected_ = true;
  }
  if (state == StreamClient::State::connected) return;
  greeted_ = false;
  if (options_.once) {
    if (!was_connected_ && state == StreamClient::State::waiting) {
      fail("--socket: value {}: {}", options_.socket.native(), client_.reason());
    }
    ended_ = true;
  } else if (!client_.reason().empty()) {
    messages_.say_rarely("connection", fmt::format("{}: {}; tries again", options_.socket.native(),
                                                   client_.reason()));
  }
}

void Runner::take(std::string_view text) {
  ++counters_.lines;
  try {
    take(parse_stream_line(text), text);
  } catch (const Error& error) {
    ++counters_.bad_lines;
    messages_.say_rarely("line", std::string("a line cannot be read: ") + error.what());
    if (!greeted_) client_.reconnect(Clock::now() + kAfterWrongHello);
  }
}

void Runner::take(const StreamLine& line, std::string_view text) {
  using Kind = StreamLine::Kind;
  if (line.kind == Kind::hello) {
    greeted_ = true;
    wants_snapshot_ = false;
    handler_.begin_snapshot();
    return;
  }
  if (!greeted_)
    fail("no hello came first: is {} the stream of verdicts?", options_.socket.native());
  switch (line.kind) {
    case Kind::mark:
    case Kind::end:
      return handler_.take(line, text);
    case Kind::live:
      return handler_.end_snapshot();
    case Kind::lost:
      counters_.lost_lines += line.count;
      wants_snapshot_ = true;
      messages_.say_rarely("lost",
                           fmt::format("{} lines were lost; asks for a new snapshot (a larger "
                                       "verdict_stream.buffer_kib helps)",
                                       line.count));
      return;
    case Kind::hello:
    case Kind::other:
      return;
  }
}

void Runner::ask_again(Clock::time_point now) {
  if (!wants_snapshot_ || options_.once || client_.descriptor() < 0 || now < next_snapshot_) return;
  wants_snapshot_ = greeted_ = false;
  next_snapshot_ = now + kBetweenSnapshots;
  client_.reconnect(now);
  counters_.connected = 0;
}

void Runner::publish(Clock::time_point now) {
  if (options_.metrics.empty() || now < next_metrics_) return;
  next_metrics_ = now + kBetweenMetrics;
  try {
    write_metrics(options_.metrics, metrics_text(counters_, messages_.program()));
  } catch (const Error& error) {
    messages_.say_rarely("metrics", error.what());
  }
}

}  // namespace flowmark

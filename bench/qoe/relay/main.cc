// qoe_relay: carries Ethernet frames between two interfaces; what goes to --to passes a line of a
// rate with a queue, what comes back passes at once. docs/qoe.md says what its queue does.
//
// It prints "ready", ends when its standard input is closed, and prints what it counted as a line
// of JSON.

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>

#include "bench/qoe/relay/line.h"
#include "bench/qoe/relay/packet_socket.h"

namespace flowmark::qoe {
namespace {

constexpr size_t kLargestFrame = 1514;
constexpr int kBurst = 64;  // frames read from one side before the other has its turn

struct Options {
  std::string from, to;
  double rate_kbit = 10000;
  size_t queue_frames = 1000;
  Line::Scheduler scheduler = Line::Scheduler::fifo;
};

int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

class Relay {
 public:
  explicit Relay(const Options& options)
      : from_(options.from),
        to_(options.to),
        line_(options.rate_kbit, options.queue_frames, options.scheduler) {}

  /// Until standard input is closed.
  void run() {
    std::array<pollfd, 3> waits{{{from_.descriptor(), POLLIN, 0},
                                 {to_.descriptor(), POLLIN, 0},
                                 {STDIN_FILENO, POLLIN, 0}}};
    while (waits[2].revents == 0) {
      const timespec timeout = until_next();
      if (ppoll(waits.data(), waits.size(), &timeout, nullptr) < 0 && errno != EINTR)
        throw std::runtime_error("poll failed");
      take_in();
      pass_back();
      send();
    }
  }

  nlohmann::ordered_json counted() const {
    nlohmann::ordered_json tiers;
    for (size_t i = 0; i < kTiers; ++i) {
      const auto& c = line_.scheduler().counters(static_cast<Tier>(i));
      tiers[kTierNames[i]] = {{"frames", c.frames},
                              {"bytes", c.bytes},
                              {"dropped", c.dropped},
                              {"longest_wait_ms", static_cast<double>(c.longest_wait_ns) / 1e6}};
    }
    return {{"tiers", tiers},
            {"oversize", oversize_},
            {"unsent", unsent_},
            {"latest_ms", static_cast<double>(line_.latest_ns()) / 1e6}};
  }

 private:
  timespec until_next() const {
    const auto next = line_.next_ns();
    if (!next) return {1, 0};
    const int64_t left = std::max<int64_t>(0, *next - now_ns());
    return {left / 1'000'000'000, left % 1'000'000'000};
  }

  std::span<const uint8_t> next_of(PacketSocket& socket) {
    for (;;) {
      const size_t size = socket.receive(buffer_);
      if (size <= kLargestFrame) return {buffer_.data(), size};
      ++oversize_;  // an offload is on somewhere: such a frame is on no wire
    }
  }

  void take_in() {
    for (int i = 0; i < kBurst; ++i) {
      const auto frame = next_of(from_);
      if (frame.empty()) return;
      line_.push(Frame(frame.begin(), frame.end()), now_ns());
    }
  }

  void pass_back() {
    for (int i = 0; i < kBurst; ++i) {
      const auto frame = next_of(to_);
      if (frame.empty()) return;
      unsent_ += !from_.send(frame);
    }
  }

  void send() {
    while (const auto frame = line_.pop(now_ns())) unsent_ += !to_.send(*frame);
  }

  PacketSocket from_, to_;
  Line line_;
  std::array<uint8_t, 65536> buffer_{};
  uint64_t oversize_ = 0;
  uint64_t unsent_ = 0;
};

}  // namespace
}  // namespace flowmark::qoe

int main(int argc, char** argv) {
  using flowmark::qoe::Line;
  flowmark::qoe::Options options;
  CLI::App app{"A line of a rate with a queue, between two interfaces (docs/qoe.md)"};
  app.add_option("--from", options.from, "Interface where frames for the line come in")->required();
  app.add_option("--to", options.to, "Interface where they leave")->required();
  app.add_option("--rate-kbit", options.rate_kbit, "Rate of the line (default 10000)")
      ->check(CLI::Range(10.0, 1e7));
  app.add_option("--queue", options.queue_frames, "Frames that a queue holds (default 1000)")
      ->check(CLI::Range(1, 100000));
  const std::map<std::string, Line::Scheduler> kinds = {{"fifo", Line::Scheduler::fifo},
                                                        {"tiers", Line::Scheduler::tiers}};
  app.add_option("--scheduler", options.scheduler, "fifo (default) or tiers, by mark")
      ->transform(CLI::CheckedTransformer(kinds));
  CLI11_PARSE(app, argc, argv);
  try {
    prctl(PR_SET_TIMERSLACK, 1);
    flowmark::qoe::Relay relay(options);
    std::cout << "ready" << std::endl;
    relay.run();
    std::cout << relay.counted().dump() << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "qoe_relay: " << error.what() << '\n';
    return 1;
  }
}

// What the control side costs a worker: a real Worker on traffic from memory, and beside it a
// thread that loads and publishes models, asks about flows, empties the rings and adds up counters.
// Prints how long the worker's rounds took, by what happened in them; quiet rounds show what the
// machine itself adds.
#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/on_exit.h"
#include "bench/pipeline/bench_models.h"
#include "bench/runtime/timed_traffic.h"
#include "learn/bench_options.h"
#include "runtime/cycles.h"
#include "runtime/event_ring.h"
#include "runtime/model_store.h"
#include "runtime/totals.h"
#include "runtime/wiring.h"
#include "runtime/worker.h"

namespace flowmark::bench {
namespace {

constexpr size_t kRingEvents = 8192;        // as the daemon's
constexpr uint64_t kQuietRounds = 20'000;   // between two reloads
constexpr uint64_t kRoundsPerAction = 200;  // from one question or reading to the next
constexpr uint32_t kActionsPerReload = 20;  // of either

struct Arguments {
  uint32_t reloads = 100;
  uint32_t flows = 10'000;
  std::string only_case;
  bool json = false;
};

/// Two sets of models that take turns.
struct Case {
  const char* name;
  std::vector<BenchModel> first, second;
};

std::vector<Case> all_cases() {
  const std::vector<BenchModel> both{BenchModel::linear, BenchModel::cnn};
  const std::vector<BenchModel> eight(kMaxModels, BenchModel::cnn);
  return {{"same_windows", both, both},
          {"other_windows", {BenchModel::linear}, {BenchModel::cnn}},
          {"eight_networks", eight, eight}};
}

void stay_on(unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core % std::thread::hardware_concurrency(), &cores);
  pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
}

uint64_t measured_cycles_per_second() {
  using std::chrono::steady_clock;
  const auto start = steady_clock::now();
  const uint64_t cycles = read_cycles();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::chrono::duration<double> passed = steady_clock::now() - start;
  return static_cast<uint64_t>(static_cast<double>(cycles_between(cycles, read_cycles())) /
                               passed.count());
}

/// Model files of one set, and the settings that name them.
Settings settings_of(const std::filesystem::path& folder, const std::vector<BenchModel>& kinds,
                     uint32_t seed) {
  Settings settings;
  for (size_t i = 0; i < kinds.size(); ++i) {
    ModelSettings& model = settings.models.emplace_back();
    model.name = "model" + std::to_string(i);
    model.path = folder / (std::to_string(seed + i) + ".onnx");
    write_bench_model(model.path, kinds[i], seed + static_cast<uint32_t>(i));
  }
  return settings;
}

/// The worker, its thread, and the control side, which is the calling thread.
class Bench {
 public:
  Bench(const Case& test, const Arguments& arguments, const std::filesystem::path& folder)
      : reloads_(arguments.reloads),
        sets_{settings_of(folder, test.first, 1), settings_of(folder, test.second, 100)},
        publisher_(1, load_models(sets_[0], 1)),
        traffic_({.flows = arguments.flows, .packet_bytes = 0}, publisher_) {
    Settings settings;
    settings.flows.capacity = arguments.flows * 2;
    settings.flows.memory_mb = 512;
    settings.idle = IdlePolicy::poll;
    WorkerOptions options = worker_options(settings, 0, false);
    options.cycles_per_second = measured_cycles_per_second();
    counters_.push_back(std::make_unique<WorkerCounters>());
    verdicts_.emplace(kRingEvents, *counters_[0]);
    flows_.emplace(kRingEvents, *counters_[0]);
    worker_.emplace(options, classifier_options(settings, 1, false), traffic_, publisher_,
                    *counters_[0], &*verdicts_, &*flows_);
  }

  void run() {
    stay_on(0);
    std::thread thread([this] {
      stay_on(1);
      worker_->run();
    });
    try {
      wait_rounds(kQuietRounds);
      traffic_.start_measuring();
      for (uint32_t i = 0; i < reloads_; ++i) reload_and_ask();
    } catch (...) {
      worker_->stop();
      thread.join();
      throw;
    }
    worker_->stop();
    thread.join();
  }

  const RoundTimes& times(Round kind) const { return traffic_.times(kind); }

 private:
  void as(Round action, const std::function<void()>& work) {
    traffic_.begin(action);
    work();
    traffic_.begin(Round::quiet);
  }

  void wait_rounds(uint64_t count) const {
    const uint64_t end = traffic_.rounds() + count;
    while (traffic_.rounds() < end) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }

  void reload_and_ask() {
    Publication next;
    ++generation_;
    as(Round::load,
       [&] { next = Publication(load_models(sets_[generation_ % 2], generation_), 1); });
    as(Round::publish, [&] {
      publisher_.publish(std::move(next));
      while (!publisher_.settled()) std::this_thread::yield();
    });
    as(Round::free, [&] { publisher_.reclaim(); });
    wait_rounds(kQuietRounds);
    for (uint32_t i = 0; i < kActionsPerReload; ++i) {
      as(Round::ask, [&] { ask(); });
      wait_rounds(kRoundsPerAction);
      as(Round::read, [&] { read_events_and_counters(); });
      wait_rounds(kRoundsPerAction);
    }
  }

  void ask() {
    FlowQuery query;
    query.key = traffic_.some_flow();
    worker_->ask(query, std::chrono::steady_clock::time_point::max());
  }

  void read_events_and_counters() {
    VerdictEvent verdict;
    while (verdicts_->pop(verdict)) continue;
    FlowEvent flow;
    while (flows_->pop(flow)) continue;
    const Totals totals(counters_);
  }

  uint32_t reloads_;
  std::array<Settings, 2> sets_;
  uint64_t generation_ = 1;
  ModelPublisher publisher_;
  TimedTraffic traffic_;
  WorkerCountersList counters_;
  std::optional<EventRing> verdicts_;
  std::optional<FlowRing> flows_;
  std::optional<Worker> worker_;
};

void print(const Case& test, Round kind, const RoundTimes& times, bool json) {
  const char* format =
      json
          ? R"({"case":"%s","rounds":"%s","count":%llu,"p50_us":%.1f,"p99_us":%.1f,"p999_us":%.1f,)"
            R"("over_15_us":%llu,"own_p50_us":%.1f,"own_p99_us":%.1f,"own_p999_us":%.1f,)"
            R"("own_max_us":%.1f,"own_over_15_us":%llu})"
            "\n"
          : "%-15s %-10s %9llu rounds  by the clock p50 %5.1f  p99 %6.1f  p99.9 %7.1f us, %llu "
            "above 15  own time p50 %5.1f  p99 %6.1f  p99.9 %6.1f  max %7.1f us, %llu above 15\n";
  const auto us = [](const LatencyHistogram& of, double q) {
    return static_cast<double>(of.quantile(q)) / 1000;
  };
  using Count = unsigned long long;
  std::printf(format, test.name, to_string(kind), Count{times.wall.count()}, us(times.wall, 0.5),
              us(times.wall, 0.99), us(times.wall, 0.999), Count{times.wall_over},
              us(times.own, 0.5), us(times.own, 0.99), us(times.own, 0.999),
              static_cast<double>(times.longest_own_ns) / 1000, Count{times.own_over});
  std::fflush(stdout);
}

constexpr const char* kAbout =
    "How long the rounds of a worker take (a burst of 32 packets each) while the control side "
    "loads "
    "models, publishes them, asks about flows, and reads events and counters. By the clock, and by "
    "the CPU time of the worker's thread. Wants two cores of its own.";

void run_cases(const Arguments& arguments) {
  const auto folder = std::filesystem::temp_directory_path() / "flowmark-reload-bench";
  std::filesystem::create_directories(folder);
  const OnExit remove([&folder] { std::filesystem::remove_all(folder); });
  for (const Case& test : all_cases()) {
    if (!arguments.only_case.empty() && arguments.only_case != test.name) continue;
    Bench bench(test, arguments, folder);
    bench.run();
    for (size_t kind = 0; kind < static_cast<size_t>(Round::count_); ++kind) {
      const auto round = static_cast<Round>(kind);
      print(test, round, bench.times(round), arguments.json);
    }
  }
}

int main_of(int argc, char** argv) {
  Arguments arguments;
  BenchCommand command(kAbout, "reload_bench");
  command.add("--reloads", arguments.reloads, "Changes of models in each case");
  command.add("--flows", arguments.flows, "Flows of the traffic");
  command.add("--case", arguments.only_case, "Only this one",
              {"same_windows", "other_windows", "eight_networks"});
  command.add_flag("--json", arguments.json, "Print a line of JSON for each kind of round");
  return command.run(argc, argv, [&arguments] { run_cases(arguments); });
}

}  // namespace
}  // namespace flowmark::bench

int main(int argc, char** argv) {
  return flowmark::bench::main_of(argc, argv);
}

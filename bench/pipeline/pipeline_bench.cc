// One worker's packet path on a stream in memory: parse, flow table, windows, verdicts, marks and
// inference in slices, everything on. Prints a line a case; --json for machines. The time to make
// the packets is not counted.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "bench/pipeline/bench_models.h"
#include "bench/pipeline/traffic_generator.h"
#include "classify/classifier.h"

namespace flowmark::bench {
namespace {

constexpr uint32_t kBurst = 32;
constexpr uint64_t kSliceNs = 5000;

struct Case {
  uint32_t flows;
  uint32_t packet_bytes;  ///< 0: mixed
};

struct Result {
  double ns_per_packet = 0;
  double bytes_per_flow = 0;
  double p999_us = 0;  ///< of a burst's stay: what its last packet waits for
  uint64_t inferences = 0;
  uint64_t bypassed = 0;
  uint64_t backlog_drops = 0;  ///< due windows that found the queue full
};

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

uint64_t inferences(const WorkerCounters& counters) {
  uint64_t sum = 0;
  for (const ModelCounters& model : counters.models) sum += model.inferences.get();
  return sum;
}

Result run(const Case& test, uint64_t packets, const ModelSet& models) {
  ClassifierOptions options;
  options.table.capacity = std::max(1U << 16, test.flows * 2);
  options.window_memory_bytes = 2ull << 30;
  options.direction = DirectionRule::lan_port;
  auto counters = std::make_unique<WorkerCounters>();
  Classifier classifier(options, *counters, nullptr);
  classifier.use_models(&models);
  TrafficGenerator traffic({.flows = test.flows, .packet_bytes = test.packet_bytes});

  std::array<Packet, kBurst> burst;
  std::vector<uint32_t> stays;
  const uint64_t warm_up = std::max<uint64_t>(packets / 4, uint64_t{test.flows} * 4);
  uint64_t busy_ns = 0, inferences_before = 0;
  stays.reserve(packets / kBurst + 1);
  for (uint64_t done = 0; done < warm_up + packets; done += kBurst) {
    if (done - kBurst < warm_up && done >= warm_up) {
      busy_ns = 0;
      stays.clear();
      inferences_before = inferences(*counters);
    }
    traffic.next(burst);
    const uint64_t start = now_ns();
    classifier.process(burst, {});
    classifier.infer(kSliceNs);
    classifier.expire(burst.back().time_us);
    const uint64_t end = now_ns();
    busy_ns += end - start;
    stays.push_back(static_cast<uint32_t>(end - start));
  }
  Result result;
  result.ns_per_packet = static_cast<double>(busy_ns) / static_cast<double>(stays.size() * kBurst);
  std::nth_element(stays.begin(),
                   stays.begin() + static_cast<std::ptrdiff_t>(stays.size() * 999 / 1000),
                   stays.end());
  result.p999_us = stays[stays.size() * 999 / 1000] / 1000.0;
  result.bytes_per_flow = static_cast<double>(counters->pool_used_bytes.get() +
                                              FlowTable::memory_bytes(options.table.capacity)) /
                          classifier.flows().size();
  result.inferences = inferences(*counters) - inferences_before;
  for (const Counter& left_out : counters->left_out) result.backlog_drops += left_out.get();
  for (const Counter& counter : counters->bypassed) result.bypassed += counter.get();
  return result;
}

void print(const Case& test, const Result& result, bool json) {
  const double mpps = 1000 / result.ns_per_packet;
  const char* format =
      json
          ? R"({"flows":%u,"packet_bytes":%u,"mpps":%.3f,"ns_per_packet":%.1f,"bytes_per_flow":%.0f,)"
            R"("p999_us":%.1f,"inferences":%llu,"bypassed":%llu,"backlog_drops":%llu})"
            "\n"
          : "%9u flows  %4u bytes  %7.3f Mpps  %7.1f ns/packet  %6.0f bytes/flow  p99.9 %6.1f us  "
            "%llu inferences  %llu bypassed  %llu due dropped\n";
  std::printf(format, test.flows, test.packet_bytes, mpps, result.ns_per_packet,
              result.bytes_per_flow, result.p999_us,
              static_cast<unsigned long long>(result.inferences),
              static_cast<unsigned long long>(result.bypassed),
              static_cast<unsigned long long>(result.backlog_drops));
  std::fflush(stdout);
}

}  // namespace
}  // namespace flowmark::bench

int main(int argc, char** argv) {
  using namespace flowmark;
  using namespace flowmark::bench;
  bool json = false, quick = false;
  std::string models = "both";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      json = true;
    } else if (argument == "--quick") {
      quick = true;
    } else if (argument.starts_with("--models=")) {
      models = argument.substr(9);
    } else {
      std::puts(
          "pipeline_bench [--json] [--quick] [--models=both|linear|cnn|none]\n"
          "packets per second of one worker on a stream in memory (packet_bytes 0: mixed)");
      return argument == "--help" ? 0 : 2;
    }
  }
  const ModelSet set = make_models(models);
  const uint64_t packets = quick ? 2'000'000 : 10'000'000;
  for (const Case& test : {Case{1000, 64}, Case{100'000, 64}, Case{1'000'000, 64}, Case{1000, 0},
                           Case{100'000, 0}, Case{1'000'000, 0}}) {
    print(test, run(test, packets, set), json);
  }
  return 0;
}

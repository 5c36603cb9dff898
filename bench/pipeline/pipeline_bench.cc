// One worker's packet path on a stream in memory: parse, flow table, windows, verdicts, marks and
// inference in slices, everything on. Prints a line a case; --json for machines. The time to make
// the packets is not counted.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "bench/pipeline/bench_models.h"
#include "bench/pipeline/traffic_generator.h"
#include "bench/pipeline/worker_loop.h"

namespace flowmark::bench {
namespace {

struct Case {
  uint32_t flows;
  uint32_t packet_bytes;  ///< 0: mixed
};

struct Settings {
  std::string models = "both";
  WorkerLoop::Options loop;
  uint64_t packets = 10'000'000;
  uint32_t only_flows = 0;
  std::optional<uint32_t> only_bytes;
  bool json = false;
  bool memory = false;
};

struct Result {
  double ns_per_packet = 0;
  double bytes_per_flow = 0;
  double p50_us = 0, p99_us = 0, p999_us = 0;
  double machine_p999_us = 0;
  uint64_t inferences = 0;
  uint64_t bypassed = 0;
  uint64_t left_out = 0;
};

Result run(const Case& test, const Settings& settings, const ModelSet& models) {
  WorkerLoop::Options options = settings.loop;
  options.flows = test.flows;
  WorkerLoop loop(options, models);
  TrafficGenerator traffic({.flows = test.flows, .packet_bytes = test.packet_bytes});
  loop.run(traffic, std::max<uint64_t>(settings.packets / 4, uint64_t{test.flows} * 8));
  // Of five parts the middle one: what else the machine does disturbs some of them.
  constexpr uint64_t kParts = 5;
  std::vector<Result> parts;
  for (uint64_t part = 0; part < kParts; ++part) {
    loop.forget();
    loop.run(traffic, settings.packets / kParts);
    const auto us = [](const LatencyHistogram& delays, double q) {
      return static_cast<double>(delays.quantile(q)) / 1000;
    };
    Result result;
    result.ns_per_packet = loop.ns_per_packet();
    result.bytes_per_flow =
        static_cast<double>(loop.memory_in_use()) / loop.classifier().flows().size();
    result.p50_us = us(loop.delays(), 0.5);
    result.p99_us = us(loop.delays(), 0.99);
    result.p999_us = us(loop.delays(), 0.999);
    result.machine_p999_us = us(*loop.machine_delays(), 0.999);
    result.inferences = loop.inferences();
    result.bypassed = loop.bypassed();
    result.left_out = loop.left_out();
    parts.push_back(result);
  }
  const auto by_time = [](const Result& a, const Result& b) {
    return a.ns_per_packet < b.ns_per_packet;
  };
  std::nth_element(parts.begin(), parts.begin() + kParts / 2, parts.end(), by_time);
  return parts[kParts / 2];
}

void print(const Case& test, const Result& result, bool json) {
  const char* format =
      json
          ? R"({"flows":%u,"packet_bytes":%u,"mpps":%.3f,"ns_per_packet":%.1f,"bytes_per_flow":%.0f,)"
            R"("p50_us":%.1f,"p99_us":%.1f,"p999_us":%.1f,"machine_p999_us":%.1f,)"
            R"("inferences":%llu,"bypassed":%llu,"left_out":%llu})"
            "\n"
          : "%9u flows  %4u bytes  %7.3f Mpps  %7.1f ns/packet  %6.0f bytes/flow  delay p50 %.1f, "
            "p99 %.1f, p99.9 %.1f us (the machine's own %.1f)  %llu inferences  %llu bypassed  "
            "%llu left out\n";
  std::printf(format, test.flows, test.packet_bytes, 1000 / result.ns_per_packet,
              result.ns_per_packet, result.bytes_per_flow, result.p50_us, result.p99_us,
              result.p999_us, result.machine_p999_us,
              static_cast<unsigned long long>(result.inferences),
              static_cast<unsigned long long>(result.bypassed),
              static_cast<unsigned long long>(result.left_out));
  std::fflush(stdout);
}

// A million conversations of very different lengths (Pareto from 2 packets: half have 4 or fewer,
// one in 1,200 over a thousand, 20 on average), all of them live for a minute.
void run_memory(const Settings& settings, const ModelSet& models) {
  constexpr uint32_t kFlows = 1'000'000;
  TrafficGenerator traffic({.flows = kFlows,
                            .packet_bytes = 0,
                            .least_packets = 2,
                            .live_forever = true,
                            .span_ns = 60'000'000'000});
  WorkerLoop::Options options = settings.loop;
  options.flows = kFlows / 2;  // a table of 2^20
  WorkerLoop loop(options, models);
  loop.run(traffic, traffic.packets_in_all());
  const double bytes = static_cast<double>(loop.memory_in_use());
  std::printf(settings.json ? "{\"flows\":%u,\"packets\":%llu,\"mib\":%.0f,\"bytes_per_flow\":%.0f,"
                              "\"bypassed\":%llu}\n"
                            : "%u flows  %llu packets  %.0f MiB  %.0f bytes/flow  %llu bypassed\n",
              loop.classifier().flows().size(),
              static_cast<unsigned long long>(traffic.packets_in_all()), bytes / (1 << 20),
              bytes / loop.classifier().flows().size(),
              static_cast<unsigned long long>(loop.bypassed()));
}

const char* const kHelp =
    "pipeline_bench [--json] [--quick] [--memory] [--models=both|linear|cnn|none] [--flows=N]\n"
    "               [--packet-bytes=64|0] [--packets=N] [--burst=N] [--busy-share=X]\n"
    "               [--own-delays] [--tell-flows]\n"
    "packets per second of one worker on a stream in memory (packet_bytes 0: mixed sizes).\n"
    "--memory: instead the memory of a million flows of a realistic mix.\n"
    "--own-delays: by the thread's CPU time (a system call a burst), without the times when\n"
    "something else had the core.\n"
    "--tell-flows: with events of flows, as for the stream of verdicts.\n";

bool read_argument(const std::string& argument, Settings& settings) {
  const auto value = [&argument](const char* name) -> const char* {
    return argument.starts_with(name) ? argument.c_str() + std::string(name).size() : nullptr;
  };
  if (argument == "--json") {
    settings.json = true;
  } else if (argument == "--quick") {
    settings.packets = 2'000'000;
  } else if (argument == "--memory") {
    settings.memory = true;
  } else if (argument == "--tell-flows") {
    settings.loop.tells_flows = true;
  } else if (argument == "--own-delays") {
    settings.loop.own_delays = true;
  } else if (const char* models = value("--models=")) {
    settings.models = models;
  } else if (const char* flows = value("--flows=")) {
    settings.only_flows = static_cast<uint32_t>(std::stoul(flows));
  } else if (const char* bytes = value("--packet-bytes=")) {
    settings.only_bytes = static_cast<uint32_t>(std::stoul(bytes));
  } else if (const char* packets = value("--packets=")) {
    settings.packets = std::stoull(packets);
  } else if (const char* burst = value("--burst=")) {
    settings.loop.burst = static_cast<uint32_t>(std::stoul(burst));
    if (settings.loop.burst != 32 && settings.loop.burst != 64) fail("--burst: 32 or 64");
  } else if (const char* share = value("--busy-share=")) {
    settings.loop.busy_share = std::stod(share);
  } else {
    return false;
  }
  return true;
}

int main_of(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (read_argument(argv[i], settings)) continue;
    std::fputs(kHelp, stdout);
    return std::string(argv[i]) == "--help" ? 0 : 2;
  }
  const ModelSet set = make_models(settings.models);
  if (settings.memory) {
    settings.loop.memory_bytes = 3ull << 30;
    run_memory(settings, set);
    return 0;
  }
  for (const Case& test : {Case{1000, 64}, Case{100'000, 64}, Case{1'000'000, 64}, Case{1000, 0},
                           Case{100'000, 0}, Case{1'000'000, 0}}) {
    if (settings.only_flows != 0 && settings.only_flows != test.flows) continue;
    if (settings.only_bytes.value_or(test.packet_bytes) != test.packet_bytes) continue;
    print(test, run(test, settings, set), settings.json);
  }
  return 0;
}

}  // namespace
}  // namespace flowmark::bench

int main(int argc, char** argv) {
  try {
    return flowmark::bench::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pipeline_bench: %s\n", error.what());
    return 1;
  }
}

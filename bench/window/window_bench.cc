#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "feature/histogram/histogram.h"
#include "feature/numbers/flow_numbers.h"
#include "window/flow_windows.h"

namespace flowmark {
namespace {

FeatureSpec combined() {
  return histogram({.kind = HistogramKind::combined});
}
FeatureSpec numbers() {
  return flow_numbers({});
}
/// Small pictures of both directions, coarse histograms, numbers of the flow.
FeatureSpec joint() {
  return FeatureSpec::from_json(R"({"kind":"joint"})", "the default joint input");
}

/// A made flow: full segments one way, acknowledgements and requests the other way.
std::vector<PacketRecord> packets_of(double per_second) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(per_second / 1e6);
  std::vector<PacketRecord> packets(1 << 16);
  double now = 0;
  for (PacketRecord& packet : packets) {
    now += gap(random);
    packet.time_us = static_cast<uint32_t>(now);
    packet.direction = random() % 3 == 0 ? 0 : 1;
    const bool is_full = packet.direction == 1 && random() % 10 < 8;
    packet.size = static_cast<uint16_t>(is_full ? 1500 : 40 + random() % 1461);
    packet.pure_ack = packet.direction == 0 && random() % 2 == 0;
    if (packet.pure_ack != 0) packet.size = 52;
  }
  return packets;
}

/// One or many flows that take turns; with many, each packet finds its flow's memory cold.
void run_append(benchmark::State& state, std::vector<FeatureSpec> specs) {
  const auto flows = static_cast<size_t>(state.range(0));
  const std::vector<PacketRecord> packets = packets_of(static_cast<double>(state.range(1)));
  const WindowPlan plan(std::move(specs));
  BlockPool pool(flows * (160U << 10), true);
  std::vector<FlowWindows*> windows;
  for (size_t i = 0; i < flows; ++i) windows.push_back(FlowWindows::create(plan, pool, {}));
  size_t at = 0;
  size_t flow = 0;
  uint32_t shift = 0;
  uint64_t refused = 0;
  const auto append = [&] {
    PacketRecord record = packets[at];
    record.time_us += shift;
    refused += windows[flow]->append(record, plan, pool) == AppendResult::ok ? 0 : 1;
    if (++flow < flows) return;
    flow = 0;
    if (++at < packets.size()) return;
    at = 0;
    shift += packets.back().time_us;
  };
  for (size_t i = 0; i < 2048 * flows; ++i) append();
  for (auto _ : state) append();
  state.SetItemsProcessed(state.iterations());
  state.counters["refused"] = static_cast<double>(refused);
  state.counters["bytes_per_flow"] = static_cast<double>(pool.used() / flows);
  for (FlowWindows* made : windows) FlowWindows::destroy(made, plan, pool);
}

void append_ring_only(benchmark::State& state) {
  run_append(state, {});
}
void append_flowpic(benchmark::State& state) {
  run_append(state, {FeatureSpec()});
}
void append_combined(benchmark::State& state) {
  run_append(state, {combined()});
}
void append_numbers(benchmark::State& state) {
  run_append(state, {numbers()});
}
void append_joint(benchmark::State& state) {
  run_append(state, {joint()});
}
void append_both(benchmark::State& state) {
  run_append(state, {FeatureSpec(), combined()});
}

/// range(0) packets a second for 60 seconds, then the features over and over.
void run_features(benchmark::State& state, const FeatureSpec& spec) {
  const std::vector<PacketRecord> packets = packets_of(static_cast<double>(state.range(0)));
  const WindowPlan plan({spec});
  BlockPool pool(1 << 20);
  FlowWindows* windows = FlowWindows::create(plan, pool, {});
  for (const PacketRecord& packet : packets) {
    if (packet.time_us >= 60'000'000) break;
    windows->append(packet, plan, pool);
  }
  SparseWindow out;
  out.reserve(plan.max_values());
  WindowReader reader(plan);
  for (auto _ : state) {
    windows->begin_read(0, Direction::down, plan, reader);
    while (!reader.step(UINT32_MAX, out)) {
    }
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["values"] = static_cast<double>(out.size());
  FlowWindows::destroy(windows, plan, pool);
}

void features_flowpic(benchmark::State& state) {
  run_features(state, FeatureSpec());
}
void features_combined(benchmark::State& state) {
  run_features(state, combined());
}
void features_numbers(benchmark::State& state) {
  run_features(state, numbers());
}
void features_joint(benchmark::State& state) {
  run_features(state, joint());
}

void create_and_destroy(benchmark::State& state) {
  const WindowPlan plan({FeatureSpec(), combined()});
  BlockPool pool(1 << 20);
  for (auto _ : state) {
    FlowWindows* windows = FlowWindows::create(plan, pool, {});
    benchmark::DoNotOptimize(windows);
    FlowWindows::destroy(windows, plan, pool);
  }
}

// Flows, packets a second of each.
#define FLOWS_AND_RATES Args({1, 100})->Args({1, 10'000})->Args({1000, 100})
BENCHMARK(append_ring_only)->FLOWS_AND_RATES;
BENCHMARK(append_flowpic)->FLOWS_AND_RATES;
BENCHMARK(append_combined)->FLOWS_AND_RATES;
BENCHMARK(append_numbers)->FLOWS_AND_RATES;
BENCHMARK(append_joint)->FLOWS_AND_RATES;
BENCHMARK(append_both)->FLOWS_AND_RATES;
BENCHMARK(features_flowpic)->Arg(1)->Arg(20)->Arg(200);
BENCHMARK(features_combined)->Arg(20)->Arg(200);
BENCHMARK(features_numbers)->Arg(20)->Arg(200);
BENCHMARK(features_joint)->Arg(20)->Arg(200);
BENCHMARK(create_and_destroy);

}  // namespace
}  // namespace flowmark

BENCHMARK_MAIN();

#include <benchmark/benchmark.h>

#include <array>
#include <unordered_map>

#include "bench/flow/flow_traffic.h"
#include "flow/flow_table.h"

namespace flowmark {
namespace {

struct Nobody final : FlowRemovalListener {
  void on_remove(FlowId, FlowEntry&, Removal) noexcept override {}
};

struct KeyHash {
  size_t operator()(const FlowKey& key) const noexcept { return hash(key); }
};

/// A burst of packets, as the parser leaves it: keys and hashes side by side.
struct Burst {
  std::array<FlowKey, FlowTraffic::kBurst> keys;
  std::array<const FlowKey*, FlowTraffic::kBurst> pointers;
  std::array<uint64_t, FlowTraffic::kBurst> hashes;

  void fill(const FlowTraffic& traffic, size_t first) {
    for (uint32_t i = 0; i < FlowTraffic::kBurst; ++i) {
      const uint32_t flow = traffic.packets[first + i];
      keys[i] = traffic.keys[flow];
      pointers[i] = &keys[i];
      hashes[i] = traffic.hashes[flow];
    }
  }
};

/// Time and items are those of the packets; what the filling of bursts costs shows fill_only.
template <typename Lookup>
void run(benchmark::State& state, const FlowTraffic& traffic, Lookup lookup) {
  Burst burst;
  size_t at = 0;
  for (auto _ : state) {
    burst.fill(traffic, at);
    lookup(burst);
    at = (at + FlowTraffic::kBurst) % FlowTraffic::kPackets;
  }
  state.SetItemsProcessed(state.iterations() * FlowTraffic::kBurst);
}

void fill_only(benchmark::State& state) {
  const FlowTraffic traffic(static_cast<uint32_t>(state.range(0)));
  run(state, traffic, [](const Burst& burst) { benchmark::DoNotOptimize(burst); });
}

void flow_table(benchmark::State& state) {
  const FlowTraffic traffic(static_cast<uint32_t>(state.range(0)));
  FlowTable::Options options;
  options.capacity = static_cast<uint32_t>(state.range(0));
  Nobody nobody;
  FlowTable table(options, nobody);
  std::array<FlowId, FlowTraffic::kBurst> ids;
  for (size_t i = 0; i < traffic.keys.size(); ++i) {
    const FlowKey* key = &traffic.keys[i];
    table.find_or_insert({&key, 1}, {&traffic.hashes[i], 1}, 0, std::span(ids).first(1));
  }
  if (table.size() != traffic.keys.size()) state.SkipWithError("a flow found no place");
  TimeUs now = 0;
  run(state, traffic, [&](const Burst& burst) {
    table.find_or_insert(burst.pointers, burst.hashes, ++now, ids);
    for (const FlowId id : ids) ++table[id].packets;
  });
}

/// New flows pushing the old out: each packet begins one.
void flow_table_churn(benchmark::State& state) {
  FlowTable::Options options;
  options.capacity = static_cast<uint32_t>(state.range(0));
  options.timeouts.young_ms = 100;
  Nobody nobody;
  FlowTable table(options, nobody);
  const FlowTraffic traffic(1);
  std::array<FlowId, FlowTraffic::kBurst> ids;
  Burst burst;
  uint32_t number = 0;
  TimeUs now = 0;
  for (auto _ : state) {
    burst.fill(traffic, 0);
    for (uint32_t i = 0; i < FlowTraffic::kBurst; ++i, ++number) {
      std::memcpy(burst.keys[i].a.data() + 12, &number, sizeof(number));
      burst.hashes[i] = hash(burst.keys[i]);
    }
    now += 250'000 * FlowTraffic::kBurst / options.capacity + 1;  // half full when in balance
    table.find_or_insert(burst.pointers, burst.hashes, now, ids);
    table.expire_some(now, 2 * FlowTraffic::kBurst);
  }
  state.SetItemsProcessed(state.iterations() * FlowTraffic::kBurst);
  state.counters["flows"] = table.size();
  state.counters["full"] = static_cast<double>(table.counters().full);
}

void unordered_map(benchmark::State& state) {
  const FlowTraffic traffic(static_cast<uint32_t>(state.range(0)));
  std::unordered_map<FlowKey, FlowEntry, KeyHash> table(traffic.keys.size());
  for (const FlowKey& key : traffic.keys) table[key].key = EntryKey(key);
  run(state, traffic, [&](const Burst& burst) {
    for (const FlowKey& key : burst.keys) ++table.find(key)->second.packets;
  });
}

BENCHMARK(fill_only)->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(flow_table)->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(unordered_map)->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(flow_table_churn)->Arg(1 << 16)->Arg(1 << 20);

}  // namespace
}  // namespace flowmark

BENCHMARK_MAIN();

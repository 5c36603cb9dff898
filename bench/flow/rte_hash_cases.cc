// DPDK's rte_hash beside our table: the same flows, packets and work on the entry. Part of
// flow_table_bench where DPDK is installed.
#include <benchmark/benchmark.h>
#include <rte_eal.h>
#include <rte_hash.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "base/anonymous_memory.h"
#include "bench/flow/flow_traffic.h"
#include "flow/flow_table.h"

namespace flowmark {
namespace {

constexpr uint32_t kMemoryMb = 1024;

/// Enough pages of 2 MiB reserved (vm.nr_hugepages) for the table.
bool has_huge_pages() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  uint32_t pages = 0;
  return (file >> pages) && pages * 2 >= kMemoryMb;
}

bool start_eal() {
  static const bool is_started = [] {
    std::vector<std::string> words = {
        "bench", "-m", std::to_string(kMemoryMb), "--no-pci", "--no-telemetry", "--log-level=3"};
    if (has_huge_pages()) {
      words.push_back("--in-memory");
    } else {
      words.insert(words.end(), {"--no-huge", "--no-shconf"});
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
  }();
  return is_started;
}

void rte_hash_bulk(benchmark::State& state) {
  static const bool huge = has_huge_pages();  // before the EAL takes them
  if (!start_eal()) return state.SkipWithError("the EAL does not start");
  state.SetLabel(huge ? "huge pages" : "4-KiB pages");
  const FlowTraffic traffic(static_cast<uint32_t>(state.range(0)));
  rte_hash_parameters parameters{};
  parameters.name = "flows";
  parameters.entries = static_cast<uint32_t>(state.range(0)) * 5 / 4;  // the last do not fit else
  parameters.key_len = sizeof(FlowKey);
  rte_hash* table = rte_hash_create(&parameters);
  if (table == nullptr) return state.SkipWithError("no table");
  // Zeroed, in the pages that our table gets.
  const AnonymousMemory memory(
      (static_cast<size_t>(rte_hash_max_key_id(table)) + 1) * sizeof(FlowEntry), true);
  auto* const entries = static_cast<FlowEntry*>(memory.data());
  for (size_t i = 0; i < traffic.keys.size(); ++i) {
    const auto signature = static_cast<hash_sig_t>(traffic.hashes[i]);
    if (rte_hash_add_key_with_hash(table, &traffic.keys[i], signature) < 0) {
      state.SkipWithError("a flow found no place");
    }
  }
  constexpr uint32_t n = FlowTraffic::kBurst;
  std::array<FlowKey, n> keys;
  std::array<const void*, n> pointers;
  std::array<hash_sig_t, n> signatures;
  std::array<int32_t, n> positions;
  size_t at = 0;
  for (auto _ : state) {
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t flow = traffic.packets[at + i];
      keys[i] = traffic.keys[flow];
      pointers[i] = &keys[i];
      signatures[i] = static_cast<hash_sig_t>(traffic.hashes[flow]);
    }
    rte_hash_lookup_with_hash_bulk(table, pointers.data(), signatures.data(), n, positions.data());
    for (const int32_t position : positions) {
      __builtin_prefetch(&entries[static_cast<size_t>(position)], 1);
    }
    for (const int32_t position : positions) ++entries[static_cast<size_t>(position)].packets;
    at = (at + n) % FlowTraffic::kPackets;
  }
  state.SetItemsProcessed(state.iterations() * n);
  rte_hash_free(table);
}

BENCHMARK(rte_hash_bulk)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace flowmark

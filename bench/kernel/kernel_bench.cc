// Every kernel on every instruction set that this processor has, with the shapes of the paper's
// network: from the same list that dispatch and the tests go by.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "kernel/aligned_vector.h"
#include "kernel/bf16.h"
#include "kernel/kernels.h"

namespace flowmark {
namespace {

constexpr size_t kFilters = 20, kChannels = 10, kMapStride = 75 * kFilters;

AlignedVector<float> noise(size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  AlignedVector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// The second convolution: 64 cells of a phase, two map rows of two cells of 20 filters each.
template <typename Weight>
struct Cells {
  AlignedVector<float> values = noise(64 * 12), map = noise(4 * kMapStride + 64);
  AlignedVector<Weight> weights = AlignedVector<Weight>(2 * kChannels * 48);
  std::vector<uint32_t> to;
  BasicCellBatch<Weight> batch;

  Cells() {
    for (uint32_t i = 0; i < 64; ++i) to.push_back(i * kFilters);
    batch = {values.data(), to.data(),  64,        12, kChannels, weights.data(), 48, 2,
             2 * kFilters,  map.data(), kMapStride};
  }
};

void add_cells(benchmark::State& state, const Kernels* kernels) {
  Cells<float> cells;
  for (auto _ : state) kernels->add_cells(cells.batch);
  state.SetItemsProcessed(state.iterations() * 64);
}

void add_cells_bf16(benchmark::State& state, const Kernels* kernels) {
  Cells<Bf16Pair> cells;
  for (auto _ : state) kernels->add_cells_bf16(cells.batch);
  state.SetItemsProcessed(state.iterations() * 64);
}

/// The dense layer: 256 of 4500 inputs, 64 outputs.
void add_rows(benchmark::State& state, const Kernels* kernels) {
  const AlignedVector<float> rows = noise(4500 * 64), values = noise(256);
  AlignedVector<float> y = noise(64);
  std::vector<uint32_t> indices;
  for (uint32_t i = 0; i < 256; ++i) indices.push_back(i * 17);
  for (auto _ : state) {
    kernels->add_rows(y.data(), 64, rows.data(), 64, indices.data(), values.data(), 256);
  }
  state.SetItemsProcessed(state.iterations() * 256);
}

/// The first convolution: runs of 2 x 16 floats, four to each place.
void add_runs(benchmark::State& state, const Kernels* kernels) {
  const AlignedVector<float> weights = noise(64 * 32);
  AlignedVector<float> map = noise(200 * 32);
  std::vector<ScaledRun> runs;
  for (uint32_t i = 0; i < 256; ++i) runs.push_back({i / 4 * 32, i % 64 * 32, 1.0F});
  for (auto _ : state) kernels->add_runs(map.data(), weights.data(), 32, runs.data(), runs.size());
  state.SetItemsProcessed(state.iterations() * 256);
}

void pool_batch(benchmark::State& state, const Kernels* kernels) {
  const AlignedVector<float> map = noise(2 * 150 * 16 + 64), base = noise(16), background(16);
  AlignedVector<float> out(32 * 16);
  std::vector<uint32_t> at;
  for (uint32_t i = 0; i < 32; ++i) at.push_back(i * 32);
  std::vector<uint8_t> changed(32);
  const PoolBatch batch{
      map.data(), 150 * 16,    at.data(),         32,   2,          2,  16,
      10,         base.data(), background.data(), true, out.data(), 16, changed.data()};
  for (auto _ : state) kernels->pool_batch(batch);
  state.SetItemsProcessed(state.iterations() * 32);
}

void compress(benchmark::State& state, const Kernels* kernels) {
  AlignedVector<float> values = noise(4500);
  for (size_t i = 0; i < values.size(); i += 2) values[i] = 0;
  AlignedVector<float> out(4500 + kKernelPad);
  std::vector<uint32_t> indices(4500 + kKernelPad);
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernels->compress(values.data(), 4500, 0, indices.data(), out.data()));
  }
  state.SetItemsProcessed(state.iterations() * 4500);
}

void register_all() {
  for (const Kernels* kernels : available_kernels()) {
    const auto add = [kernels](const char* name, auto function) {
      const std::string full = std::string(name) + "/" + kernels->target;
      benchmark::RegisterBenchmark(full.c_str(), function, kernels);
    };
    add("add_runs", add_runs);
    add("pool_batch", pool_batch);
    add("add_cells", add_cells);
    if (kernels->has_bf16()) add("add_cells_bf16", add_cells_bf16);
    add("add_rows", add_rows);
    add("compress", compress);
  }
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  flowmark::register_all();
  benchmark::RunSpecifiedBenchmarks();
}

// What incremental reuse could win: when a picture slides, how many of the first convolution's
// pooled cells stay as they were, what computing them costs, and what keeping them would take.
//   reuse_bench FILE...     packet sequence files or captures
// The window slides by 16 s, a multiple of the 0.4 s of a pooled cell, so that all that stays could
// be used again. Only the first convolution's cells can be kept as they are: what a later one makes
// of them changes its phase with every slide that is no multiple of 4 s, and its borders always.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "model/bench_windows.h"
#include "model/engine/build_engine.h"
#include "window/offline_windows.h"

namespace flowmark::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kSide = 1500, kSlideColumns = 400;                 // 16 s of 40 ms
constexpr uint32_t kCellStep = 10, kCellBefore = 2, kCellReach = 15;  // pixels behind a pooled cell
constexpr uint32_t kCells = kSide / kCellStep;
constexpr size_t kCellBytes = 10 * sizeof(float) + sizeof(uint32_t);

struct Pair {
  SparseWindow before, after;
};

struct Group {
  const char* name;
  size_t from, to;  ///< pixels
  std::vector<Pair> pairs;
};

using Cells = std::map<uint32_t, std::vector<std::pair<uint32_t, float>>>;

/// The pixels behind every pooled cell that has any; places relative to the cell. Cells whose
/// pixels lie less than a window from the left border or the right one are not whole and left out.
Cells cells_of(const SparseWindow& window) {
  Cells cells;
  for (const SparseValue& pixel : window) {
    const uint32_t y = pixel.index / kSide + kCellBefore, x = pixel.index % kSide + kCellBefore;
    for (uint32_t cy = (y + kCellStep - kCellReach) / kCellStep; cy <= y / kCellStep; ++cy) {
      for (uint32_t cx = (x + kCellStep - kCellReach) / kCellStep; cx <= x / kCellStep; ++cx) {
        if (cy >= kCells || cx >= kCells) continue;
        const uint32_t place = (y - cy * kCellStep) * kCellReach + (x - cx * kCellStep);
        cells[cy * kCells + cx].emplace_back(place, pixel.value);
      }
    }
  }
  return cells;
}

/// How many cells of the later picture are in the earlier one, a slide to the right.
size_t cells_that_stay(const Cells& before, const Cells& after) {
  constexpr uint32_t kSlideCells = kSlideColumns / kCellStep;
  size_t stay = 0;
  for (const auto& [cell, pixels] : after) {
    if (cell % kCells + kSlideCells >= kCells) continue;
    const auto old = before.find(cell + kSlideCells);
    stay += old != before.end() && old->second == pixels ? 1 : 0;
  }
  return stay;
}

/// The paper's network, or its first convolution alone (with the cheapest end there is).
std::unique_ptr<const Engine> make_engine(bool whole) {
  NetworkPlan plan = paper_plan(kSide);
  if (!whole) {
    plan.convs.resize(1);
    const PoolShape& pool = plan.convs[0].pool;
    const uint32_t inputs = pool.out_h * pool.out_w * plan.convs[0].filters;
    plan.dense = {
        {inputs, 2, std::vector<float>(2 * size_t{inputs}, 0.01F), {0, 0}, Activation::none}};
  }
  return build_engine(plan, default_kernels());
}

double median_us(const Engine& engine, EngineScratch& scratch, const SparseWindow& window) {
  std::vector<double> times;
  for (int i = 0; i < 15; ++i) {
    const auto start = Clock::now();
    engine.run(scratch, window);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + 7, times.end());
  return times[7];
}

void report(const Group& group, const Engine& whole, const Engine& first) {
  const auto scratch = whole.make_scratch(), first_scratch = first.make_scratch();
  double pixels = 0, cells = 0, stay = 0, whole_us = 0, first_us = 0;
  for (const Pair& pair : group.pairs) {
    const Cells before = cells_of(pair.before), after = cells_of(pair.after);
    pixels += static_cast<double>(pair.after.size());
    cells += static_cast<double>(after.size());
    stay += static_cast<double>(cells_that_stay(before, after));
    whole_us += median_us(whole, *scratch, pair.after);
    first_us += median_us(first, *first_scratch, pair.after);
  }
  const auto n = static_cast<double>(group.pairs.size());
  std::printf("%12s %8zu %8.0f %8.0f %9.0f%% %10.1f %12.1f %12.0f%% %12.0f\n", group.name,
              group.pairs.size(), pixels / n, cells / n, 100 * stay / cells, whole_us / n,
              first_us / n, 100 * (stay / cells) * (first_us / whole_us),
              cells / n * static_cast<double>(kCellBytes));
}

int run(const std::vector<std::filesystem::path>& files) {
  constexpr size_t kPerGroup = 60;
  std::vector<Group> groups{{"30-100", 30, 100, {}},
                            {"100-300", 100, 300, {}},
                            {"300-1000", 300, 1000, {}},
                            {"over 1000", 1000, 100'000, {}}};
  FeatureSpec spec;  // the paper's picture
  TilingOptions tiling;
  tiling.hop_us = kSlideColumns * 40 * kUsPerMs;
  for (const auto& file : files) {
    read_flows(file, {}, [&](RecordedFlow&& flow) {
      std::array<SparseWindow, 2> last;  // of each direction
      cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
        SparseWindow& before = last[window.side == OfflineWindow::Side::down ? 1 : 0];
        for (Group& group : groups) {
          const size_t size = window.features.size();
          if (before.empty() || size < group.from || size >= group.to) continue;
          if (group.pairs.size() < kPerGroup) group.pairs.push_back({before, window.features});
        }
        before = window.features;
      });
    });
  }
  std::printf("%12s %8s %8s %8s %10s %10s %12s %13s %12s\n", "pixels", "windows", "mean", "cells",
              "that stay", "whole us", "1st conv us", "most to win", "bytes kept");
  const auto whole = make_engine(true), first = make_engine(false);
  for (const Group& group : groups) {
    if (!group.pairs.empty()) report(group, *whole, *first);
  }
  return 0;
}

}  // namespace
}  // namespace flowmark::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: reuse_bench FILE...\n");
    return 2;
  }
  try {
    return flowmark::bench::run({argv + 1, argv + argc});
  } catch (const flowmark::Error& error) {
    std::fprintf(stderr, "reuse_bench: %s\n", error.what());
    return 1;
  }
}

#include "model/self_test.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace flowmark {
namespace {

/// How far rounded weights may move a probability.
constexpr double kBf16Tolerance = 0.05;
/// Of all histograms every place is tried.
constexpr uint32_t kMostPlaces = 1 << 16;

SparseWindow spread_out(uint32_t length, float value) {
  const uint32_t step = (length + kMostPlaces - 1) / kMostPlaces;
  SparseWindow window;
  for (uint32_t place = 0; place < length; place += step) window.push_back({place, value});
  return window;
}

/// Engine::run, asking for each slice.
std::span<const float> run_within(LoadBudget& budget, const Engine& engine, EngineScratch& scratch,
                                  std::span<const SparseValue> window) {
  constexpr uint32_t kSlice = 1 << 16;
  engine.begin(scratch, window);
  do {
    budget.spend(kSlice / 2, "the windows that are tried");  // a unit takes half a nanosecond or so
  } while (!engine.step(scratch, kSlice));
  return engine.probabilities(scratch);
}

}  // namespace

void run_golden(const GoldenWindows& golden, const Engine& engine,
                const std::vector<std::string>& classes, LoadBudget& budget) {
  const double tolerance = engine.precision() == Precision::exact
                               ? golden.tolerance
                               : std::max(golden.tolerance, kBf16Tolerance);
  const auto scratch = engine.make_scratch();
  for (size_t w = 0; w < golden.windows.size(); ++w) {
    const auto& expected = golden.windows[w].output;
    const auto output = run_within(budget, engine, *scratch, golden.windows[w].input);
    for (size_t c = 0; c < output.size(); ++c) {
      if (!(std::abs(double{output[c]} - expected[c]) <= tolerance)) {
        fail("golden window {}: class '{}' comes out as {}; the file expects {} within {}", w,
             classes[c], output[c], expected[c], tolerance);
      }
    }
  }
}

void try_windows(const Engine& engine, float largest_value, const std::vector<std::string>& classes,
                 LoadBudget& budget) {
  const uint32_t length = engine.input_length();
  const struct {
    const char* name;
    SparseWindow window;
  } tried[] = {{"an empty window", {}},
               {"a window of ones", spread_out(length, 1)},
               {"a window of the largest values", spread_out(length, largest_value)}};
  const auto scratch = engine.make_scratch();
  for (const auto& [name, window] : tried) {
    const auto output = run_within(budget, engine, *scratch, window);
    for (size_t c = 0; c < output.size(); ++c) {
      if (std::isfinite(output[c])) continue;
      fail(
          "for {} class '{}' comes out as {}: the weights are so large that sums of them are not "
          "finite; train it again with scaled inputs",
          name, classes[c], output[c]);
    }
  }
}

}  // namespace flowmark

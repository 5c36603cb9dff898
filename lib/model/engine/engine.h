#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "feature/sparse_window.h"

namespace flowmark {

/// How weights are kept. bf16 rounds those of the later convolutions and of the first dense layer
/// behind them to bfloat16, and what they are multiplied with: faster, no longer exact.
enum class Precision : uint8_t { exact, bf16 };
const char* to_string(Precision precision) noexcept;

/// The state of one inference under way and all memory it needs: one per thread and engine, reused
/// for every window. Created by the engine it is used with.
class EngineScratch {
 public:
  virtual ~EngineScratch() = default;
};

/// A compiled model: immutable, shared by all workers. Inference is resumable: begin() takes the
/// window, step() works for about `work` units (a unit is one 512-bit fused multiply-add, ~0.3 ns
/// and up) and says whether the result is ready. No allocation and no exception after make_scratch.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::unique_ptr<EngineScratch> make_scratch() const = 0;

  /// Starts on a window (indices below input_length, ascending). The window must stay unchanged
  /// until the result is ready.
  virtual void begin(EngineScratch& scratch,
                     std::span<const SparseValue> window) const noexcept = 0;

  /// Works on. True when the probabilities are ready.
  virtual bool step(EngineScratch& scratch, uint32_t work) const noexcept = 0;

  /// One probability per class, valid until the next begin() on the scratch.
  virtual std::span<const float> probabilities(const EngineScratch& scratch) const noexcept = 0;

  /// Whether disagreement() tells anything of this model.
  virtual bool has_disagreement() const noexcept { return false; }
  /// How much the parts of the model (a forest's trees) contradict each other about the window
  /// whose result is ready: 0 if all say the same, at most ln(classes).
  virtual float disagreement(const EngineScratch& /*scratch*/) const noexcept { return 0; }

  /// begin, all steps, probabilities.
  std::span<const float> run(EngineScratch& scratch,
                             std::span<const SparseValue> window) const noexcept {
    begin(scratch, window);
    while (!step(scratch, UINT32_MAX)) {
    }
    return probabilities(scratch);
  }

  virtual uint32_t input_length() const noexcept = 0;
  virtual uint32_t class_count() const noexcept = 0;
  /// "cnn", "linear", "quadratic", "forest", "mlp".
  virtual const char* kind() const noexcept = 0;
  /// What it really runs with.
  virtual Precision precision() const noexcept { return Precision::exact; }
};

}  // namespace flowmark

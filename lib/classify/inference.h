#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "classify/due_windows.h"
#include "classify/flow_states.h"
#include "classify/prepared_models.h"
#include "classify/verdicts.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// Takes due windows one by one, brings them up to date, reads them out, runs their model and hands
/// the answer to the verdicts: all in pieces, so that it can stop at a budget in time and go on
/// later. Measures what models cost. Owns the engines' scratch memory and the window at work.
///
/// Worker thread only: the packet path.
class Inference {
 public:
  /// All must outlive this.
  Inference(FlowStates& states, DueWindows& due, Verdicts& verdicts, WorkerCounters& counters)
      : states_(states), due_(due), verdicts_(verdicts), counters_(counters) {}

  /// Drops the window at work and swaps the memory of the models before for that of these.
  void use_models(PreparedModels& prepared) noexcept;

  /// Works for about `budget_ns`; UINT64_MAX: until no window is due. Returns whether any is.
  bool run(uint64_t budget_ns) noexcept;

 private:
  /// How far the window at work is.
  enum class Phase : uint8_t {
    idle,     ///< there is none
    prepare,  ///< its flow is brought up to date
    read,     ///< copied already, and written out as the model's input
    infer,
  };

  bool has_work() const noexcept { return phase_ != Phase::idle || !due_.empty(); }
  bool has_input() const noexcept { return phase_ == Phase::read || phase_ == Phase::infer; }
  const ActiveModel& active() const noexcept { return states_.models()->models()[item_.model]; }
  const Model& model() const noexcept { return *active().model; }
  const VerdictPolicy& policy() const noexcept { return active().policy; }
  bool step(bool finely) noexcept;
  void take_next() noexcept;
  void prepare() noexcept;
  void finish() noexcept;
  void remember_step(uint64_t ns) noexcept;
  bool is_too_long(uint64_t left_ns) const noexcept;

  FlowStates& states_;
  DueWindows& due_;
  Verdicts& verdicts_;
  WorkerCounters& counters_;

  Phase phase_ = Phase::idle;
  DueItem item_;
  uint32_t undrawn_ = 0;  ///< packets that its pictures still lack
  bool provisional_ = false;
  uint64_t item_ns_ = 0;  ///< spent on it
  WindowReader reader_;
  SparseWindow window_;
  std::vector<std::unique_ptr<EngineScratch>> scratch_;  ///< by slot
  std::array<uint64_t, kMaxModels> longest_step_ns_{};   ///< of a model lately
};

}  // namespace flowmark

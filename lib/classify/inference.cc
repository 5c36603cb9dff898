#include "classify/inference.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace flowmark {
namespace {

/// Pieces between two looks at the clock: half a microsecond or so.
constexpr uint32_t kWorkPerLook = 512;
constexpr uint32_t kPixelsPerLook = 128;
constexpr uint32_t kPacketsPerLook = 32;
/// Towards its end a slice looks at the clock this much more often.
constexpr uint64_t kFinelyNs = 2000;
constexpr uint32_t kFiner = 4;
/// A slice this much over its budget is counted.
constexpr uint64_t kOverrunNs = 2000;

uint64_t now_ns() noexcept {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

void Inference::use_models(PreparedModels& prepared) noexcept {
  std::swap(scratch_, prepared.scratch);
  std::swap(window_, prepared.window);
  std::swap(reader_, prepared.reader);
  phase_ = Phase::idle;
  longest_step_ns_ = {};
}

bool Inference::run(uint64_t budget_ns) noexcept {
  if (!has_work()) return false;
  counters_.inference_slices.add();
  const uint64_t start = now_ns();
  uint64_t spent = 0;
  do {
    const bool infers = phase_ == Phase::infer;
    const bool is_done = step(spent + kFinelyNs > budget_ns);
    const uint64_t before = std::exchange(spent, now_ns() - start);
    item_ns_ += spent - before;
    if (infers) remember_step(spent - before);
    if (is_done) finish();
    // A flow whose turn comes is cold, and its window is copied in one piece: not at a slice's end.
    if (!has_input() && spent >= budget_ns / 2) break;
    if (spent >= budget_ns || (phase_ == Phase::infer && is_too_long(budget_ns - spent))) break;
  } while (has_work());
  if (spent > budget_ns && spent - budget_ns > kOverrunNs) counters_.inference_slices_over.add();
  return has_work();
}

// The steps of a model differ: a large forest is slow where its nodes are cold. The longest one is
// remembered and slowly forgotten.
void Inference::remember_step(uint64_t ns) noexcept {
  uint64_t& longest = longest_step_ns_[item_.model];
  longest = std::max(ns, longest - longest / 16);
}

// Whether the model's next step had better not begin with so many nanoseconds left.
bool Inference::is_too_long(uint64_t left_ns) const noexcept {
  const uint64_t step_ns = longest_step_ns_[item_.model];
  return step_ns > left_ns && step_ns - left_ns > kOverrunNs / 2;
}

// One piece of work. True when the model has its answer.
bool Inference::step(bool finely) noexcept {
  const uint32_t parts = finely ? kFiner : 1;
  switch (phase_) {
    case Phase::idle:
      take_next();
      return false;
    case Phase::prepare:
      prepare();
      return false;
    case Phase::read:
      if (!reader_.step(kPixelsPerLook / parts, window_)) return false;
      model().engine->begin(*scratch_[item_.model], window_);
      phase_ = Phase::infer;
      return false;
    case Phase::infer:
      return model().engine->step(*scratch_[item_.model], kWorkPerLook / parts);
  }
  return false;
}

void Inference::take_next() noexcept {
  if (!due_.take(item_)) return;
  states_.hand_on(item_.flow);
  const FlowWindows* windows = states_.find(item_.flow)->windows;
  if (windows == nullptr) return;
  undrawn_ = windows->behind();
  item_ns_ = 0;
  phase_ = Phase::prepare;
}

// Gives the flow's pictures what they lack, some packets at a time, then begins with the window.
void Inference::prepare() noexcept {
  const FlowState* state = states_.find(item_.flow, item_.serial);
  if (state == nullptr || state->windows == nullptr) {
    phase_ = Phase::idle;
    return;
  }
  if (undrawn_ > 0) {
    const uint32_t some = std::min(undrawn_, kPacketsPerLook);
    states_.catch_up(item_.flow, some);
    undrawn_ -= some;
    return;
  }
  phase_ = Phase::idle;
  const uint32_t packets =
      states_.begin_read(item_.flow, item_.model, static_cast<Direction>(item_.direction), reader_);
  const uint32_t total = state->total_packets();
  // Pictures may have thinned out since, e.g. after a pause.
  if (packets < std::min(policy().min_packets, total)) return;
  provisional_ = !model().input.is_full(item_.time_us - state->start_us, total);
  phase_ = Phase::read;
}

void Inference::finish() noexcept {
  phase_ = Phase::idle;
  ModelCounters& of_model = counters_.models[item_.model];
  of_model.inferences.add();
  of_model.inference_ns.observe(item_ns_);
  due_.learn_cost(item_.model, item_ns_);
  if (states_.find(item_.flow, item_.serial) == nullptr) return;
  const EngineScratch& result = *scratch_[item_.model];
  verdicts_.add(item_.flow, {.model = item_.model,
                             .provisional = provisional_,
                             .time_us = item_.time_us,
                             .probabilities = model().engine->probabilities(result),
                             .unfamiliar = policy().open_set && is_unfamiliar(model(), result)});
}

}  // namespace flowmark

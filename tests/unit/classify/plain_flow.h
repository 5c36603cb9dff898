#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "classify/classifier.h"
#include "feature/histogram/histogram.h"
#include "support/fake_model.h"
#include "window/flow_windows.h"
#include "window/offline_windows.h"

namespace flowmark::testing {

inline constexpr uint32_t kClasses = 3;

/// Its answer depends on every value of the window.
class DigestEngine final : public Engine {
 public:
  explicit DigestEngine(uint32_t length) : length_(length) {}

  struct Scratch final : EngineScratch {
    std::array<float, kClasses> probabilities{};
  };
  std::unique_ptr<EngineScratch> make_scratch() const override {
    return std::make_unique<Scratch>();
  }
  void begin(EngineScratch& scratch, std::span<const SparseValue> window) const noexcept override {
    uint64_t digest = 0x9e3779b97f4a7c15;
    for (const SparseValue& value : window) {
      digest ^= value.index + (uint64_t{std::bit_cast<uint32_t>(value.value)} << 32);
      digest *= 0xff51afd7ed558ccd;
      digest ^= digest >> 32;
    }
    auto& probabilities = static_cast<Scratch&>(scratch).probabilities;
    float sum = 0;
    for (size_t c = 0; c < kClasses; ++c) {
      probabilities[c] = static_cast<float>((digest >> (20 * c)) & 0xfffff) + 1;
      sum += probabilities[c];
    }
    for (float& p : probabilities) p /= sum;
  }
  bool step(EngineScratch&, uint32_t) const noexcept override { return true; }
  std::span<const float> probabilities(const EngineScratch& scratch) const noexcept override {
    return static_cast<const Scratch&>(scratch).probabilities;
  }
  uint32_t input_length() const noexcept override { return length_; }
  uint32_t class_count() const noexcept override { return kClasses; }
  const char* kind() const noexcept override { return "digest"; }

 private:
  uint32_t length_;
};

inline ActiveModel digest_model(FeatureSpec spec, std::string name) {
  auto model = std::make_shared<Model>();
  model->path = name;
  model->task = name;
  model->classes = {"a", "b", "c"};
  model->input = spec;
  model->engine = std::make_unique<DigestEngine>(spec.length());
  ActiveModel active;
  active.name = std::move(name);
  active.model = std::move(model);
  active.class_dscp.resize(kClasses);
  active.policy.confidence = 0.4F;
  active.policy.hysteresis = 0.05F;
  return active;
}

/// Two histograms, a picture and a joint input, each with rules of its own.
inline ModelSet digest_models() {
  const FeatureSpec combined = histogram({.kind = HistogramKind::combined, .window_packets = 256});
  const FeatureSpec joint = FeatureSpec::from_json(R"({"kind":"joint","parts":[
      {"kind":"transport"},{"kind":"flowpic","time_bins":16,"size_bins":16,"values":"log1p"},
      {"kind":"combined"},{"kind":"flow_numbers"},{"kind":"flow_numbers","window_s":2}]})",
                                                   "test");
  std::vector<ActiveModel> all = {
      digest_model(combined, "combined"), digest_model(picture_spec(), "picture"),
      digest_model(histogram_spec(1024), "size_iat"), digest_model(joint, "joint")};
  all[0].policy.min_packets = 5;
  all[0].policy.hop_packets = 32;
  all[1].policy.min_packets = 8;
  all[1].policy.hop_us = 2 * kUsPerSecond;
  all[2].policy.min_us = kUsPerSecond / 2;
  all[2].policy.hop_packets = 100;
  all[2].policy.hop_us = 5 * kUsPerSecond;
  all[3].policy.min_packets = 6;
  all[3].policy.hop_packets = 50;
  all[3].policy.hop_us = 3 * kUsPerSecond;
  return ModelSet(1, std::move(all));
}

/// A verdict that was given, changed or withdrawn, or rests on a full window for the first time.
struct Told {
  TimeUs time_us;
  size_t model;
  int class_index;
  float confidence;
  uint64_t packets, bytes;
  bool provisional;
  friend auto operator<=>(const Told&, const Told&) = default;
};
inline std::ostream& operator<<(std::ostream& out, const Told& told) {
  return out << "{at " << told.time_us << ", model " << told.model << ", class " << told.class_index
             << ", confidence " << told.confidence << ", packets " << told.packets << ", bytes "
             << told.bytes << (told.provisional ? ", provisional}" : "}");
}
using FlowVerdicts = std::map<std::string, std::vector<Told>>;

/// One recorded flow, packet by packet, by rules said plainly: what the live path must come to.
class PlainFlow {
 public:
  PlainFlow(const ModelSet& models, BlockPool& pool, std::vector<Told>& told,
            const FlowFacts& facts)
      : models_(models), pool_(pool), told_(told), states_(models.models().size()) {
    windows_ = FlowWindows::create(*models.plan(), pool, facts);
    for (size_t m = 0; m < states_.size(); ++m) {
      states_[m].scratch = models.models()[m].model->engine->make_scratch();
      for (Side& side : states_[m].sides) {
        side.packets = models.models()[m].policy.min_packets;
        side.ms = models.models()[m].policy.min_us / kUsPerMs;
      }
    }
  }
  ~PlainFlow() { FlowWindows::destroy(windows_, *models_.plan(), pool_); }

  void add(const FlowPacket& packet, bool is_first) {
    if (is_first) start_us_ = packet.time_us;
    const auto side = static_cast<size_t>(packet.direction);
    ++packets_[side];
    bytes_ += packet.size;
    ASSERT_EQ(windows_->append(make_record(static_cast<uint32_t>(packet.time_us), packet.size,
                                           packet.direction, packet.pure_ack),
                               *models_.plan(), pool_),
              AppendResult::ok);
    if (is_first) return;  // one packet is no conversation yet
    for (size_t m = 0; m < states_.size(); ++m) {
      const bool picture = models_.models()[m].model->input.has_directions();
      ask(m, picture ? side : 0, picture ? packets_[side] : packets_[0] + packets_[1],
          packet.time_us);
    }
  }

 private:
  struct Side {
    uint32_t packets = 0;
    TimeUs ms = 0;
    bool asked = false;
  };
  struct State {
    std::array<Side, 2> sides;
    VerdictState verdict;
    std::array<float, kClasses> votes{};
    std::unique_ptr<EngineScratch> scratch;
  };

  void ask(size_t m, size_t side, uint32_t packets, TimeUs now_us) {
    const ActiveModel& model = models_.models()[m];
    Side& next = states_[m].sides[side];
    const TimeUs age_ms = (now_us - start_us_) / kUsPerMs;
    const bool enough = packets >= next.packets, late = age_ms >= next.ms;
    if (next.asked ? !enough && !late : !enough || !late) return;
    next.asked = true;
    next.packets = packets + std::min(packets, model.policy.hop_packets);
    next.ms = age_ms + model.policy.hop_us / kUsPerMs;

    const size_t spec = models_.spec_of(m);
    const auto direction = static_cast<Direction>(side);
    const uint32_t total = packets_[0] + packets_[1];
    if (windows_->packets_in_window(spec, direction, *models_.plan()) <
        std::min(model.policy.min_packets, total)) {
      return;
    }
    SparseWindow window;
    windows_->features(spec, direction, *models_.plan(), window);
    State& state = states_[m];
    model.model->engine->begin(*state.scratch, window);
    while (!model.model->engine->step(*state.scratch, 1000)) {
    }
    const bool provisional = !model.model->input.is_full(now_us - start_us_, total);
    const bool was_settled = state.verdict.settled;
    const VerdictChange change =
        vote(state.verdict, state.votes, model.model->engine->probabilities(*state.scratch),
             provisional, model.policy);
    const bool stands = state.verdict.class_index != kNoClass;
    if (change == VerdictChange::none && !(state.verdict.settled && !was_settled && stands)) return;
    const uint8_t shown = stands ? state.verdict.class_index : best_class(state.votes);
    told_.push_back(
        {now_us, m, state.verdict.class_index, state.votes[shown], total, bytes_, provisional});
  }

  const ModelSet& models_;
  BlockPool& pool_;
  std::vector<Told>& told_;
  FlowWindows* windows_;
  std::vector<State> states_;
  std::array<uint32_t, 2> packets_{};
  uint64_t bytes_ = 0;
  TimeUs start_us_ = 0;
};

}  // namespace flowmark::testing

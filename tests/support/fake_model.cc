#include "support/fake_model.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"

#include <array>
#include <cmath>

namespace flowmark::testing {
namespace {

class SizeEngine final : public Engine {
 public:
  SizeEngine(const FeatureSpec& spec, double threshold, int steps) : spec_(spec), steps_(steps) {
    if (spec.image()) {
      const PictureSpec& picture = picture_of(spec);
      threshold_row_ = static_cast<uint32_t>(threshold * picture.size_bins / picture.max_size);
    } else {
      const LogAxis& axis = histogram_of(spec).size;
      threshold_row_ = static_cast<uint32_t>(axis.bins * std::log(threshold / axis.min) /
                                             std::log(axis.max / axis.min));
    }
  }

  struct Scratch final : EngineScratch {
    std::array<float, 2> probabilities{};
    std::span<const SparseValue> window;
    int steps_left = 0;
  };

  std::unique_ptr<EngineScratch> make_scratch() const override {
    return std::make_unique<Scratch>();
  }
  void begin(EngineScratch& scratch, std::span<const SparseValue> window) const noexcept override {
    auto& own = static_cast<Scratch&>(scratch);
    own.window = window;
    own.steps_left = steps_;  // resumable, like the real ones
  }
  bool step(EngineScratch& scratch, uint32_t /*work*/) const noexcept override {
    auto& own = static_cast<Scratch&>(scratch);
    if (--own.steps_left > 0) return false;
    float small = 0, large = 0;
    for (const SparseValue& value : own.window)
      (is_large(value.index) ? large : small) += value.value;
    own.probabilities = small > large ? std::array{0.9F, 0.1F} : std::array{0.1F, 0.9F};
    return true;
  }
  std::span<const float> probabilities(const EngineScratch& scratch) const noexcept override {
    return static_cast<const Scratch&>(scratch).probabilities;
  }
  uint32_t input_length() const noexcept override { return spec_.length(); }
  uint32_t class_count() const noexcept override { return 2; }
  const char* kind() const noexcept override { return "fake"; }

 private:
  bool is_large(uint32_t index) const noexcept {
    if (const auto image = spec_.image()) return index / image->width >= threshold_row_;
    const HistogramSpec& axes = histogram_of(spec_);
    return index / axes.iat_us.bins % axes.size.bins >= threshold_row_;
  }

  FeatureSpec spec_;
  int steps_;
  uint32_t threshold_row_ = 0;
};

}  // namespace

std::shared_ptr<const Model> size_model(const FeatureSpec& spec, double threshold_bytes,
                                        std::vector<std::string> classes, int steps) {
  auto model = std::make_shared<Model>();
  model->path = "fake.onnx";
  model->sha256 = "00";
  model->task = "size";
  model->classes = std::move(classes);
  model->input = spec;
  model->engine = std::make_unique<SizeEngine>(spec, threshold_bytes, steps);
  return model;
}

ActiveModel active(std::shared_ptr<const Model> model, std::string name) {
  ActiveModel active_model;
  active_model.name = std::move(name);
  active_model.model = std::move(model);
  active_model.policy.min_packets = 4;
  active_model.policy.confidence = 0.6F;
  active_model.policy.hop_packets = 16;
  active_model.class_dscp = {dscp::kExpedited, dscp::kAf11};
  return active_model;
}

FeatureSpec histogram_spec(uint32_t window_packets) {
  return histogram({.kind = HistogramKind::size_iat, .window_packets = window_packets});
}

FeatureSpec picture_spec(TimeUs window_us, uint32_t bins) {
  return flowpic({window_us, bins, bins, 1500});
}

}  // namespace flowmark::testing

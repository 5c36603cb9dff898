#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "feature/feature.h"

namespace flowmark {

/// What a model reads: `flowmark.input` of a model file. A value that shares an immutable Feature.
class FeatureSpec {
 public:
  /// The first kind of the list with its defaults.
  FeatureSpec();
  explicit FeatureSpec(std::shared_ptr<const Feature> feature);

  /// Reads the JSON form (docs/models.md); all keys but "kind" have defaults. Throws Error naming
  /// the key, the value and the allowed range; unknown keys are errors, also those of another kind.
  /// `where` begins the message, e.g. "model.onnx: flowmark.input".
  static FeatureSpec from_json(const std::string& text, const std::string& where);
  /// The JSON form with all keys that its kind has; from_json gives an equal specification back.
  const std::string& to_json() const noexcept { return json_; }
  /// Throws Error, beginning with `where`, if a number is out of its range.
  void check(const std::string& where) const { feature_->check(where); }

  std::string_view kind() const noexcept { return feature_->kind(); }
  std::string title() const { return feature_->title(); }
  ValueKind values() const noexcept { return feature_->values(); }
  uint32_t length() const noexcept { return feature_->length(); }
  std::optional<ImageShape> image() const noexcept { return feature_->image(); }
  bool has_directions() const noexcept { return feature_->has_directions(); }
  /// Length of a window in time; 0: not limited by time.
  TimeUs window_us() const noexcept { return feature_->extent().time_us; }
  /// Most packets of a window; 0: not limited by packets.
  uint32_t window_packets() const noexcept { return feature_->extent().packets; }
  /// Whether windows are stretches of time alone, whatever number of packets comes.
  bool is_by_time() const noexcept { return window_packets() == 0; }
  /// Whether a flow of this age and so many packets fills a window.
  bool is_full(TimeUs age_us, uint32_t packets) const noexcept {
    return feature_->is_full(age_us, packets);
  }

  std::vector<Panel> panels() const { return feature_->panels(); }

  const Feature& feature() const noexcept { return *feature_; }

  friend bool operator==(const FeatureSpec& a, const FeatureSpec& b) noexcept {
    return a.feature_ == b.feature_ || a.json_ == b.json_;
  }

 private:
  std::shared_ptr<const Feature> feature_;
  std::string json_;
};

}  // namespace flowmark

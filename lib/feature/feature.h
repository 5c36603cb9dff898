#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "feature/offline_window.h"
#include "feature/panel.h"
#include "feature/sparse_window.h"
#include "flow/recorded_flow.h"

namespace flowmark {

class JsonObject;
class LiveFeature;

/// The longest stretch of a flow that one window covers. 0: no limit of that sort; where both are 0
/// a window covers all of the flow so far.
struct WindowExtent {
  TimeUs time_us = 0;
  uint32_t packets = 0;
};

/// Height and width of an input tensor [1, 1, height, width].
struct ImageShape {
  uint32_t height = 0;
  uint32_t width = 0;
};

/// What a model reads of a flow: a specification of one kind with all its numbers. Immutable. Every
/// kind derives its own class in a folder of its own and enters itself in feature/kinds.cc; all
/// others know kinds through this class and FeatureSpec only (docs/contributing.md).
class Feature {
 public:
  explicit Feature(ValueKind values) noexcept : values_(values) {}
  virtual ~Feature() = default;

  ValueKind values() const noexcept { return values_; }
  /// What an element of a window may come to (docs/models.md).
  virtual float largest_value() const noexcept { return flowmark::largest_value(values_); }
  /// The name in `flowmark.input`.
  virtual std::string_view kind() const noexcept = 0;
  /// One line for people, e.g. "FlowPic 1500 x 1500, 60 s".
  virtual std::string title() const = 0;
  /// Elements of the input tensor.
  virtual uint32_t length() const noexcept = 0;
  /// Of a tensor that is an image; otherwise the tensor is [1, length].
  virtual std::optional<ImageShape> image() const noexcept { return std::nullopt; }
  virtual WindowExtent extent() const noexcept = 0;
  /// Whether a flow of this age and so many packets fills a window; before, a window can only grow.
  /// One without limits never fills.
  virtual bool is_full(TimeUs age_us, uint32_t packets) const noexcept {
    const WindowExtent most = extent();
    return (most.time_us > 0 && age_us >= most.time_us) ||
           (most.packets > 0 && packets >= most.packets);
  }
  /// Whether each direction has windows of its own; otherwise one window covers both.
  virtual bool has_directions() const noexcept = 0;

  /// Throws Error, beginning with `where`, if a number is out of its range.
  virtual void check(const std::string& where) const = 0;
  /// Adds all keys but "kind" and "values". Kinds of ValueKind::number have no key "values".
  virtual void write(nlohmann::ordered_json& json) const = 0;

  /// The windows of live flows. The specification must have passed check().
  virtual std::unique_ptr<const LiveFeature> live() const = 0;
  /// The windows of a recorded flow: see cut_windows().
  virtual void cut(const RecordedFlow& flow, const TilingOptions& options,
                   const TakeWindow& take) const = 0;

  /// The matrices in the tensor as people look at them, from left to right.
  virtual std::vector<Panel> panels() const = 0;

 private:
  ValueKind values_;
};

/// A kind of features, as the list of kinds has it (feature/kinds.h).
struct FeatureKind {
  /// The names that `flowmark.input` may give for it.
  std::vector<std::string> names;
  /// Reads the keys of the kind, all of which have defaults. Throws Error.
  std::function<std::shared_ptr<const Feature>(const std::string& name, JsonObject& json)> read;
  /// What a number with this unit stands for in a short specification (feature/short_spec.h): the
  /// keys that take it. {"s", {"window_s"}}: "15s" is a window of 15 seconds.
  std::map<std::string, std::vector<std::string>> units;
  std::vector<std::string> examples;  ///< of short specifications, for messages
};

}  // namespace flowmark

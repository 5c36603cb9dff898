#pragma once

#include <cstdint>
#include <optional>

namespace flowmark {

/// How one model stands on one flow, as a condition sees it. Plain numbers of the flow's state.
struct VerdictView {
  bool has_answered = false;
  uint32_t standing = 0;   ///< bits of the classes of its verdict; 0: it abstains
  uint32_t likeliest = 0;  ///< bit of the class with the highest voted probability
  float confidence = 0;    ///< of its verdict, as verdict lines have it
  float hysteresis = 0;    ///< of its policy
};

/// Asks a model only on flows on which another model's verdict is of certain classes, or about as
/// sure as said. All that is given must hold.
struct VerdictCondition {
  uint32_t model = 0;            ///< slot of the other model, smaller than this one's
  uint64_t class_mask = 0;       ///< bit c: its class c; 0: any
  std::optional<float> below{};  ///< its confidence is less than this, or it abstains
  std::optional<float> above{};  ///< its confidence is this or more

  bool has_confidence() const noexcept { return below.has_value() || above.has_value(); }

  /// Whether it holds. A model that has not answered yet fulfils none. With `below` a model that
  /// abstains counts as if its verdict were the likeliest class.
  ///
  /// `is_asked`: the waiting model has answered under it. The other one's confidence must then
  /// leave the bounds by its hysteresis, or by half of what lies beyond the bound if that is less.
  /// So two models do not take turns when a confidence moves around a bound.
  bool holds(const VerdictView& other, bool is_asked) const noexcept;

  friend bool operator==(const VerdictCondition&, const VerdictCondition&) = default;
};

}  // namespace flowmark

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "classify/classifier.h"

namespace flowmark {

/// A question from the control thread to a worker about one flow, and its answer. The worker fills
/// it in between two bursts.
struct FlowQuery {
  struct ModelAnswer {
    uint8_t class_index = kNoClass;
    uint32_t labels = 0;   ///< of a multi-label model: bits of all classes that stand
    uint32_t windows = 0;  ///< that were voted on
    bool is_asked = true;  ///< its condition holds, or it has none
    uint32_t classes = 0;
    std::array<float, kMaxClasses> probabilities{};
  };

  FlowKey key;
  // Answer:
  bool found = false;
  bool has_windows = false;
  bool up_is_a = true;
  PolicyPlace policy = kNoPolicy;  ///< see Classifier::policy_of()
  uint32_t packets = 0;            ///< see Classifier::packets()
  uint8_t mark = kNoMark;          ///< DSCP towards WAN
  uint8_t mark_to_lan = kNoMark;
  uint64_t generation = 0;
  std::array<ModelAnswer, kMaxModels> models{};
  std::atomic<bool> answered{false};  ///< set last
};

}  // namespace flowmark

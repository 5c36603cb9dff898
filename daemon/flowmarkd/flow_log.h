#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>

#include "classify/classifier.h"
#include "daemon/flowmarkd/reloader.h"

namespace flowmark {

/// The control thread's picture of classified flows, from the workers' verdict events: the newest
/// verdict of each model, until the flow's final event. Bounded: the flow longest without news goes
/// first.
class FlowLog {
 public:
  explicit FlowLog(size_t capacity) : capacity_(capacity) {}

  void take(const VerdictEvent& event, const ModelNames& names);
  /// At most `most` flows, those with most bytes first, as a JSON array.
  nlohmann::ordered_json top(size_t most) const;
  size_t size() const noexcept { return flows_.size(); }

 private:
  struct Verdict {
    std::string model, class_name;
    VerdictEvent event;
  };
  struct Flow {
    FlowKey key;
    std::array<std::optional<Verdict>, kMaxModels> verdicts;
    uint64_t bytes = 0;
  };
  struct KeyHash {
    HashSecret secret;
    KeyHash() : secret(HashSecret::draw()) {}
    size_t operator()(const FlowKey& key) const noexcept { return hash(key, secret); }
  };

  size_t capacity_;
  std::list<Flow> flows_;  ///< newest news first
  std::unordered_map<FlowKey, std::list<Flow>::iterator, KeyHash> by_key_;
};

}  // namespace flowmark

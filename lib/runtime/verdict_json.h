#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "classify/classifier.h"
#include "classify/model_set.h"

namespace flowmark {

/// A verdict as one line of JSON without the line end; keys and their order are fixed
/// (docs/operations.md). `set` is the model set of the event's generation.
std::string verdict_json(const VerdictEvent& event, const ModelSet& set);

/// Hands every event's line to `write`, in the order they come. For replay: it allocates.
class VerdictWriter final : public VerdictSink {
 public:
  VerdictWriter(const ModelSet& set, std::function<void(std::string_view)> write)
      : set_(set), write_(std::move(write)) {}
  void on_verdict(const VerdictEvent& event) noexcept override;

  /// What write() threw first, or empty; nothing is written after it.
  const std::string& error() const noexcept { return error_; }

 private:
  const ModelSet& set_;
  std::function<void(std::string_view)> write_;
  std::string error_;
};

}  // namespace flowmark

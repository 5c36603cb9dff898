#pragma once

#include <cstdint>
#include <string>

namespace flowmark {

/// Tells when so many packets are lost before they are classified that verdicts are less sure
/// (docs/experiments.md has what losses cost). Control thread.
class LossWatch {
 public:
  /// Since the start: packets that were classified, and those lost at the ports or dropped before.
  struct Counts {
    uint64_t received = 0, lost = 0;
  };

  enum class Turn : uint8_t { none, began, ended };

  /// To be called every few seconds; a stretch of fewer than 1000 packets says nothing and goes on.
  Turn look(const Counts& now);
  /// Share of the last stretch's packets that were lost, 0 to 1.
  double share() const noexcept { return share_; }
  /// Whether losses are heavy now: began, and did not end.
  bool heavy() const noexcept { return heavy_; }

 private:
  Counts before_;
  double share_ = 0;
  bool heavy_ = false;
};

}  // namespace flowmark

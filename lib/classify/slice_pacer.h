#pragma once

#include <algorithm>
#include <cstdint>

namespace flowmark {

/// Says how long inference may take after a burst. Forwarding comes first: while packets wait (a
/// burst came full, so that there may be more), inference gets a share of the time and no more, in
/// whole slices; otherwise a slice after every burst. Quiet times are saved up for kSavedSlices, so
/// that the first windows of a rush do not wait. Times in nanoseconds.
class SlicePacer {
 public:
  static constexpr uint64_t kNoBudget = UINT64_MAX;  ///< a slice without end: replay
  static constexpr uint32_t kSavedSlices = 16;

  SlicePacer(uint64_t slice_ns, double busy_share) noexcept
      : slice_ns_(slice_ns),
        busy_share_(busy_share),
        most_saved_ns_(kSavedSlices * static_cast<double>(slice_ns)),
        saved_ns_(most_saved_ns_) {}

  /// The budget now; 0: none. `elapsed_ns`: since the last call.
  uint64_t next(bool packets_wait, uint64_t elapsed_ns) noexcept {
    if (!packets_wait || slice_ns_ == kNoBudget) {
      saved_ns_ = most_saved_ns_;
      return slice_ns_;
    }
    if (busy_share_ <= 0) return 0;
    const double earned = busy_share_ * static_cast<double>(elapsed_ns);
    saved_ns_ = std::min(saved_ns_ + earned, most_saved_ns_);
    return saved_ns_ < static_cast<double>(slice_ns_) ? 0 : slice_ns_;
  }

  /// What inference took in the end; more than its budget is saved up for later.
  void spent(uint64_t ns) noexcept { saved_ns_ -= static_cast<double>(ns); }

 private:
  uint64_t slice_ns_;
  double busy_share_;
  double most_saved_ns_;
  double saved_ns_;
};

}  // namespace flowmark

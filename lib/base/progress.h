#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace flowmark {

/// A progress bar on standard error for long work: shown on a terminal, silent elsewhere. Redraws
/// at most ten times a second. Safe to update from several threads.
class Progress {
 public:
  /// `total` 0 means unknown: a count is shown instead of a share.
  Progress(std::string title, uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void set(uint64_t done);
  /// A few words behind the bar, e.g. the loss of the epoch.
  void note(std::string text);
  /// Draws the final state and ends the line. The destructor does it too.
  void finish();

 private:
  void draw(bool last);

  std::mutex mutex_;  // guards all below but enabled_
  std::string title_;
  std::string note_;
  uint64_t total_;
  uint64_t done_ = 0;
  bool enabled_;
  bool finished_ = false;
  int64_t last_draw_ms_ = 0;
  int64_t start_ms_ = 0;
};

}  // namespace flowmark

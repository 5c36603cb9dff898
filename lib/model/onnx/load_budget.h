#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace flowmark {

/// What loading one model may cost. Every step that reads, compiles, builds or tries a model asks
/// here first, with what follows from shapes and counts: so a file is refused before it has taken
/// the memory or the time. Bounds are estimates from above; they do not depend on the machine, but
/// for the deadline. One load, one thread.
class LoadBudget {
 public:
  struct Limits {
    static constexpr uint64_t kDefaultMemoryBytes = 768ull << 20;
    uint64_t memory_bytes = kDefaultMemoryBytes;
    /// Simple operations, about a nanosecond each.
    double work = 1e9;
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    uint32_t scratches = 1;  ///< how many threads will run the model
  };

  LoadBudget() = default;
  explicit LoadBudget(const Limits& limits) : limits_(limits) {}

  /// Before so many bytes are allocated. `place` begins the message, e.g. the node.
  void reserve(double bytes, std::string_view place);
  /// Likewise for every thread that will run the model.
  void reserve_scratch(double bytes, std::string_view place);
  /// They are free again.
  void release(double bytes) noexcept { held_bytes_ -= bytes; }
  /// Before so much work is done.
  void spend(double work, std::string_view place);

  double held_bytes() const noexcept { return held_bytes_; }
  double spent_work() const noexcept { return spent_work_; }

 private:
  Limits limits_;
  double held_bytes_ = 0;
  double spent_work_ = 0;
};

}  // namespace flowmark

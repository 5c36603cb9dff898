#include "model/onnx/load_budget.h"

#include "base/error.h"

namespace flowmark {

void LoadBudget::reserve(double bytes, std::string_view place) {
  constexpr double kMb = 1 << 20;
  held_bytes_ += bytes;
  if (held_bytes_ > static_cast<double>(limits_.memory_bytes)) {
    fail(
        "{}: loading the model would take {:.0f} MB up to here; at most {} MB are allowed "
        "(max_load_mb): make it smaller",
        place, held_bytes_ / kMb, limits_.memory_bytes >> 20);
  }
}

void LoadBudget::reserve_scratch(double bytes, std::string_view place) {
  reserve(bytes * limits_.scratches, place);
}

void LoadBudget::spend(double work, std::string_view place) {
  spent_work_ += work;
  if (spent_work_ > limits_.work) {
    fail(
        "{}: loading the model would take {:.1f} billion operations up to here; at most {:.1f} are "
        "allowed: make it smaller",
        place, spent_work_ / 1e9, limits_.work / 1e9);
  }
  if (std::chrono::steady_clock::now() > limits_.deadline) {
    fail("{}: loading has not come further in the time it has; is the machine overloaded?", place);
  }
}

}  // namespace flowmark

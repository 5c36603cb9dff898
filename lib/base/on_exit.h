#pragma once

#include <utility>

namespace flowmark {

/// Does something when its scope ends, however it ends. `Action` must not throw.
template <typename Action>
class OnExit {
 public:
  explicit OnExit(Action action) : action_(std::move(action)) {}
  ~OnExit() { action_(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;

 private:
  Action action_;
};

}  // namespace flowmark

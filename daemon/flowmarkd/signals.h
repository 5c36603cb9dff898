#pragma once

#include <csignal>

namespace flowmark {

/// The signals that mean something here: TERM, INT, HUP, USR1 and USR2, which means nothing but
/// must not end.
sigset_t our_signals() noexcept;

/// TERM, INT, HUP, USR1 and USR2 are taken from a descriptor: blocked in the calling thread and in
/// all threads it starts from now on. Signals without a meaning here are ignored. To be called
/// before any thread exists.
void block_signals();

/// While it lives, TERM and INT end the process at once: for what a start reads, which may stand
/// still and which nobody waits for but the start. Of the calling thread; what was blocked before
/// is blocked again afterwards.
class EndAtOnce {
 public:
  EndAtOnce() noexcept;
  ~EndAtOnce();
  EndAtOnce(const EndAtOnce&) = delete;
  EndAtOnce& operator=(const EndAtOnce&) = delete;

 private:
  sigset_t before_;
};

}  // namespace flowmark

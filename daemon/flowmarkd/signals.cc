#include "daemon/flowmarkd/signals.h"

#include <pthread.h>

#include <initializer_list>

namespace flowmark {

sigset_t our_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

void block_signals() {
  const sigset_t set = our_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // What nobody sends for a reason must not end the forwarding either.
  for (const int signal : {SIGPIPE, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT}) {
    std::signal(signal, SIG_IGN);
  }
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) std::signal(signal, SIG_IGN);
}

EndAtOnce::EndAtOnce() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &set, &before_);
}

EndAtOnce::~EndAtOnce() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace flowmark

#pragma once

#include <sched.h>

namespace flowmark {

/// While it lives this thread runs on an lcore's core: the memory it touches first comes from that
/// core's NUMA node.
class OnCoreOf {
 public:
  explicit OnCoreOf(unsigned lcore);
  ~OnCoreOf();
  OnCoreOf(const OnCoreOf&) = delete;
  OnCoreOf& operator=(const OnCoreOf&) = delete;

 private:
  cpu_set_t before_{};
  bool moved_ = false;
};

}  // namespace flowmark

#pragma once

#include <rte_lcore.h>
#include <sched.h>

namespace flowmark {

/// While it lives this thread runs on an lcore's core: the memory it touches first comes from that
/// core's NUMA node.
class OnCoreOf {
 public:
  explicit OnCoreOf(unsigned lcore) {
    const rte_cpuset_t wanted = rte_lcore_cpuset(lcore);
    if (sched_getaffinity(0, sizeof(before_), &before_) == 0) {
      moved_ = sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
    }
  }
  ~OnCoreOf() {
    if (moved_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  OnCoreOf(const OnCoreOf&) = delete;
  OnCoreOf& operator=(const OnCoreOf&) = delete;

 private:
  cpu_set_t before_{};
  bool moved_ = false;
};

}  // namespace flowmark

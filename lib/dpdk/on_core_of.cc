#include "dpdk/on_core_of.h"

#include <rte_lcore.h>

namespace flowmark {

OnCoreOf::OnCoreOf(unsigned lcore) {
  const rte_cpuset_t wanted = rte_lcore_cpuset(lcore);
  if (sched_getaffinity(0, sizeof(before_), &before_) == 0) {
    moved_ = sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
  }
}

OnCoreOf::~OnCoreOf() {
  if (moved_) sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace flowmark

#pragma once

#include <rte_mbuf.h>

#include <span>

#include "dpdk/frame_check.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// Frees the mbufs for which `unwanted` is true and counts them; the others move to the front, in
/// order. Returns how many they are. Packet path.
template <typename Unwanted>
size_t drop_if(std::span<rte_mbuf*> mbufs, Drop reason, WorkerCounters& counters,
               Unwanted unwanted) noexcept {
  size_t kept = 0;
  for (rte_mbuf* const mbuf : mbufs) {
    if (unwanted(*mbuf)) [[unlikely]] {
      rte_pktmbuf_free(mbuf);
    } else {
      mbufs[kept++] = mbuf;
    }
  }
  if (kept != mbufs.size()) [[unlikely]] {
    counters.dropped[static_cast<size_t>(reason)].add(mbufs.size() - kept);
  }
  return kept;
}

/// Received frames of `full` bytes and more filled their buffer: those that may have lost their end
/// there are dropped. `full` 0: the port never cuts frames off.
inline size_t drop_cut_off(std::span<rte_mbuf*> mbufs, uint32_t full,
                           WorkerCounters& counters) noexcept {
  if (full == 0) return mbufs.size();
  return drop_if(mbufs, Drop::cut_off, counters, [full](const rte_mbuf& mbuf) {
    return mbuf.pkt_len >= full &&
           may_be_cut_off({rte_pktmbuf_mtod(&mbuf, const uint8_t*), mbuf.data_len});
  });
}

}  // namespace flowmark

#pragma once

#include <rte_mbuf.h>

#include <algorithm>

#include "dpdk/mbuf_view.h"

namespace flowmark {

inline void MbufView::copy_head(rte_mbuf* mbuf, uint8_t* head, uint32_t length,
                                bool back) noexcept {
  for (rte_mbuf* segment = mbuf; segment != nullptr && length > 0; segment = segment->next) {
    auto* const data = rte_pktmbuf_mtod(segment, uint8_t*);
    const uint32_t part = std::min<uint32_t>(segment->data_len, length);
    if (back) {
      std::copy_n(head, part, data);
    } else {
      std::copy_n(data, part, head);
    }
    head += part;
    length -= part;
  }
}

inline Packet MbufView::show(size_t place, rte_mbuf* mbuf, TimeUs time_us, uint16_t port) noexcept {
  Packet packet;
  packet.wire_length = mbuf->pkt_len;
  packet.time_us = time_us;
  packet.port = port;
  packet.data = rte_pktmbuf_mtod(mbuf, uint8_t*);
  packet.head_length = mbuf->data_len;
  copied_[place] = mbuf->nb_segs > 1 && mbuf->data_len < kHead;
  if (copied_[place]) [[unlikely]] {
    packet.data = heads_[place].data();
    packet.head_length = std::min(mbuf->pkt_len, kHead);
    copy_head(mbuf, packet.data, packet.head_length, false);
  }
  return packet;
}

inline void MbufView::write_back(size_t place, rte_mbuf* mbuf) noexcept {
  if (copied_[place]) [[unlikely]] {
    copy_head(mbuf, heads_[place].data(), std::min(mbuf->pkt_len, kHead), true);
  }
}

}  // namespace flowmark

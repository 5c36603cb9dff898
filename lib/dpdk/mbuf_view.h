#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "net/packet.h"

struct rte_mbuf;

namespace flowmark {

/// Shows a burst of mbufs as Packets. A segmented mbuf whose first segment is short gets its first
/// bytes copied into one piece, and back after they were marked. Used by one thread. The functions
/// are inline: they stand in dpdk/mbuf_view_inline.h, because they need DPDK's headers.
class MbufView {
 public:
  static constexpr size_t kBurst = 32;
  /// All headers up to the transport's fit in it, tunnels included.
  static constexpr uint32_t kHead = 512;

  Packet show(size_t place, rte_mbuf* mbuf, TimeUs time_us, uint16_t port) noexcept;
  /// The packet at `place` was changed: brings the change into the mbuf.
  void write_back(size_t place, rte_mbuf* mbuf) noexcept;

 private:
  static void copy_head(rte_mbuf* mbuf, uint8_t* head, uint32_t length, bool back) noexcept;

  std::array<bool, kBurst> copied_{};
  std::array<std::array<uint8_t, kHead>, kBurst> heads_;
};

}  // namespace flowmark

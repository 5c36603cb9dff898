#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "net/parse.h"
#include "net/protocol.h"

namespace flowmark {

/// How long a flow lasts without a packet, ms. The defaults are the configuration's.
struct FlowTimeouts {
  uint32_t idle_ms = 120'000;
  uint32_t closing_ms = 5'000;  ///< after a TCP FIN or RST
  uint32_t young_ms = 15'000;   ///< of a flow of a single packet
};

/// What the life of a flow depends on, live and recorded. A packet that comes when the flow has
/// ended begins a new one under the same key.
struct FlowLife {
  uint32_t packets = 0;     ///< so far; may saturate above 1
  bool is_closing = false;  ///< a FIN or RST came, and no SYN since

  /// Whether the flow has ended after so many milliseconds without a packet.
  bool has_ended(uint32_t idle_ms, const FlowTimeouts& timeouts) const noexcept {
    if (is_closing) return idle_ms > timeouts.closing_ms;
    return idle_ms > (packets <= 1 ? timeouts.young_ms : timeouts.idle_ms);
  }
};

/// Milliseconds without a packet, as a clock of milliseconds counts them.
inline uint32_t idle_ms(TimeUs newest_us, TimeUs now_us) noexcept {
  const TimeUs idle = now_us / kUsPerMs - newest_us / kUsPerMs;
  return static_cast<uint32_t>(std::min<TimeUs>(idle, UINT32_MAX));
}

/// Whether a flow is closing after a packet with these TCP flags (of other protocols 0). A SYN uses
/// the ports again.
inline bool closes(uint8_t tcp_flags, bool was_closing) noexcept {
  if ((tcp_flags & (kTcpFin | kTcpRst)) != 0) return true;
  return was_closing && (tcp_flags & kTcpSyn) == 0;
}

/// Whether the source of the first packet that is seen of a flow began it. A SYN-ACK answers: the
/// SYN went another way, was lost, or comes later.
inline bool source_began(const ParsedPacket& first) noexcept {
  constexpr uint8_t kSynAck = kTcpSyn | kTcpAck;
  return (first.tcp_flags & kSynAck) != kSynAck;
}

}  // namespace flowmark

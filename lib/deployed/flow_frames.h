#pragma once

#include <array>
#include <cstdint>

#include "flow/recorded_flow.h"
#include "net/packet.h"

namespace flowmark {

/// Makes frames of a recorded flow's packets, so that they can go the packets' way: Ethernet, IPv4
/// and the transport header, no payload, as a capture with a short snap length has them. The IP
/// total length is the recorded size, but at least that of the headers. The inside host is
/// 10.0.0.1, and its packets arrive at port 0, the others at port 1. Frames come unmarked (DF).
class FlowFrames {
 public:
  static constexpr uint16_t kLanPort = 0;

  /// Of the flow's transport (flow/flow_facts.h); UDP where that is not known.
  explicit FlowFrames(const RecordedFlow& flow);

  /// The next packet. Its bytes are this object's, and valid until the next call.
  Packet frame(const FlowPacket& packet) noexcept;

 private:
  static constexpr size_t kEthernet = 14, kLongestIp = 60, kLongestTcp = 60;

  size_t write_ip(const FlowPacket& packet, size_t options, uint16_t total) noexcept;

  uint8_t protocol_;
  std::array<uint8_t, kEthernet + kLongestIp + kLongestTcp> bytes_{};
};

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "flow/packet_record.h"

namespace flowmark {

/// One packet of a recorded flow.
struct FlowPacket {
  TimeUs time_us = 0;  ///< since the Unix epoch
  uint16_t size = 0;   ///< IP total length, bytes
  Direction direction = Direction::up;
  bool pure_ack = false;
};

/// A recorded conversation, packets in time order.
struct RecordedFlow {
  std::string name;   ///< "tcp 10.0.0.1:40000 192.0.2.1:443", or the id in a sequence file
  std::string label;  ///< empty if the input has none
  std::vector<FlowPacket> packets;
  /// What else a file says of it ("encryption" -> "vpn"); sequence files only.
  std::map<std::string, std::string> attributes{};
};

}  // namespace flowmark

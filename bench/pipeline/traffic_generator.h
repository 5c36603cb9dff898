#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "net/packet.h"

namespace flowmark::bench {

/// An endless packet stream in memory with a fixed number of live flows: flow lengths have a heavy
/// tail (Pareto, alpha 1.2, from 50 packets, 300 on average: 50,000 new flows a second at 14.88
/// Mpps), some flows are far busier than others, both directions talk. Frames are Ethernet/IPv4/TCP
/// or UDP headers rewritten in a ring of buffers, as a network card's buffers are.
class TrafficGenerator {
 public:
  struct Options {
    uint32_t flows = 1000;
    uint32_t packet_bytes = 64;   ///< frame size with FCS as quoted; 0: mixed 64 .. 1514
    uint32_t ns_per_packet = 67;  ///< of the stream's clock: 14.88 Mpps
    uint32_t least_packets = 50;  ///< of a flow
    /// Flows do not end and are not renewed: each has exactly its packets, in a random order of
    /// packets_in_all() that takes span_ns of the stream's clock.
    bool live_forever = false;
    uint64_t span_ns = 0;
    uint64_t seed = 1;
  };

  explicit TrafficGenerator(const Options& options);

  /// Fills a burst. The frames stay valid until kBuffers more packets were made.
  void next(std::span<Packet> burst);

  /// With live_forever: how many packets there are.
  uint64_t packets_in_all() const { return order_.size(); }

 private:
  static constexpr uint32_t kBuffers = 8192;
  static constexpr uint32_t kBufferBytes = 128;

  struct Flow {
    uint32_t id = 0;  ///< makes the addresses and ports
    uint32_t packets_left = 0;
    uint16_t large = 0;  ///< usual downstream size
  };

  void renew(Flow& flow);
  void draw_order();
  Flow& choose();
  uint16_t draw_size(const Flow& flow, bool up);

  Options options_;
  std::mt19937_64 random_;
  std::vector<Flow> flows_;
  std::vector<uint8_t> buffers_;
  std::vector<uint32_t> order_;  ///< flow of each packet, with live_forever
  size_t next_in_order_ = 0;
  uint32_t next_buffer_ = 0;
  uint32_t next_id_ = 1;
  uint64_t now_ns_ = 1'700'000'000'000'000'000;
};

}  // namespace flowmark::bench

#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "net/flow_key.h"

namespace flowmark {

/// Flows and an order of packets for table benchmarks: every table gets the same ones. Packets fall
/// on all flows alike, the worst case for caches.
struct FlowTraffic {
  static constexpr uint32_t kBurst = 32;
  static constexpr uint32_t kPackets = 1U << 18;

  explicit FlowTraffic(uint32_t flows) : keys(flows), packets(kPackets) {
    std::mt19937_64 random(1);
    for (uint32_t i = 0; i < flows; ++i) {
      FlowKey& key = keys[i];
      key.a = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
      key.b = key.a;
      std::memcpy(key.a.data() + 12, &i, sizeof(i));
      const auto server = static_cast<uint32_t>(random());
      std::memcpy(key.b.data() + 12, &server, sizeof(server));
      key.a_port = be16_t(static_cast<uint16_t>(random()));
      key.b_port = be16_t(443);
      key.protocol = 6;
    }
    for (uint32_t& packet : packets) packet = static_cast<uint32_t>(random() % flows);
    for (const FlowKey& key : keys) hashes.push_back(hash(key));
  }

  std::vector<FlowKey> keys;
  std::vector<uint64_t> hashes;   ///< by flow
  std::vector<uint32_t> packets;  ///< flow of each packet
};

}  // namespace flowmark

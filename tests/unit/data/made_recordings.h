#pragma once

#include <string>

#include "base/keyed_random.h"
#include "experiment/data.h"

namespace flowmark {

/// A made-up conversation of one kind: each kind has its own sizes and gaps, the tunnel adds to the
/// sizes, the application to the gaps.
inline RecordedFlow made_flow(uint32_t kind, uint32_t overhead, uint32_t application,
                              uint32_t packets, uint64_t seed) {
  const KeyedRandom random(seed);
  RecordedFlow flow;
  flow.name = "flow " + std::to_string(seed);
  TimeUs time = 1'000'000'000;
  for (uint32_t i = 0; i < packets; ++i) {
    FlowPacket packet;
    packet.time_us = time;
    packet.direction = random.uniform(3 * i) < 0.5 ? Direction::up : Direction::down;
    const double spread = random.uniform(3 * i + 1);
    packet.size = static_cast<uint16_t>(100 + 350 * kind + 60 * spread + overhead);
    time += static_cast<TimeUs>((20'000 + 30'000 * kind + 2'000 * application) *
                                (0.5 + random.uniform(3 * i + 2)));
    flow.packets.push_back(packet);
  }
  return flow;
}

/// Three kinds, each of two applications, plain, in a VPN and through Tor, four flows of each.
inline ExperimentData made_data() {
  ExperimentData data;
  data.encryption_named = true;
  const std::string kinds[] = {"chat", "video", "voip"};
  const std::string encryptions[] = {"plain", "wireguard", "tor"};
  uint64_t seed = 1;
  for (uint32_t e = 0; e < 3; ++e) {
    for (uint32_t k = 0; k < 3; ++k) {
      for (uint32_t n = 0; n < 8; ++n) {
        Recording recording;
        recording.flow = made_flow(k, 40 * e, n % 2, 3000, ++seed);
        recording.category = kinds[k];
        recording.application = kinds[k] + (n % 2 == 0 ? "-a" : "-b");
        recording.encryption = encryptions[e];
        recording.technique = technique_of(encryptions[e]);
        recording.capture = kinds[k] + encryptions[e];
        recording.group = std::to_string(seed / 2);
        data.recordings.push_back(recording);
      }
    }
  }
  return data;
}

}  // namespace flowmark

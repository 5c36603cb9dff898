#include "data/other_network.h"

#include <algorithm>
#include <cmath>

#include "data/augment.h"

namespace flowmark {
namespace {

/// Uses of a flow's random numbers.
enum NetworkUse : uint64_t { kThinnedAcks, kNetworkAmounts };

constexpr uint16_t kTimestamps = 12;  // bytes of the option and its padding (RFC 7323)
constexpr uint16_t kLeastPacket = 20;

/// From `least` to `most`, every order of magnitude as often.
double log_uniform(double chance, double least, double most) {
  return least * std::pow(most / least, chance);
}

}  // namespace

RecordedFlow change_network(const RecordedFlow& flow, const NetworkChange& how,
                            const KeyedRandom& random) {
  RecordedFlow out = change_rtt(flow, 1 / how.speed);
  const KeyedRandom thinned = random.sub(kThinnedAcks);
  size_t place = 0;
  std::erase_if(out.packets, [&](const FlowPacket& packet) {
    const size_t i = place++;
    return i < how.seen_from || (packet.pure_ack && thinned.uniform(i) < how.acks_thinned);
  });
  for (FlowPacket& packet : out.packets) {
    const int size = std::min(packet.size, how.mtu) - how.options;
    packet.size = static_cast<uint16_t>(std::max<int>(size, kLeastPacket));
  }
  return out;
}

NetworkChange random_network(const RecordedFlow& flow, const KeyedRandom& random) {
  const KeyedRandom amounts = random.sub(kNetworkAmounts);
  NetworkChange out;
  if (amounts.uniform(0) < 0.5) out.speed = log_uniform(amounts.uniform(1), 0.4, 2.5);
  if (amounts.uniform(2) < 0.25) {
    const auto packets = static_cast<size_t>(log_uniform(amounts.uniform(3), 1, 1000));
    out.seen_from = std::min(packets, flow.packets.size() / 2);
  }
  if (amounts.uniform(4) < 0.5) out.acks_thinned = std::min(1.0, 1.25 * amounts.uniform(5));
  if (amounts.uniform(6) < 0.5) out.mtu = static_cast<uint16_t>(1280 + 220 * amounts.uniform(7));
  const bool is_tcp = std::ranges::any_of(flow.packets, &FlowPacket::pure_ack);
  if (is_tcp && amounts.uniform(8) < 1.0 / 3) out.options = kTimestamps;
  return out;
}

}  // namespace flowmark

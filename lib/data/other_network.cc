#include "data/other_network.h"

#include <algorithm>
#include <cmath>

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
  RecordedFlow out;
  out.name = flow.name;
  out.label = flow.label;
  out.attributes = flow.attributes;
  out.packets.reserve(flow.packets.size());
  const KeyedRandom thinned = random.sub(kThinnedAcks);
  for (size_t i = std::min(how.seen_from, flow.packets.size()); i < flow.packets.size(); ++i) {
    FlowPacket packet = flow.packets[i];
    if (packet.pure_ack && thinned.uniform(i) < how.acks_thinned) continue;
    const TimeUs since = packet.time_us - flow.packets.front().time_us;
    packet.time_us =
        flow.packets.front().time_us + std::llround(static_cast<double>(since) / how.speed);
    const int size = std::min(packet.size, how.mtu) - how.options;
    packet.size = static_cast<uint16_t>(std::max<int>(size, kLeastPacket));
    out.packets.push_back(packet);
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

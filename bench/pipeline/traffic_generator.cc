#include "bench/pipeline/traffic_generator.h"

#include <algorithm>
#include <cmath>

#include "net/byte_order.h"

namespace flowmark::bench {
namespace {

constexpr uint32_t kEthernet = 14;
constexpr uint32_t kFcs = 4;

void store_be32(uint8_t* p, uint32_t v) {
  store_be16(p, static_cast<uint16_t>(v >> 16));
  store_be16(p + 2, static_cast<uint16_t>(v));
}

}  // namespace

TrafficGenerator::TrafficGenerator(const Options& options)
    : options_(options),
      random_(options.seed),
      flows_(options.flows),
      buffers_(size_t{kBuffers} * kBufferBytes) {
  for (Flow& flow : flows_) renew(flow);
  if (options.live_forever) draw_order();
}

void TrafficGenerator::draw_order() {
  for (uint32_t flow = 0; flow < flows_.size(); ++flow) {
    order_.insert(order_.end(), flows_[flow].packets_left, flow);
    flows_[flow].packets_left = UINT32_MAX;
  }
  std::shuffle(order_.begin(), order_.end(), random_);
  options_.ns_per_packet = static_cast<uint32_t>(options_.span_ns / order_.size());
}

TrafficGenerator::Flow& TrafficGenerator::choose() {
  if (options_.live_forever) return flows_[order_[next_in_order_++ % order_.size()]];
  // Squaring makes a tenth of the flows carry about a third of the packets.
  const double u = std::uniform_real_distribution<double>(0, 1)(random_);
  return flows_[static_cast<size_t>(u * u * static_cast<double>(flows_.size()))];
}

void TrafficGenerator::renew(Flow& flow) {
  const double u = std::uniform_real_distribution<double>(1e-9, 1)(random_);
  flow.id = next_id_++;
  flow.packets_left =
      static_cast<uint32_t>(std::min(options_.least_packets * std::pow(u, -1 / 1.2), 1e6));
  flow.large = static_cast<uint16_t>(200 + random_() % 1300);
}

uint16_t TrafficGenerator::draw_size(const Flow& flow, bool up) {
  if (options_.packet_bytes != 0) {
    return static_cast<uint16_t>(options_.packet_bytes - kEthernet - kFcs);
  }
  if (up) return static_cast<uint16_t>(46 + random_() % 100);
  return random_() % 4 == 0 ? static_cast<uint16_t>(46 + random_() % 1400) : flow.large;
}

void TrafficGenerator::next(std::span<Packet> burst) {
  for (Packet& packet : burst) {
    Flow& flow = choose();
    const bool up = (random_() & 3) == 0;
    const uint16_t ip_length = draw_size(flow, up);

    uint8_t* frame = &buffers_[size_t{next_buffer_++ % kBuffers} * kBufferBytes];
    std::fill_n(frame, 64, uint8_t{0});
    store_be16(frame + 12, 0x0800);
    uint8_t* ip = frame + kEthernet;
    ip[0] = 0x45;
    store_be16(ip + 2, ip_length);
    ip[8] = 64;
    ip[9] = flow.id % 3 == 0 ? 17 : 6;
    const uint32_t client = 0x0a000000 | (flow.id & 0xffffff),
                   server = 0xc0000000 | (flow.id % 9973);
    const auto port = static_cast<uint16_t>(1024 + flow.id % 60000);
    store_be32(ip + (up ? 12 : 16), client);
    store_be32(ip + (up ? 16 : 12), server);
    store_be16(ip + (up ? 20 : 22), port);
    store_be16(ip + (up ? 22 : 20), 443);
    ip[32] = 0x50;  // TCP data offset
    const bool last = --flow.packets_left == 0;
    ip[33] = last ? 0x11 : 0x10;  // FIN, ACK

    now_ns_ += options_.ns_per_packet;
    packet.data = frame;
    packet.head_length = std::min<uint32_t>(kEthernet + ip_length, kBufferBytes);
    packet.wire_length = kEthernet + ip_length;
    packet.time_us = static_cast<TimeUs>(now_ns_ / 1000);
    packet.port = up ? 0 : 1;
    packet.link = LinkType::ethernet;
    if (last) renew(flow);
  }
}

}  // namespace flowmark::bench

// Nanoseconds a packet: parsing alone, hashing alone, and both as the worker does them, a burst of
// 32 at a time over more frames than the first-level cache holds.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "net/dissect.h"
#include "net/parse.h"

namespace flowmark {
namespace {

constexpr size_t kBurst = 32;
constexpr size_t kFrames = 4096;  // one 2 KiB buffer each, as in a receive ring
constexpr size_t kBufferSize = 2048;

enum class Kind : int64_t { ip4, ip4_vlan, ip6, ip4_and_ip6, vxlan };

void put16(uint8_t* p, size_t v) {
  store_be16(p, static_cast<uint16_t>(v));
}

/// Frames of random addresses, ports and sizes, half of them TCP, half UDP.
class Traffic {
 public:
  explicit Traffic(Kind kind) : memory_(kFrames * kBufferSize), packets_(kFrames) {
    for (size_t i = 0; i < kFrames; ++i) {
      uint8_t* frame = memory_.data() + i * kBufferSize + 128;  // the headroom of an mbuf
      const bool ip6 = kind == Kind::ip6 || (kind == Kind::ip4_and_ip6 && i % 2 == 1);
      uint8_t* at = frame + 12;
      if (kind == Kind::ip4_vlan) {
        put16(at, 0x8100);
        at += 4;
      }
      put16(at, ip6 ? 0x86dd : 0x0800);
      const size_t size = 120 + random_() % 1380;
      if (kind == Kind::vxlan) at = add_vxlan(at + 2, size);
      const bool tcp = random_() % 2 == 0;
      ip6 ? add_ip6(at + 2, size, tcp) : add_ip4(at + 2, size, tcp);
      Packet& packet = packets_[i];
      packet.data = frame;
      packet.wire_length = static_cast<uint32_t>(at + 2 + size - frame);
      packet.head_length = packet.wire_length;
    }
  }

  std::span<const Packet> burst(size_t i) const {
    return std::span(packets_).subspan(i * kBurst % kFrames, kBurst);
  }

 private:
  void add_transport(uint8_t* p, size_t size, bool tcp) {
    put16(p, random_());
    put16(p + 2, random_() % 2048);
    if (tcp) {
      p[12] = 0x80;
      p[13] = 0x18;
    } else {
      put16(p + 4, size);
    }
  }
  void add_ip4(uint8_t* p, size_t size, bool tcp) {
    p[0] = 0x45;
    put16(p + 2, size);
    p[9] = tcp ? 6 : 17;
    for (size_t i = 12; i < 20; ++i) p[i] = static_cast<uint8_t>(random_());
    add_transport(p + 20, size - 20, tcp);
  }
  void add_ip6(uint8_t* p, size_t size, bool tcp) {
    p[0] = 0x60;
    put16(p + 4, size - 40);
    p[6] = tcp ? 6 : 17;
    for (size_t i = 8; i < 40; ++i) p[i] = static_cast<uint8_t>(random_());
    add_transport(p + 40, size - 40, tcp);
  }
  // The outer headers; returns the place of the inner EtherType.
  uint8_t* add_vxlan(uint8_t* p, size_t inner_size) {
    add_ip4(p, inner_size + 14 + 8 + 8 + 20, false);
    put16(p + 22, 4789);
    p[28] = 0x08;
    put16(p + 36 + 12, 0x0800);
    return p + 36 + 12;
  }

  std::mt19937 random_{1};
  std::vector<uint8_t> memory_;
  std::vector<Packet> packets_;
};

ParseOptions options_for(Kind kind) {
  return kind == Kind::vxlan ? ParseOptions{Tunnel::vxlan} : ParseOptions{};
}

template <typename Work>
void run(benchmark::State& state, Work work) {
  const auto kind = static_cast<Kind>(state.range(0));
  const Traffic traffic(kind);
  const ParseOptions options = options_for(kind);
  std::array<ParsedPacket, kBurst> parsed;
  size_t i = 0, ok = 0;
  for (auto _ : state) {
    work(traffic.burst(i++), options, std::span(parsed));
    benchmark::DoNotOptimize(parsed);
    ok += parsed[0].status == ParseStatus::ok;
  }
  if (ok != i) state.SkipWithError("frames that are not parsed");
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBurst));
  state.counters["ns_per_packet"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kBurst * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void parse_burst(benchmark::State& state) {
  run(state, [](auto packets, const auto& options, auto out) { parse(packets, options, out); });
}

void general_parser(benchmark::State& state) {
  run(state, [](auto packets, const auto& options, auto out) {
    for (size_t i = 0; i < packets.size(); ++i) dissect(packets[i], options, out[i]);
  });
}

void parse_and_hash(benchmark::State& state) {
  run(state, [](auto packets, const auto& options, auto out) {
    parse(packets, options, out);
    for (const ParsedPacket& p : out) benchmark::DoNotOptimize(hash(p.key));
  });
}

void names(benchmark::internal::Benchmark* bench) {
  bench->ArgName("0=ip4 1=vlan 2=ip6 3=mixed 4=vxlan")->DenseRange(0, 4);
}
BENCHMARK(parse_burst)->Apply(names);
BENCHMARK(general_parser)->Apply(names);
BENCHMARK(parse_and_hash)->Apply(names);

void hash_key(benchmark::State& state) {
  FlowKey key;
  key.a[15] = 1;
  uint16_t port = 0;
  for (auto _ : state) {
    key.a_port = be16_t(++port);
    benchmark::DoNotOptimize(hash(key));
  }
}
BENCHMARK(hash_key);

}  // namespace
}  // namespace flowmark

BENCHMARK_MAIN();

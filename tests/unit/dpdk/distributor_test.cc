// The distributor over ports that read captures, with plain threads for workers.
#include "dpdk/distributor.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <rte_dev.h>
#include <rte_memory.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "dpdk/dpdk_io.h"
#include "dpdk/packet_pool.h"
#include "net/byte_order.h"
#include "support/frames.h"
#include "unit/dpdk/start_dpdk.h"

namespace flowmark {
namespace {

using testing::UdpFrame;

constexpr uint32_t kFlows = 37;
constexpr size_t kNumberAt = 14 + 28;  // in the payload, two bytes

/// `each` numbered packets of all flows in turn; `down`: from the other end.
std::vector<std::vector<uint8_t>> numbered_frames(uint32_t each, bool down) {
  std::vector<std::vector<uint8_t>> frames;
  for (uint32_t number = 0; number < each; ++number) {
    for (uint32_t flow = 0; flow < kFlows; ++flow) {
      UdpFrame frame;
      frame.source += flow % 5;
      frame.source_port = static_cast<uint16_t>(1000 + flow);
      auto bytes = (down ? frame.reversed() : frame).bytes();
      store_be16(&bytes[kNumberAt], static_cast<uint16_t>(number));
      frames.push_back(std::move(bytes));
    }
  }
  return frames;
}

void write_capture(const std::string& path, const std::vector<std::vector<uint8_t>>& frames) {
  pcap_t* link = pcap_open_dead(DLT_EN10MB, 65535);
  pcap_dumper_t* dumper = pcap_dump_open(link, path.c_str());
  ASSERT_NE(dumper, nullptr);
  for (size_t i = 0; i < frames.size(); ++i) {
    pcap_pkthdr header{};
    header.ts.tv_sec = 1'700'000'000;
    header.ts.tv_usec = static_cast<suseconds_t>(i);
    header.caplen = header.len = static_cast<uint32_t>(frames[i].size());
    pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frames[i].data());
  }
  pcap_dump_close(dumper);
  pcap_close(link);
}

FlowKey key_of(uint8_t* frame, size_t length) {
  Packet packet;
  packet.data = frame;
  packet.head_length = packet.wire_length = static_cast<uint32_t>(length);
  ParsedPacket parsed;
  parse(packet, {}, parsed);
  EXPECT_EQ(parsed.status, ParseStatus::ok);
  return parsed.key;
}

/// The numbers of each flow's packets in a capture, in its order.
std::map<std::string, std::vector<uint16_t>> numbers_in(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* capture = pcap_open_offline(path.c_str(), error.data());
  std::map<std::string, std::vector<uint16_t>> numbers;
  EXPECT_NE(capture, nullptr) << error.data();
  if (capture == nullptr) return numbers;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (pcap_next_ex(capture, &header, &data) == 1) {
    std::vector<uint8_t> bytes(data, data + header->caplen);
    const uint16_t number = load_be16(&bytes[kNumberAt]);
    numbers[to_string(key_of(bytes.data(), bytes.size()))].push_back(number);
  }
  pcap_close(capture);
  return numbers;
}

/// What one worker saw: by flow and port, the numbers.
using Seen = std::map<std::pair<std::string, uint16_t>, std::vector<uint16_t>>;

class DistributorTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  /// Two ports, each with a capture of `each` packets of every flow.
  void open_ports(uint32_t each) {
    start_dpdk();
    static int opened = 0;
    const std::string test = std::to_string(opened++);
    // Tests run side by side, each in a process.
    folder_ =
        ::testing::TempDir() + "flowmark-distributor-" + std::to_string(getpid()) + "-" + test;
    std::filesystem::create_directories(folder_);
    Settings room;
    room.worker_count = GetParam();
    room.ports.resize(2);
    room.ports[0].queues = 8;
    pool_ = make_packet_pool(room, SOCKET_ID_ANY);
    for (uint16_t p = 0; p < 2; ++p) {
      const std::string side = std::to_string(p);
      write_capture(folder_ + "/in" + side, numbered_frames(each, p == 1));
      const std::string name = "net_pcap_" + test + "_" + side;
      const std::string files = "rx_pcap=" + folder_ + "/in" + side + ",tx_pcap=" + out(p);
      ASSERT_EQ(rte_eal_hotplug_add("vdev", name.c_str(), files.c_str()), 0);
      PortSettings settings;
      settings.name = name;
      ports_.push_back(std::make_unique<Port>(settings, p));
      ports_[p]->start(1, static_cast<uint16_t>(GetParam()), Spreading::distributor, pool_.get());
    }
  }
  void TearDown() override {
    ports_.clear();
    std::filesystem::remove_all(folder_);
  }
  std::string out(uint16_t port) const { return folder_ + "/out" + std::to_string(port); }

  /// A worker that looks at what it gets and sends it on.
  void work(PacketIo& io, Seen& seen) {
    std::array<Packet, 64> packets;
    const std::array<bool, 64> marked{};
    while (!stop_.load()) {
      const bool go = go_.load();
      const size_t count = go ? io.receive(packets) : 0;
      if (go) passed_by_ += io.passed_by();
      for (size_t i = 0; i < count; ++i) {
        const FlowKey key = key_of(packets[i].data, packets[i].head_length);
        seen[{to_string(key), packets[i].port}].push_back(load_be16(packets[i].data + kNumberAt));
      }
      io.transmit(std::span(packets).first(count), std::span(marked).first(count));
      received_ += count;
      if (count == 0) std::this_thread::yield();
    }
    io.close();
  }

  uint64_t received() const {
    return own_->ports[0].rx_packets.get() + own_->ports[1].rx_packets.get();
  }
  uint64_t dropped(Drop reason) const {
    uint64_t sum = own_->dropped[static_cast<size_t>(reason)].get();
    for (const auto& worker : counters_) sum += worker->dropped[static_cast<size_t>(reason)].get();
    return sum;
  }
  uint64_t sent(size_t port) const {
    uint64_t sum = own_->ports[port].tx_packets.get();
    for (const auto& worker : counters_) sum += worker->ports[port].tx_packets.get();
    return sum;
  }
  uint64_t gone() const {
    return sent(0) + sent(1) + dropped(Drop::tx_full) + dropped(Drop::worker_full);
  }
  uint64_t unseen() const {
    uint64_t sum = 0;
    for (const auto& worker : counters_) {
      sum += worker->bypassed[static_cast<size_t>(Bypass::worker_busy)].get();
    }
    return sum;
  }

  /// Runs until `total` packets have come and gone; `late`: the workers begin when all have come.
  std::vector<Seen> run(uint64_t total, bool late) {
    const uint32_t workers = GetParam();
    const LiveClock clock;
    auto distributor = std::make_unique<Distributor>(ports_, workers, ParseOptions{},
                                                     HashSecret::draw(), clock, *own_, true);
    std::vector<std::unique_ptr<PacketIo>> ios;
    std::vector<Seen> seen(workers);
    std::vector<std::thread> threads;
    for (uint32_t w = 0; w < workers; ++w) {
      counters_.push_back(std::make_unique<WorkerCounters>());
      ios.push_back(distributor->io(w, *counters_[w]));
    }
    go_ = !late;
    for (uint32_t w = 0; w < workers; ++w) {
      threads.emplace_back([this, &ios, &seen, w] { work(*ios[w], seen[w]); });
    }
    std::thread lcore([&distributor] { distributor->run(); });
    while (received() < total) std::this_thread::yield();
    go_ = true;
    while (gone() < total) std::this_thread::yield();
    distributor->stop_receiving();
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    distributor->finish();
    lcore.join();
    ios.clear();
    distributor.reset();
    for (const auto& port : ports_) port->stop();
    return seen;
  }

  /// Workers that come to their packets late: what reaches them meanwhile is more than they may
  /// look at, but keeps its order.
  void overload(uint32_t each) {
    open_ports(each);
    const uint64_t total = uint64_t{2} * kFlows * each;
    run(total, true);
    EXPECT_EQ(gone(), total);
    EXPECT_EQ(passed_by_, unseen());
    EXPECT_EQ(received_ + unseen() + dropped(Drop::worker_full), total);
    for (uint16_t p = 0; p < 2; ++p) {
      size_t packets = 0;
      for (const auto& [flow, numbers] : numbers_in(out(p))) {
        packets += numbers.size();
        for (size_t i = 1; i < numbers.size(); ++i) {
          ASSERT_LT(numbers[i - 1], numbers[i]) << flow << ": a packet overtook another";
        }
      }
      EXPECT_EQ(packets, sent(p));
    }
  }

  std::string folder_;
  Mempool pool_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<WorkerCounters> own_ = std::make_unique<WorkerCounters>();
  std::vector<std::unique_ptr<WorkerCounters>> counters_;
  std::atomic<bool> go_{false};
  std::atomic<bool> stop_{false};
  std::atomic<size_t> received_{0};
  std::atomic<size_t> passed_by_{0};
};

TEST_P(DistributorTest, BothDirectionsOfAFlowReachOneWorkerInOrderAndNothingIsLost) {
  constexpr uint32_t kEach = 40;  // all of a port fit into a worker's ring
  constexpr uint32_t kPerPort = kFlows * kEach;
  open_ports(kEach);
  const std::vector<Seen> seen = run(2 * kPerPort, false);
  std::vector<uint16_t> in_order(kEach);
  for (uint16_t i = 0; i < kEach; ++i) in_order[i] = i;
  std::map<std::string, size_t> worker_of;
  size_t busy_workers = 0;
  for (uint32_t w = 0; w < GetParam(); ++w) {
    busy_workers += seen[w].empty() ? 0 : 1;
    for (const auto& [flow_and_port, numbers] : seen[w]) {
      EXPECT_EQ(numbers, in_order) << flow_and_port.first;
      const auto [place, is_new] = worker_of.emplace(flow_and_port.first, w);
      EXPECT_EQ(place->second, w) << flow_and_port.first << " reached two workers";
    }
  }
  EXPECT_EQ(worker_of.size(), kFlows);
  EXPECT_EQ(busy_workers, GetParam());
  for (uint16_t p = 0; p < 2; ++p) {
    const auto numbers_out = numbers_in(out(p));
    EXPECT_EQ(numbers_out.size(), kFlows);
    for (const auto& [flow, numbers] : numbers_out) EXPECT_EQ(numbers, in_order) << flow;
    EXPECT_EQ(own_->ports[p].rx_packets.get(), kPerPort);
    EXPECT_EQ(sent(p), kPerPort);
  }
}

TEST_P(DistributorTest, AWorkerThatDoesNotKeepUpForwardsInOrderWithoutLooking) {
  overload(2700 * GetParam() / kFlows);
  EXPECT_GT(unseen(), 0U);
  EXPECT_GT(received_, 0U);
}

TEST_P(DistributorTest, WhatFindsNoPlaceAtAWorkerIsDroppedCountedAndTheRestKeepsItsOrder) {
  overload(6000 * GetParam() / kFlows);
  EXPECT_GT(dropped(Drop::worker_full), 0U);
  EXPECT_GT(unseen(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Workers, DistributorTest, ::testing::Values(1, 2, 4));

}  // namespace
}  // namespace flowmark

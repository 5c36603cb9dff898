#include "dpdk/port.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "base/error.h"
#include "dpdk/eal_plan.h"
#include "dpdk/packet_pool.h"
#include "dpdk/packet_ring.h"

namespace flowmark {
namespace {

constexpr uint64_t kHashedFields =
    RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP | RTE_ETH_RSS_PPPOE;
constexpr size_t kKeyLength = 52;  // the longest that drivers ask for

/// A Toeplitz key that repeats after 16 bits hashes (a, b) as (b, a): Woo & Park, "Scalable TCP
/// session monitoring with symmetric receive-side scaling", 2012.
std::array<uint8_t, kKeyLength> symmetric_key() {
  std::array<uint8_t, kKeyLength> key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  return key;
}

rte_eth_dev_info info_of(uint16_t id, const std::string& place) {
  rte_eth_dev_info info{};
  const int status = rte_eth_dev_info_get(id, &info);
  if (status != 0) fail("{}: DPDK says nothing of the port: {}", place, rte_strerror(-status));
  return info;
}

}  // namespace

Port::Port(const PortSettings& settings, uint16_t index, bool interrupts)
    : settings_(settings),
      place_(fmt::format("ports[{}] ({})", index, settings.name)),
      name_(device_name(settings)),
      index_(index),
      interrupts_(interrupts) {
  // DPDK starts without complaint when a vdev fails: only the missing port tells.
  if (rte_eth_dev_get_port_by_name(name_.c_str(), &id_) != 0) {
    fail("{}: the port is missing: DPDK has no device {}; {}", place_, name_,
         is_pci(settings) ? "is it bound to vfio-pci (dpdk-devbind.py --status)?"
                          : "are the vdev's driver and arguments right (see DPDK's lines above)?");
  }
  const rte_eth_dev_info info = info_of(id_, place_);
  driver_ = info.driver_name == nullptr ? "" : info.driver_name;
  capture_times_ = driver_ == "net_pcap";
  // Of the software ports these have interrupts; the others complain when asked.
  static const std::set<std::string> kTelling = {"net_tap", "net_vhost", "net_virtio_user"};
  interrupts_ = interrupts_ && (is_pci(settings) || kTelling.contains(driver_));
}

Port::~Port() {
  stop();
  rte_eth_dev_close(id_);
}

Spreading Port::spreading(uint32_t workers) const {
  if (workers == 1) return Spreading::single;
  const rte_eth_dev_info info = info_of(id_, place_);
  const bool enough = info.max_rx_queues >= workers && info.max_tx_queues >= workers;
  // The kernel's fanout hash, which af_packet's queues use, is the same for both directions.
  const bool hashes =
      (info.flow_type_rss_offloads & RTE_ETH_RSS_IP) != 0 || driver_ == "net_af_packet";
  return enough && hashes ? Spreading::symmetric : Spreading::distributor;
}

uint16_t Port::redirection_entries() const {
  return info_of(id_, place_).reta_size;
}

void Port::configure(uint16_t rx_queues, uint16_t tx_queues, Spreading spreading) {
  const rte_eth_dev_info info = info_of(id_, place_);
  tx_queues_ = std::min(tx_queues, info.max_tx_queues);
  rte_eth_conf conf{};
  static auto key = symmetric_key();
  const uint64_t fields = info.flow_type_rss_offloads & kHashedFields;
  if (spreading == Spreading::symmetric && fields != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_key = key.data();
    conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size == 0 ? 40 : info.hash_key_size;
    conf.rx_adv_conf.rss_conf.rss_hf = fields;
  }
  conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  conf.intr_conf.rxq = interrupts_ ? 1 : 0;
  int status = rte_eth_dev_configure(id_, rx_queues, tx_queues_, &conf);
  if (status != 0 && interrupts_) {
    conf.intr_conf.rxq = 0;  // the worker sleeps by the clock then
    status = rte_eth_dev_configure(id_, rx_queues, tx_queues_, &conf);
  }
  if (status != 0) {
    fail("{}: {} receive and {} transmit queues are not possible: {} (the port has {} and {})",
         place_, rx_queues, tx_queues_, rte_strerror(-status), info.max_rx_queues,
         info.max_tx_queues);
  }
  if (spreading == Spreading::symmetric && info.reta_size != 0) spread_evenly(rx_queues);
  if (spreading == Spreading::symmetric && fields != 0) check_key(conf.rx_adv_conf.rss_conf);
  if (settings_.mtu != 0) set_mtu();
}

// DPDK lets no af_packet port have an MTU above some 1500: the interface itself is asked.
void Port::set_mtu() {
  if (is_af_packet(settings_)) return set_link_mtu(interface_of(settings_), settings_.mtu);
  const int status = rte_eth_dev_set_mtu(id_, settings_.mtu);
  if (status != 0) {
    fail("{}: mtu: value {}: the port refuses: {}", place_, settings_.mtu, rte_strerror(-status));
  }
}

// A driver may keep a key of its own and say nothing; then the directions of a flow would part.
// Some take the key only when it is set once more.
void Port::check_key(const rte_eth_rss_conf& wanted) const {
  if (has_symmetric_key(wanted.rss_key_len)) return;
  rte_eth_rss_conf again = wanted;
  rte_eth_dev_rss_hash_update(id_, &again);
  if (has_symmetric_key(wanted.rss_key_len)) return;
  fail(
      "{}: the port did not take the symmetric RSS key: the directions of a flow would reach "
      "different workers; use workers: 1",
      place_);
}

// Of the bytes that were set: not every driver says how many it has.
bool Port::has_symmetric_key(size_t length) const {
  std::array<uint8_t, kKeyLength> key{};
  rte_eth_rss_conf conf{};
  conf.rss_key = key.data();
  conf.rss_key_len = key.size();
  if (rte_eth_dev_rss_hash_conf_get(id_, &conf) != 0) return true;  // it does not tell: believe it
  for (size_t i = 2; i < std::min(length, key.size()); ++i) {
    if (key[i] != key[i % 2]) return false;
  }
  return true;
}

std::string Port::spreading_text() const {
  static constexpr std::pair<uint64_t, const char*> kNames[] = {
      {RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER, "ipv4"},
      {RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER, "ipv6"},
      {RTE_ETH_RSS_TCP, "tcp"},
      {RTE_ETH_RSS_UDP, "udp"},
      {RTE_ETH_RSS_SCTP, "sctp"},
      {RTE_ETH_RSS_PPPOE, "pppoe"}};
  std::array<uint8_t, kKeyLength> key{};
  rte_eth_rss_conf conf{};
  conf.rss_key = key.data();
  conf.rss_key_len = key.size();
  if (rte_eth_dev_rss_hash_conf_get(id_, &conf) != 0) {
    return driver_ == "net_af_packet" ? "the kernel's flow hash, symmetric"
                                      : "RSS; the driver does not tell of which fields";
  }
  std::string fields;
  for (const auto& [bits, name] : kNames) {
    if ((conf.rss_hf & bits) == 0) continue;
    fields += fields.empty() ? name : std::string(", ") + name;
  }
  return "RSS of " + (fields.empty() ? "nothing" : fields) +
         "; symmetric key in place; other packets, both ways, go to the first queue";
}

int Port::socket() const {
  return rte_eth_dev_socket_id(id_);
}

// The same table on both ports sends a flow's two directions to the same queue.
void Port::spread_evenly(uint16_t rx_queues) {
  const uint16_t entries = redirection_entries();
  std::vector<rte_eth_rss_reta_entry64> table((entries + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                              RTE_ETH_RETA_GROUP_SIZE);
  for (uint16_t i = 0; i < entries; ++i) {
    auto& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<uint16_t>(i % rx_queues);
  }
  const int status = rte_eth_dev_rss_reta_update(id_, table.data(), entries);
  if (status != 0 && status != -ENOTSUP) {
    fail("{}: the redirection table cannot be set: {}", place_, rte_strerror(-status));
  }
}

void Port::start(uint16_t rx_queues, uint16_t tx_queues, Spreading spreading, rte_mempool* pool) {
  configure(rx_queues, tx_queues, spreading);
  uint16_t rx_descriptors = kPortDescriptors, tx_descriptors = kPortDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors);
  const int socket = rte_eth_dev_socket_id(id_);
  const auto node = socket < 0 ? SOCKET_ID_ANY : socket;
  const auto check = [this](int status, const char* what) {
    if (status != 0) fail("{}: {}: {}", place_, what, rte_strerror(-status));
  };
  for (uint16_t q = 0; q < rx_queues; ++q) {
    check(
        rte_eth_rx_queue_setup(id_, q, rx_descriptors, static_cast<unsigned>(node), nullptr, pool),
        "a receive queue cannot be set up");
  }
  for (uint16_t q = 0; q < tx_queues_; ++q) {
    check(rte_eth_tx_queue_setup(id_, q, tx_descriptors, static_cast<unsigned>(node), nullptr),
          "a transmit queue cannot be set up");
  }
  const int promiscuous = rte_eth_promiscuous_enable(id_);
  if (promiscuous != -ENOTSUP) check(promiscuous, "promiscuous mode cannot be set");
  check(rte_eth_dev_start(id_), "the port does not start");
  started_ = true;
  link_ = std::make_unique<PortLink>(settings_, index_, id_);
  if (is_af_packet(settings_)) full_frame_ = read_ring(settings_, index_, 0).longest_frame();
}

void Port::stop() noexcept {
  const std::lock_guard lock(mutex_);
  if (!started_) return;
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) == 0) link_->count_unread(stats.ipackets);
  last_stats_ = read_stats();
  started_ = false;
  rte_eth_dev_stop(id_);
}

Port::Stats Port::stats() const {
  const std::lock_guard lock(mutex_);
  return started_ ? read_stats() : last_stats_;
}

Port::Stats Port::read_stats() const {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) != 0) return {};
  const PortLink::Losses lost = link_->losses();
  return {stats.imissed + lost.before, stats.ierrors, stats.oerrors, stats.rx_nombuf, lost.after};
}

}  // namespace flowmark

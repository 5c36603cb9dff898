#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "dpdk/port_link.h"
#include "settings/settings.h"

struct rte_eth_rss_conf;
struct rte_mempool;

namespace flowmark {

/// How a port's packets come to several workers so that both directions of a flow reach the same.
enum class Spreading : uint8_t {
  single,       ///< one queue
  symmetric,    ///< the port hashes both directions to the same queue
  distributor,  ///< one queue, spread in software
};

/// A DPDK ethernet port by its configured name: found, configured, started; stopped and closed by
/// the destructor.
class Port {
 public:
  struct Stats {
    uint64_t missed = 0;  ///< by the hardware or the kernel, before us
    uint64_t rx_errors = 0, tx_errors = 0;
    uint64_t rx_no_memory = 0;
    uint64_t tx_dropped = 0;  ///< by the kernel, after us
  };

  /// Finds the port. Throws Error naming the configuration's place when it is not there.
  /// `interrupts`: asks the driver for receive interrupts, for a worker that sleeps when idle.
  Port(const PortSettings& settings, uint16_t index, bool interrupts = false);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// What the port can do for so many workers.
  Spreading spreading(uint32_t workers) const;
  /// Entries of the port's redirection table: both ports of a pair need the same number.
  uint16_t redirection_entries() const;

  /// Sets up and starts. Throws Error. `tx_queues` may exceed what the port has: then it takes what
  /// there is, see tx_queues().
  void start(uint16_t rx_queues, uint16_t tx_queues, Spreading spreading, rte_mempool* pool);
  /// No packet comes or goes any more.
  void stop() noexcept;

  /// How the started port spreads packets, for the log: "RSS of ipv4, ipv6, tcp, udp; symmetric
  /// key in place".
  std::string spreading_text() const;
  /// The NUMA node of the device, or SOCKET_ID_ANY.
  int socket() const;

  uint16_t id() const noexcept { return id_; }
  uint16_t index() const noexcept { return index_; }
  const std::string& name() const noexcept { return name_; }
  uint16_t tx_queues() const noexcept { return tx_queues_; }
  /// The driver stamps packets with the time of a capture (net_pcap).
  bool capture_times() const noexcept { return capture_times_; }
  /// Receive interrupts were asked for and may be there.
  bool interrupts() const noexcept { return interrupts_; }
  /// Any thread. Also after stop(), which counts what lay unread in the port.
  Stats stats() const;
  /// Of a started port.
  PortLink& link() const noexcept { return *link_; }
  /// Received frames of this length and more may lack their end; 0: the port never cuts frames off.
  uint32_t full_frame() const noexcept { return full_frame_; }
  const std::string& place() const noexcept { return place_; }

 private:
  void set_mtu();
  Stats read_stats() const;
  void configure(uint16_t rx_queues, uint16_t tx_queues, Spreading spreading);
  void spread_evenly(uint16_t rx_queues);
  void check_key(const rte_eth_rss_conf& wanted) const;
  bool has_symmetric_key(size_t length) const;

  PortSettings settings_;
  std::string place_;  ///< for messages: ports[0] (net_pcap0)
  std::string name_;
  std::string driver_;
  uint16_t index_;
  uint16_t id_ = 0;
  uint16_t tx_queues_ = 0;
  bool capture_times_ = false;
  bool interrupts_;
  bool started_ = false;
  uint32_t full_frame_ = 0;
  std::unique_ptr<PortLink> link_;
  mutable std::mutex mutex_;  ///< the exporter may ask for stats() while the port stops
  Stats last_stats_;          ///< of a port that was stopped
};

}  // namespace flowmark

#include "dpdk/packet_pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>

#include "base/error.h"
#include "dpdk/packet_ring.h"

namespace flowmark {
namespace {

constexpr uint32_t kLinkHeaders = 64;
constexpr uint32_t kCache = 256;
constexpr uint32_t kSpare = 4096;         // bursts in the workers' hands, rings of the distributor
constexpr uint64_t kBufferHeaders = 256;  // rte_mbuf, the pool's own, alignment

uint16_t buffer_bytes(const Settings& settings) {
  uint32_t bytes = RTE_MBUF_DEFAULT_BUF_SIZE;
  for (size_t i = 0; i < settings.ports.size(); ++i) {
    const PortSettings& port = settings.ports[i];
    bytes = std::max(bytes, port.mtu + kLinkHeaders + RTE_PKTMBUF_HEADROOM);
    if (!is_af_packet(port)) continue;
    // The driver wants room for the ring's whole frame.
    bytes = std::max(bytes, read_ring(port, i, port.mtu).frame_size + RTE_PKTMBUF_HEADROOM);
  }
  return static_cast<uint16_t>(bytes);
}

uint32_t buffer_count(const Settings& settings) {
  const uint32_t workers = settings.worker_count;
  uint32_t queues = workers;
  for (const PortSettings& port : settings.ports) queues = std::max<uint32_t>(queues, port.queues);
  return static_cast<uint32_t>(settings.ports.size()) * queues * 2 * kPortDescriptors +
         (workers + 1) * (kCache * 2 + kSpare);
}

uint64_t pool_bytes(const Settings& settings) {
  return uint64_t{buffer_count(settings)} * (buffer_bytes(settings) + kBufferHeaders);
}

}  // namespace

void MempoolDeleter::operator()(rte_mempool* pool) const noexcept {
  rte_mempool_free(pool);
}

void check_packet_memory(const Settings& settings) {
  constexpr uint64_t kElse = 2 << 20;  // what else DPDK puts there, at the least
  const uint64_t bytes = pool_bytes(settings) + kElse;
  if (bytes <= uint64_t{settings.eal.memory_mb} << 20) return;
  fail("{}: eal.memory_mb: value {}: {} packet buffers of {} bytes need about {}",
       settings.file.string(), settings.eal.memory_mb, buffer_count(settings),
       buffer_bytes(settings), (bytes >> 20) + 1);
}

Mempool make_packet_pool(const Settings& settings, int socket) {
  const uint32_t count = buffer_count(settings);
  const uint16_t room = buffer_bytes(settings);
  rte_mempool* const pool = rte_pktmbuf_pool_create("flowmark", count, kCache, 0, room, socket);
  if (pool == nullptr) {
    fail("eal.memory_mb: no room for {} packet buffers of {} bytes: {}; give about {} MB more",
         count, room, rte_strerror(rte_errno), (pool_bytes(settings) >> 20) + 1);
  }
  return Mempool(pool);
}

}  // namespace flowmark

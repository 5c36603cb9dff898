#pragma once

#include <cstdint>
#include <memory>

#include "settings/settings.h"

struct rte_mempool;

namespace flowmark {

/// Of a port's queue, in each direction; drivers may take fewer.
inline constexpr uint16_t kPortDescriptors = 1024;

struct MempoolDeleter {
  void operator()(rte_mempool* pool) const noexcept;
};
/// Memory for the packets of all ports.
using Mempool = std::unique_ptr<rte_mempool, MempoolDeleter>;

/// Throws Error when `eal.memory_mb` has no room for the packets.
void check_packet_memory(const Settings& settings);

/// `socket`: the NUMA node to take it from, or SOCKET_ID_ANY. Throws Error.
Mempool make_packet_pool(const Settings& settings, int socket);

}  // namespace flowmark

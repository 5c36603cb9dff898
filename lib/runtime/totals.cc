#include "runtime/totals.h"

namespace flowmark {
namespace {

template <size_t N>
uint64_t sum(const std::array<Counter, N>& counters) {
  uint64_t all = 0;
  for (const Counter& counter : counters) all += counter.get();
  return all;
}

}  // namespace

Totals::Totals(const WorkerCountersList& workers) noexcept {
  for (const auto& worker : workers) add(*worker);
}

uint64_t Totals::received() const noexcept {
  uint64_t count = 0;
  for (const PortCounters& port : ports) count += port.rx_packets.get();
  return count;
}

uint64_t Totals::transmitted() const noexcept {
  uint64_t count = 0;
  for (const PortCounters& port : ports) count += port.tx_packets.get();
  return count;
}

uint64_t Totals::all_dropped() const noexcept {
  return sum(dropped);
}
uint64_t Totals::all_marked() const noexcept {
  return sum(marked);
}

}  // namespace flowmark

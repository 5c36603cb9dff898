#include "classify/host_usage.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace flowmark {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

uint64_t word_of(const IpAddress& address, size_t at) noexcept {
  uint64_t word = 0;
  std::memcpy(&word, address.data() + at, sizeof(word));
  return word;
}

}  // namespace

HostUsage::HostUsage(uint32_t records, const HashSecret& secret)
    : records_(std::bit_ceil(std::max(records, kWays))), secret_(secret) {}

void HostUsage::add(const IpAddress& host, ClassTag tag, const std::array<uint64_t, 2>& bytes,
                    uint64_t packets) noexcept {
  const HostWords words{word_of(host, 0), word_of(host, sizeof(uint64_t))};
  Record& record = record_of(words, tag);
  if (!is(record, words, tag)) give(record, words, tag);
  for (size_t side = 0; side < 2; ++side) record.bytes[side].add(bytes[side]);
  record.packets.add(packets);
}

// The pair's record, else that with the fewest bytes of its four; a free one has none.
HostUsage::Record& HostUsage::record_of(const HostWords& host, ClassTag tag) noexcept {
  const uint64_t mixed =
      detail::fold(host.high ^ secret_.words[0], host.low ^ secret_.words[1] ^ tag);
  Record* const set = &records_[(mixed & (records_.size() - 1)) / kWays * kWays];
  Record* const end = set + kWays;
  Record* const own =
      std::find_if(set, end, [&](const Record& record) { return is(record, host, tag); });
  if (own != end) return *own;
  return *std::min_element(
      set, end, [](const Record& a, const Record& b) { return a.weight() < b.weight(); });
}

bool HostUsage::is(const Record& record, const HostWords& host, ClassTag tag) noexcept {
  return record.version.load(kRelaxed) != 0 && record.host_low.load(kRelaxed) == host.low &&
         record.host_high.load(kRelaxed) == host.high && record.tag.load(kRelaxed) == tag;
}

// A reader that sees anything of the new pair also sees a version that is odd, or another one than
// it saw at first.
void HostUsage::give(Record& record, const HostWords& host, ClassTag tag) noexcept {
  const uint32_t version = record.version.load(kRelaxed);
  record.version.store(version + 1, kRelaxed);
  std::atomic_thread_fence(std::memory_order_release);
  const uint64_t weight = record.weight();
  record.host_high.store(host.high, kRelaxed);
  record.host_low.store(host.low, kRelaxed);
  record.tag.store(tag, kRelaxed);
  record.may_lack_bytes.set(weight);
  record.packets.set(0);
  for (Counter& bytes : record.bytes) bytes.set(0);
  record.version.store(version + 2, std::memory_order_release);
}

std::vector<HostUse> HostUsage::read() const {
  std::vector<HostUse> uses;
  for (const Record& record : records_) {
    const uint32_t version = record.version.load(std::memory_order_acquire);
    if (version == 0 || version % 2 != 0) continue;
    HostUse use;
    const uint64_t high = record.host_high.load(kRelaxed), low = record.host_low.load(kRelaxed);
    std::memcpy(use.host.data(), &high, sizeof(high));
    std::memcpy(use.host.data() + sizeof(high), &low, sizeof(low));
    use.tag = record.tag.load(kRelaxed);
    use.bytes = {record.bytes[0].get(), record.bytes[1].get()};
    use.packets = record.packets.get();
    use.may_lack_bytes = record.may_lack_bytes.get();
    std::atomic_thread_fence(std::memory_order_acquire);
    if (record.version.load(kRelaxed) == version) uses.push_back(use);
  }
  return uses;
}

}  // namespace flowmark

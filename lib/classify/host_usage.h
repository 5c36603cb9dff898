#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "classify/class_tag.h"
#include "net/flow_key.h"
#include "telemetry/counters.h"

namespace flowmark {

/// One host's share in one class.
struct HostUse {
  IpAddress host{};
  ClassTag tag = kNoTag;            ///< of the class that the bytes came under
  std::array<uint64_t, 2> bytes{};  ///< by Direction, IP bytes
  uint64_t packets = 0;
  uint64_t may_lack_bytes = 0;  ///< at most, of both directions: from when it had no record
};

/// Who uses what, of one worker: the pairs of host and class with the most bytes, in a table of
/// fixed size. As in Space-Saving (Metwally, Agrawal, El Abbadi 2005), a pair without a record
/// takes over the record with the fewest bytes and remembers how many these were. It chooses among
/// the four records where it may be.
///
/// add(): the worker's thread, no lock, nothing allocated. read(): any thread at any time.
class HostUsage {
 public:
  /// Room for `records` pairs, rounded up to a power of two; 64 bytes each, reserved at once.
  HostUsage(uint32_t records, const HashSecret& secret);

  void add(const IpAddress& host, ClassTag tag, const std::array<uint64_t, 2>& bytes,
           uint64_t packets) noexcept;

  /// All records, in no order. A record that changes its pair at this moment is left out.
  std::vector<HostUse> read() const;

 private:
  static constexpr uint32_t kWays = 4;

  /// An IpAddress in two words, as they lie in memory.
  struct HostWords {
    uint64_t high = 0, low = 0;
  };
  /// `version` is odd while the writer gives the record to another pair, and 0 if it has none.
  struct alignas(64) Record {
    std::atomic<uint32_t> version{0};
    std::atomic<ClassTag> tag{kNoTag};
    std::atomic<uint64_t> host_high{0}, host_low{0};
    std::array<Counter, 2> bytes;
    Counter packets, may_lack_bytes;

    uint64_t weight() const noexcept {
      return bytes[0].get() + bytes[1].get() + may_lack_bytes.get();
    }
  };
  static_assert(sizeof(Record) == 64);

  Record& record_of(const HostWords& host, ClassTag tag) noexcept;
  static bool is(const Record& record, const HostWords& host, ClassTag tag) noexcept;
  static void give(Record& record, const HostWords& host, ClassTag tag) noexcept;

  std::vector<Record> records_;
  HashSecret secret_;
};

}  // namespace flowmark

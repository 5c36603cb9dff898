#pragma once

#include <algorithm>
#include <cstdint>

#include "flow/packet_record.h"

namespace flowmark {

/// The ring of a flow's newest records, as its windows see it.
struct RecordRing {
  const PacketRecord* records;
  uint32_t capacity;  ///< a power of two
  uint32_t next;      ///< place of the record that is appended next
  uint32_t count;     ///< records held

  /// The i-th record held, the oldest first.
  const PacketRecord& operator[](uint32_t i) const noexcept {
    return records[(next - count + i) & (capacity - 1)];
  }
  void copy_newest(uint32_t number, PacketRecord* to) const noexcept {
    const uint32_t first = (next - number) & (capacity - 1);
    const uint32_t until_end = std::min(number, capacity - first);
    std::copy_n(records, number - until_end, std::copy_n(records + first, until_end, to));
  }
};

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <vector>

#include "net/parse.h"

namespace flowmark {

/// Lets later fragments find the flow of their first fragment: a small direct-mapped memory of
/// (addresses, protocol, identification) -> ports. Fixed size, no allocation after construction.
/// A later fragment whose first one was not seen in the last 30 seconds keeps its portless key.
class FragmentTable {
 public:
  /// `entries` is rounded up to a power of two.
  explicit FragmentTable(const HashSecret& secret = {}, uint32_t entries = 1024);

  /// Remembers a first fragment; completes key and direction of a later one. Others are untouched.
  void resolve(ParsedPacket& packet, TimeUs now_us) noexcept;

 private:
  struct Entry {
    FlowKey portless;  ///< addresses and, of IPv4, protocol; ports 0
    FlowKey full;
    uint32_t id = 0;
    bool source_is_a = true;  ///< identifications are the sender's own
    bool full_from_a = true;
    bool used = false;
    TimeUs time_us = 0;
  };
  HashSecret secret_;
  std::vector<Entry> entries_;
};

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/time.h"
#include "net/packet.h"

namespace flowmark {

/// Where packets of a capture come from: an interface of a pcapng section, or all of a pcap file.
struct CaptureInterface {
  uint32_t link_type = 0;        ///< LINKTYPE_*, as it stands in the file
  std::optional<LinkType> link;  ///< none: not supported
  uint32_t snap_length = 0;      ///< bytes; 0: no limit
  uint64_t units_per_second = 1'000'000;
  int64_t offset_s = 0;  ///< added to every time

  /// The time of so many units since 1970. A damaged file may claim any time: one beyond what
  /// TimeUs can hold is cut to a hundredth of that.
  TimeUs time_us(uint64_t units) const noexcept;
};

/// The numbers of a capture file, which are in the byte order of the machine that wrote it.
struct FileNumbers {
  bool big_endian = false;

  uint16_t u16(const uint8_t* p) const noexcept;
  uint32_t u32(const uint8_t* p) const noexcept;
  uint64_t u64_high_first(const uint8_t* p) const noexcept;  ///< two u32, as times are written
  uint64_t u64(const uint8_t* p) const noexcept;
};

/// Reads an interface description block (pcapng, section 4.2), from its type to its second length.
/// `place` begins the text of errors. Throws Error: too short, an option that reaches past the
/// block, a time resolution that cannot be counted.
CaptureInterface read_interface_block(std::span<const uint8_t> block, const FileNumbers& numbers,
                                      const std::string& place);

/// What the link type of a file is for the parser; none where it has no words for it.
std::optional<LinkType> supported_link(uint32_t link_type) noexcept;

/// "EN10MB", "IEEE802_11_RADIO", or "number 300".
std::string link_type_name(uint32_t link_type);

/// "Ethernet, raw IP, ...": for errors about others.
const char* supported_links() noexcept;

}  // namespace flowmark

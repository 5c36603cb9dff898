#include "capture/record_reader.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "net/byte_order.h"

namespace flowmark {
namespace {

constexpr size_t kPcapHeader = 24;
constexpr uint32_t kMaxCaptured = 262144;  // as tcpdump and Wireshark have it
constexpr uint32_t kMaxBlock = 16u << 20;
constexpr size_t kChunk =
    1u << 20;  // a damaged length costs no more memory than the file has bytes

// Magic numbers of pcap, read big end first.
constexpr uint32_t kMicro = 0xa1b2c3d4;
constexpr uint32_t kNano = 0xa1b23c4d;
constexpr uint32_t kNavtel = 0xa12b3c4d;
constexpr uint32_t kPatched = 0xa1b2cd34;  // Kuznetzov's, with a longer packet header

// Block types of pcapng.
constexpr uint32_t kSection = 0x0a0d0d0a;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kOldPacket = 2;
constexpr uint32_t kSimplePacket = 3;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrder = 0x1a2b3c4d;
constexpr size_t kTrailer = 4;  // a block ends with its length again

bool is_pcap_magic(uint32_t magic) {
  return magic == kMicro || magic == kNano || magic == kNavtel || magic == kPatched;
}

}  // namespace

std::string RecordReader::place() const {
  return fmt::format("{}: packet {}", path_, packets_ + 1);
}

RecordReader::RecordReader(const std::filesystem::path& path) : path_(path.string()), file_(path) {
  start_.resize(kPcapHeader);
  start_.resize(file_.read(start_));
  if (start_.empty()) fail("{}: is empty; expected a pcap or pcapng capture", path_);
  const uint32_t magic = start_.size() < 4 ? 0 : load_be32(start_.data());
  pcapng_ = magic == kSection;
  if (pcapng_) return;
  numbers_.big_endian = is_pcap_magic(magic);
  if (!numbers_.big_endian && !is_pcap_magic(swap_bytes(magic))) {
    const size_t shown = std::min<size_t>(start_.size(), 4);
    fail("{}: is no pcap or pcapng capture (it starts with bytes {:02x})", path_,
         fmt::join(start_.begin(), start_.begin() + static_cast<ptrdiff_t>(shown), " "));
  }
  if (start_.size() < kPcapHeader) fail("{}: the file ends inside the capture's header", path_);
  read_pcap_header();
}

void RecordReader::read_pcap_header() {
  const uint8_t* header = start_.data();
  const uint32_t magic = numbers_.u32(header);
  if (magic == kPatched) packet_header_ = 24;
  const uint16_t major = numbers_.u16(header + 4);
  const uint16_t minor = numbers_.u16(header + 6);
  const bool digital_unix = major == 543 && minor == 0;
  if (!digital_unix && (major != 2 || minor > 4)) {
    fail("{}: is a pcap file of version {}.{}; up to 2.4 can be read", path_, major, minor);
  }
  // Before version 2.3 the two lengths stood the other way round; 2.3 was written both ways.
  if (digital_unix || minor < 3) {
    lengths_ = Lengths::captured_second;
  } else if (minor == 3) {
    lengths_ = Lengths::captured_smaller;
  }
  CaptureInterface interface;
  interface.snap_length = numbers_.u32(header + 16);
  interface.link_type = numbers_.u32(header + 20) & 0xffff;  // above: the length of checksums
  interface.link = supported_link(interface.link_type);
  interface.units_per_second = magic == kNano ? 1'000'000'000 : 1'000'000;
  interfaces_.push_back(interface);
}

bool RecordReader::next(CaptureRecord& record) {
  record.bytes.clear();
  record.kind = CaptureRecord::Kind::other;
  record.data_length = record.wire_length = record.interface = 0;
  record.time = 0;
  return pcapng_ ? next_block(record) : next_pcap(record);
}

// Appends so many bytes of the file; those that the constructor read come first.
void RecordReader::take(CaptureRecord& record, size_t bytes, const char* what) {
  const size_t from_start = std::min(bytes, start_.size());
  record.bytes.insert(record.bytes.end(), start_.begin(),
                      start_.begin() + static_cast<ptrdiff_t>(from_start));
  start_.erase(start_.begin(), start_.begin() + static_cast<ptrdiff_t>(from_start));
  for (size_t left = bytes - from_start; left > 0;) {
    const size_t chunk = std::min(left, kChunk);
    const size_t at = record.bytes.size();
    record.bytes.resize(at + chunk);
    const size_t n = file_.read(std::span(record.bytes).subspan(at));
    if (n < chunk) {
      fail("{}: the file ends inside {}: {} of {} bytes are there", place(), what, bytes - left + n,
           bytes);
    }
    left -= chunk;
  }
}

// The same for the first bytes of a record, before which the file may end.
bool RecordReader::take_start(CaptureRecord& record, size_t bytes, const char* what) {
  if (start_.empty()) {
    record.bytes.resize(1);
    if (file_.read(record.bytes) == 0) return false;
    start_.swap(record.bytes);
    record.bytes.clear();
  }
  take(record, bytes, what);
  return true;
}

bool RecordReader::next_pcap(CaptureRecord& record) {
  if (!start_.empty()) {
    take(record, kPcapHeader, "the header");
    record.kind = CaptureRecord::Kind::header;
    return true;
  }
  if (!take_start(record, packet_header_, "its header")) return false;
  const uint8_t* header = record.bytes.data();
  uint32_t captured = numbers_.u32(header + 8);
  uint32_t length = numbers_.u32(header + 12);
  if (lengths_ == Lengths::captured_second ||
      (lengths_ == Lengths::captured_smaller && captured > length)) {
    std::swap(captured, length);
  }
  // Seconds are unsigned: a file's times end in 2106, not in 2038.
  const uint64_t units = interfaces_[0].units_per_second;
  record.time = numbers_.u32(header) * units + numbers_.u32(header + 4) % units;
  record.wire_length = length;
  if (captured > kMaxCaptured) {
    fail("{}: the file is damaged: a captured length of {}, at most {} are possible", place(),
         captured, kMaxCaptured);
  }
  take(record, captured, "its data");
  find_packet(record, packet_header_, captured);
  return true;
}

void RecordReader::start_section(const CaptureRecord& record) {
  const uint32_t order = load_be32(record.bytes.data() + 8);
  if (order != kByteOrder && swap_bytes(order) != kByteOrder) {
    fail("{}: the file is damaged: a section with byte order mark {:08x}", place(), order);
  }
  numbers_.big_endian = order == kByteOrder;
  interfaces_.clear();
}

void RecordReader::check_version(const CaptureRecord& section) const {
  constexpr size_t kSectionHeader = 28;
  if (section.bytes.size() < kSectionHeader) {
    fail("{}: the file is damaged: a section's header of {} bytes, at least {} are needed", place(),
         section.bytes.size(), kSectionHeader);
  }
  const uint16_t major = numbers_.u16(section.bytes.data() + 12);
  if (major != 1) fail("{}: a section is of pcapng version {}; 1 can be read", place(), major);
}

bool RecordReader::next_block(CaptureRecord& record) {
  if (!take_start(record, 12, "a block's header")) return false;
  const bool section = load_be32(record.bytes.data()) == kSection;
  if (section) start_section(record);
  const uint32_t type = numbers_.u32(record.bytes.data());
  const uint32_t length = numbers_.u32(record.bytes.data() + 4);
  if (length < 12 || length % 4 != 0 || length > kMaxBlock) {
    fail("{}: the file is damaged: a block of length {}, expected a multiple of 4 from 12 to {}",
         place(), length, kMaxBlock);
  }
  take(record, length - 12, "a block");
  const uint32_t again = numbers_.u32(record.bytes.data() + length - 4);
  if (again != length) {
    fail("{}: the file is damaged: a block says {} bytes at its start and {} at its end", place(),
         length, again);
  }
  if (section) {
    check_version(record);
    record.kind = CaptureRecord::Kind::header;
  } else if (type == kInterface) {
    interfaces_.push_back(read_interface_block(record.bytes, numbers_, place()));
  } else if (type == kEnhancedPacket || type == kOldPacket) {
    read_enhanced_packet(record, type == kOldPacket);
  } else if (type == kSimplePacket) {
    read_simple_packet(record);
  }
  return true;
}

// The old packet block differs only in how wide its interface's number is.
void RecordReader::read_enhanced_packet(CaptureRecord& record, bool old) {
  constexpr size_t kData = 28;
  if (record.bytes.size() < kData + kTrailer) {
    fail("{}: the file is damaged: a packet in a block of {} bytes", place(), record.bytes.size());
  }
  const uint8_t* block = record.bytes.data();
  record.interface = old ? numbers_.u16(block + 8) : numbers_.u32(block + 8);
  record.time = numbers_.u64_high_first(block + 12);
  record.wire_length = numbers_.u32(block + 24);
  find_packet(record, kData, numbers_.u32(block + 20));
}

// It is of the first interface, has no time, and its captured length follows from the snap length.
void RecordReader::read_simple_packet(CaptureRecord& record) {
  constexpr size_t kData = 12;
  if (record.bytes.size() < kData + kTrailer) {
    fail("{}: the file is damaged: a packet in a block of {} bytes", place(), record.bytes.size());
  }
  record.wire_length = numbers_.u32(record.bytes.data() + 8);
  const uint32_t snap = interfaces_.empty() ? 0 : interfaces_[0].snap_length;
  find_packet(record, kData, snap == 0 ? record.wire_length : std::min(record.wire_length, snap));
}

void RecordReader::find_packet(CaptureRecord& record, size_t data_offset, uint32_t captured) {
  if (record.interface >= interfaces_.size()) {
    fail("{}: the file is damaged: it is of interface {}, of which there are {}", place(),
         record.interface, interfaces_.size());
  }
  const size_t fixed = data_offset + (pcapng_ ? kTrailer : 0);
  if (captured > kMaxCaptured || record.bytes.size() - fixed < captured) {
    fail("{}: the file is damaged: {} captured bytes in a block of {}", place(), captured,
         record.bytes.size());
  }
  record.kind = CaptureRecord::Kind::packet;
  record.data_offset = data_offset;
  record.data_length = captured;
  ++packets_;
}

size_t RecordReader::read_rest(std::span<uint8_t> out) {
  const size_t from_start = std::min(out.size(), start_.size());
  std::copy_n(start_.begin(), from_start, out.begin());
  start_.erase(start_.begin(), start_.begin() + static_cast<ptrdiff_t>(from_start));
  return from_start + file_.read(out.subspan(from_start));
}

}  // namespace flowmark

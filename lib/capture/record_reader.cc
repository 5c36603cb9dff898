#include "capture/record_reader.h"

#include <fmt/ranges.h>
#include <pcap/pcap.h>

#include <algorithm>

#include "base/error.h"
#include "net/byte_order.h"

namespace flowmark {
namespace {

constexpr size_t kPcapHeader = 24;
constexpr uint32_t kMaxCaptured = 262144;  // libpcap's MAXIMUM_SNAPLEN
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

bool is_pcap_magic(uint32_t magic) {
  return magic == kMicro || magic == kNano || magic == kNavtel || magic == kPatched;
}

std::string link_name(int link) {
  constexpr int kRawInFiles = 101;  // a file's number for what is DLT_RAW in memory
  const char* name = pcap_datalink_val_to_name(link == kRawInFiles ? DLT_RAW : link);
  return name != nullptr ? std::string(name) : fmt::format("link type {}", link);
}

}  // namespace

uint16_t RecordReader::u16(const uint8_t* p) const noexcept {
  const uint16_t v = load_be16(p);
  return big_endian_ ? v : swap_bytes(v);
}

uint32_t RecordReader::u32(const uint8_t* p) const noexcept {
  const uint32_t v = load_be32(p);
  return big_endian_ ? v : swap_bytes(v);
}

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
  big_endian_ = is_pcap_magic(magic);
  if (!big_endian_ && !is_pcap_magic(swap_bytes(magic))) {
    const size_t shown = std::min<size_t>(start_.size(), 4);
    fail("{}: is no pcap or pcapng capture (it starts with bytes {:02x})", path_,
         fmt::join(start_.begin(), start_.begin() + static_cast<ptrdiff_t>(shown), " "));
  }
  if (start_.size() < kPcapHeader) fail("{}: the file ends inside the capture's header", path_);
  if (u32(start_.data()) == kPatched) packet_header_ = 24;
  // Before version 2.3 the two lengths stood the other way round; 2.3 was written both ways.
  const uint16_t minor = u16(start_.data() + 6);
  if (minor < 3 || minor == 543) {
    lengths_ = Lengths::captured_second;
  } else if (minor == 3) {
    lengths_ = Lengths::captured_smaller;
  }
}

bool RecordReader::next(CaptureRecord& record) {
  record.bytes.clear();
  record.kind = CaptureRecord::Kind::other;
  record.data_length = 0;
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
  uint32_t captured = u32(record.bytes.data() + 8);
  uint32_t length = u32(record.bytes.data() + 12);
  if (lengths_ == Lengths::captured_second ||
      (lengths_ == Lengths::captured_smaller && captured > length)) {
    std::swap(captured, length);
  }
  if (captured > kMaxCaptured) {
    fail("{}: the file is damaged: a captured length of {}, at most {} are possible", place(),
         captured, kMaxCaptured);
  }
  take(record, captured, "its data");
  find_packet(record, packet_header_, captured);
  return true;
}

void RecordReader::read_section_order(const CaptureRecord& record) {
  const uint32_t order = load_be32(record.bytes.data() + 8);
  if (order != kByteOrder && swap_bytes(order) != kByteOrder) {
    fail("{}: the file is damaged: a section with byte order mark {:08x}", place(), order);
  }
  big_endian_ = order == kByteOrder;
}

bool RecordReader::next_block(CaptureRecord& record) {
  if (!take_start(record, 12, "a block's header")) return false;
  const bool section = load_be32(record.bytes.data()) == kSection;
  if (section) read_section_order(record);
  const uint32_t type = u32(record.bytes.data());
  const uint32_t length = u32(record.bytes.data() + 4);
  if (length < 12 || length % 4 != 0 || length > kMaxBlock) {
    fail("{}: the file is damaged: a block of length {}, expected a multiple of 4 from 12 to {}",
         place(), length, kMaxBlock);
  }
  take(record, length - 12, "a block");
  const uint32_t again = u32(record.bytes.data() + length - 4);
  if (again != length) {
    fail("{}: the file is damaged: a block says {} bytes at its start and {} at its end", place(),
         length, again);
  }
  if (section) {
    record.kind = CaptureRecord::Kind::header;
  } else if (type == kInterface) {
    check_interface(record);
    record.kind = CaptureRecord::Kind::interface;
  } else if (type == kEnhancedPacket || type == kOldPacket) {
    const uint32_t captured = length < 32 ? 0 : u32(record.bytes.data() + 20);
    find_packet(record, 28, captured);
  } else if (type == kSimplePacket) {
    // Its captured length follows from the interface's snap length; the block bounds it.
    find_packet(record, 12, length < 16 ? 0 : length - 16);
  }
  return true;
}

void RecordReader::find_packet(CaptureRecord& record, size_t data_offset, uint32_t captured) {
  const size_t trailer = pcapng_ ? 4 : 0;
  const size_t fixed = data_offset + trailer;
  if (record.bytes.size() < fixed || record.bytes.size() - fixed < captured) {
    fail("{}: the file is damaged: {} captured bytes in a block of {}", place(), captured,
         record.bytes.size());
  }
  record.kind = CaptureRecord::Kind::packet;
  record.data_offset = data_offset;
  record.data_length = captured;
  ++packets_;
}

void RecordReader::check_interface(const CaptureRecord& record) {
  if (record.bytes.size() < 20) {
    fail("{}: the file is damaged: an interface description of {} bytes, at least 20 are needed",
         place(), record.bytes.size());
  }
  const int link = u16(record.bytes.data() + 8);
  if (first_link_ < 0) first_link_ = link;
  if (link != first_link_) {
    fail("{}: interface {} has link type {}, the first one {}; a capture must have one link type",
         path_, interfaces_, link_name(link), link_name(first_link_));
  }
  ++interfaces_;
}

size_t RecordReader::read_rest(std::span<uint8_t> out) {
  const size_t from_start = std::min(out.size(), start_.size());
  std::copy_n(start_.begin(), from_start, out.begin());
  start_.erase(start_.begin(), start_.begin() + static_cast<ptrdiff_t>(from_start));
  return from_start + file_.read(out.subspan(from_start));
}

}  // namespace flowmark

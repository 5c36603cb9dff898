#include "capture/reader.h"

#include <algorithm>

#include "base/error.h"
#include "capture/record_reader.h"

namespace flowmark {

struct CaptureReader::Impl {
  explicit Impl(const std::filesystem::path& file) : path(file.string()), records(file) {}

  // A pcap file has one link type: known, and refused, before its first packet.
  void check_pcap_link() {
    if (records.is_pcapng()) return;
    const CaptureInterface& all = records.interface_of(record);
    if (!all.link) {
      fail("{}: link type {} is not supported; supported are {}", path,
           link_type_name(all.link_type), supported_links());
    }
  }

  std::string path;
  RecordReader records;
  CaptureRecord record;
  uint32_t longest_cut = 0;
};

CaptureReader::CaptureReader(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(path)) {
  impl_->check_pcap_link();
}
CaptureReader::~CaptureReader() = default;

bool CaptureReader::next(Packet& packet) {
  CaptureRecord& record = impl_->record;
  do {
    if (!impl_->records.next(record)) return false;
  } while (record.kind != CaptureRecord::Kind::packet);
  const CaptureInterface& interface = impl_->records.interface_of(record);
  if (!interface.link) {
    fail("{}: packet {}: interface {} has link type {}, which is not supported; supported are {}",
         impl_->path, impl_->records.packets(), record.interface,
         link_type_name(interface.link_type), supported_links());
  }
  packet.data = record.bytes.data() + record.data_offset;
  packet.head_length = record.data_length;
  packet.wire_length = std::max(record.wire_length, record.data_length);
  packet.time_us = interface.time_us(record.time);
  packet.port = 0;
  packet.link = *interface.link;
  if (packet.head_length < packet.wire_length) {
    impl_->longest_cut = std::max(impl_->longest_cut, packet.head_length);
  }
  return true;
}

uint64_t CaptureReader::packets_read() const noexcept {
  return impl_->records.packets();
}
uint32_t CaptureReader::longest_cut() const noexcept {
  return impl_->longest_cut;
}
double CaptureReader::progress() const noexcept {
  return impl_->records.file().progress();
}

std::string cut_off_text(const std::filesystem::path& path, uint64_t cut_off, uint64_t packets,
                         uint32_t longest) {
  return fmt::format(
      "{}: {} of {} packets have no flow: they were cut off inside their headers, a snap length of "
      "{} bytes is too short. Capture at least 128 bytes of a packet (tcpdump -s 128), 256 in "
      "tunnels",
      path.string(), cut_off, packets, longest);
}

}  // namespace flowmark

#include <algorithm>

#include "base/error.h"
#include "capture/output_file.h"
#include "capture/reader.h"
#include "capture/record_reader.h"

namespace flowmark {

struct CaptureCopier::Impl {
  Impl(const std::filesystem::path& from_path, const std::filesystem::path& to_path)
      : from_name(from_path.string()), from(from_path), to(to_path) {}

  std::string from_name;
  RecordReader from;
  OutputFile to;
  CaptureRecord record;
  bool finished = false;
};

CaptureCopier::CaptureCopier(const std::filesystem::path& from, const std::filesystem::path& to)
    : impl_(std::make_unique<Impl>(from, to)) {}
CaptureCopier::~CaptureCopier() = default;

void CaptureCopier::write(const Packet& packet) {
  CaptureRecord& record = impl_->record;
  for (;;) {
    if (!impl_->from.next(record)) {
      fail("{}: has only {} packets; one more was to be copied", impl_->from_name,
           impl_->from.packets());
    }
    if (record.kind == CaptureRecord::Kind::packet) break;
    impl_->to.write(record.bytes);
  }
  if (packet.head_length > record.data_length) {
    fail("{}: packet {} has {} bytes, not the {} that were to be copied", impl_->from_name,
         impl_->from.packets(), record.data_length, packet.head_length);
  }
  std::copy_n(packet.data, packet.head_length,
              record.bytes.begin() + static_cast<ptrdiff_t>(record.data_offset));
  impl_->to.write(record.bytes);
}

void CaptureCopier::finish() {
  if (impl_->finished) return;
  std::vector<uint8_t> rest(1u << 16);
  while (const size_t n = impl_->from.read_rest(rest)) {
    impl_->to.write(std::span(rest).first(n));
  }
  impl_->to.commit();
  impl_->finished = true;
}

}  // namespace flowmark

#include "capture/reader.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>

#include "base/error.h"
#include "capture/record_reader.h"

namespace flowmark {
namespace {

struct PcapCloser {
  void operator()(pcap_t* pcap) const noexcept { pcap_close(pcap); }
};

/// A capture file as a C stream for libpcap: unpacked, its structure checked, and with one snap
/// length for all interfaces of a pcapng file, since libpcap refuses what capture mergers write.
class RecordStream {
 public:
  explicit RecordStream(const std::filesystem::path& path) : records_(path) {}

  ssize_t read(char* to, size_t most) noexcept {
    try {
      while (at_ == record_.bytes.size()) {
        at_ = 0;
        if (!records_.next(record_)) return 0;
        if (record_.kind == CaptureRecord::Kind::interface) unify_snap_length();
      }
    } catch (...) {  // must not fly through C code
      error_ = std::current_exception();
      record_.bytes.clear();
      at_ = 0;
      errno = EIO;
      return -1;
    }
    const size_t n = std::min(most, record_.bytes.size() - at_);
    std::copy_n(record_.bytes.begin() + static_cast<ptrdiff_t>(at_), n, to);
    at_ += n;
    return static_cast<ssize_t>(n);
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  const RecordReader& records() const noexcept { return records_; }

 private:
  static constexpr size_t kSnapLength = 12;  // in an interface description block

  void unify_snap_length() {
    const auto place = record_.bytes.begin() + kSnapLength;
    if (!first_seen_) std::copy_n(place, 4, first_snap_length_.begin());
    first_seen_ = true;
    std::copy_n(first_snap_length_.begin(), 4, place);
  }

  RecordReader records_;
  CaptureRecord record_;
  size_t at_ = 0;
  bool first_seen_ = false;
  std::array<uint8_t, 4> first_snap_length_{};
  std::exception_ptr error_;
};

ssize_t read_cookie(void* cookie, char* to, size_t most) {
  return static_cast<RecordStream*>(cookie)->read(to, most);
}

LinkType link_of(int dlt, const std::string& path) {
  switch (dlt) {
    case DLT_EN10MB:
      return LinkType::ethernet;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkType::raw_ip;
    case DLT_LINUX_SLL:
      return LinkType::linux_sll;
    case DLT_LINUX_SLL2:
      return LinkType::linux_sll2;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkType::bsd_loopback;
    case DLT_PPP:
    case DLT_PPP_SERIAL:
      return LinkType::ppp;
    default:
      break;
  }
  const char* name = pcap_datalink_val_to_name(dlt);
  fail(
      "{}: link type {} is not supported; supported are Ethernet, raw IP, Linux cooked 1 and 2, "
      "BSD "
      "loopback and PPP",
      path, name != nullptr ? std::string(name) : std::to_string(dlt));
}

}  // namespace

struct CaptureReader::Impl {
  explicit Impl(const std::filesystem::path& file) : path(file.string()), stream(file) {
    cookie_io_functions_t functions{};
    functions.read = read_cookie;
    FILE* c_stream = fopencookie(&stream, "rb", functions);
    if (c_stream == nullptr) fail("{}: cannot be opened: out of memory", path);
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    pcap.reset(pcap_fopen_offline(c_stream, reason.data()));
    if (!pcap) {
      fclose(c_stream);
      stream.rethrow();
      fail("{}: {}", path, reason.data());
    }
    link = link_of(pcap_datalink(pcap.get()), path);
  }

  std::string path;
  RecordStream stream;
  std::unique_ptr<pcap_t, PcapCloser> pcap;
  LinkType link = LinkType::ethernet;
  uint64_t packets = 0;
};

CaptureReader::CaptureReader(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(path)) {}
CaptureReader::~CaptureReader() = default;

bool CaptureReader::next(Packet& packet) {
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  switch (pcap_next_ex(impl_->pcap.get(), &header, &data)) {
    case 1:
      break;
    case PCAP_ERROR_BREAK:  // the end
      impl_->stream.rethrow();
      return false;
    default:
      impl_->stream.rethrow();
      fail("{}: packet {}: {}", impl_->path, impl_->packets + 1, pcap_geterr(impl_->pcap.get()));
  }
  ++impl_->packets;
  // libpcap's own buffer, not constant by itself; nobody reads it again after us.
  packet.data = const_cast<uint8_t*>(data);
  packet.head_length = header->caplen;
  packet.wire_length = std::max(header->len, header->caplen);
  // A damaged pcapng may claim any time; one beyond a signed count of microseconds is cut to what
  // fits a hundred times over.
  constexpr TimeUs kMaxSeconds = INT64_MAX / kUsPerSecond / 100;
  const TimeUs seconds = std::clamp<TimeUs>(header->ts.tv_sec, -kMaxSeconds, kMaxSeconds);
  packet.time_us = seconds * kUsPerSecond + header->ts.tv_usec % kUsPerSecond;
  packet.port = 0;
  packet.link = impl_->link;
  return true;
}

LinkType CaptureReader::link() const noexcept {
  return impl_->link;
}
uint64_t CaptureReader::packets_read() const noexcept {
  return impl_->packets;
}
double CaptureReader::progress() const noexcept {
  return impl_->stream.records().file().progress();
}

}  // namespace flowmark

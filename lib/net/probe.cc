#include "net/probe.h"

#include "net/byte_order.h"

namespace flowmark {
namespace {

constexpr uint32_t kShortestIp4 = 20;
constexpr uint32_t kShortestIp6 = 40;
constexpr uint32_t kToLengths = 6;  // bytes that hold version and lengths of either

// Step::done if so many bytes can be read at `at`.
Step need_at(const Dissection& d, uint32_t at, uint32_t bytes) noexcept {
  if (d.end < at || d.end - at < bytes) return Step::not_ip;
  if (d.head < at || d.head - at < bytes) return Step::truncated;
  return Step::done;
}

}  // namespace

Step probe_ip(const Dissection& d, uint32_t at) noexcept {
  if (const Step s = need_at(d, at, kToLengths); s != Step::done) return s;
  const uint8_t* p = d.data + at;
  const uint32_t there = d.end - at;
  if (p[0] >> 4 == 4) {
    const uint32_t header = (p[0] & 0x0fu) * 4u;
    const uint32_t total = load_be16(p + 2);
    return header >= kShortestIp4 && total >= header && total <= there ? Step::ip : Step::not_ip;
  }
  if (p[0] >> 4 == 6) {
    return there >= kShortestIp6 && load_be16(p + 4) <= there - kShortestIp6 ? Step::ip
                                                                             : Step::not_ip;
  }
  return Step::not_ip;
}

Step probe_ethertype(const Dissection& d, uint32_t at, uint32_t& ip_at) noexcept {
  if (const Step s = need_at(d, at, 2); s != Step::done) return s;
  uint16_t type = load_be16(d.data + at);
  if (type == 0x8100 || type == 0x88a8) {
    at += 4;
    if (const Step s = need_at(d, at, 2); s != Step::done) return s;
    type = load_be16(d.data + at);
  }
  if (type != 0x0800 && type != 0x86dd) return Step::not_ip;
  ip_at = at + 2;
  const Step found = probe_ip(d, ip_at);
  if (found != Step::ip) return found;
  return (d.data[ip_at] >> 4 == 4) == (type == 0x0800) ? Step::ip : Step::not_ip;
}

}  // namespace flowmark

#include "net/byte_order.h"
#include "net/tunnel.h"

namespace flowmark {
namespace {

constexpr uint32_t kMostTags = 1024;  // bytes

// Tags of TZSP.
constexpr uint8_t kTagPadding = 0;
constexpr uint8_t kTagEnd = 1;

}  // namespace

Step read_erspan2(Dissection& d) noexcept {
  if (const Step s = d.need(8); s != Step::done) return s;
  if (d.here()[0] >> 4 != 1) return Step::malformed;  // version
  d.offset += 8;
  return Step::ethernet;
}

Step read_erspan3(Dissection& d) noexcept {
  if (const Step s = d.need(12); s != Step::done) return s;
  const uint8_t* p = d.here();
  if (p[0] >> 4 != 2) return Step::malformed;
  const uint8_t frame_type = (p[10] >> 2) & 0x1f;
  const uint32_t length = (p[11] & 1) != 0 ? 20 : 12;  // with a platform's own words
  if (const Step s = d.need(length); s != Step::done) return s;
  d.offset += length;
  if (frame_type == 0) return Step::ethernet;
  return frame_type == 2 ? Step::ip : Step::not_ip;
}

Step read_tzsp(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  const uint8_t* p = d.here();
  if (p[0] != 1) return Step::malformed;  // version
  if (p[1] > 1) return Step::not_ip;      // neither a received nor a sent packet
  const bool ethernet = load_be16(p + 2) == 1;
  d.offset += 4;
  for (const uint32_t last = d.offset + kMostTags; d.offset < last;) {
    if (const Step s = d.need(1); s != Step::done) return s;
    const uint8_t tag = d.here()[0];
    ++d.offset;
    if (tag == kTagEnd) return ethernet ? Step::ethernet : Step::not_ip;
    if (tag == kTagPadding) continue;
    if (const Step s = d.need(1); s != Step::done) return s;
    const uint32_t length = 1u + d.here()[0];
    if (const Step s = d.need(length); s != Step::done) return s;
    d.offset += length;
  }
  return Step::malformed;
}

}  // namespace flowmark

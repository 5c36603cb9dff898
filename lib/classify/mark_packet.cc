// The packet gets its flow's mark, or there is a reason why not.
#include <optional>

#include "classify/classifier_impl.h"
#include "mark/marker.h"
#include "net/protocol.h"

namespace flowmark {

// True if the packet was changed.
bool Classifier::Impl::mark(const FlowEntry& entry, const Packet& packet,
                            const ParsedPacket& p) noexcept {
  const Dscp present = p.traffic_class >> 2;
  if (options.mark_mode == MarkMode::report) return skip(MarkSkip::report_only);
  if (options.mark_mode == MarkMode::unmarked && present != dscp::kDefault) {
    return skip(present == entry.mark ? MarkSkip::already_right : MarkSkip::already_marked);
  }
  std::optional<Dscp> wanted = entry.mark;
  if (const LiveMark live = live_mark_of(entry.mark); live != LiveMark::none) {
    const Admission::Answer answer = admit(entry, live, packet, p);
    if (answer == Admission::Answer::measuring) return skip(MarkSkip::measuring);
    if (answer == Admission::Answer::refused) {
      wanted = options.fallback_mark;
      if (!wanted || present == *wanted) return skip(MarkSkip::ef_guard);
    }
  }
  if (present == *wanted) return skip(MarkSkip::already_right);
  write_dscp(packet, p, *wanted);
  counters.marked[*wanted].add();
  return true;
}

bool Classifier::Impl::skip(MarkSkip reason) noexcept {
  counters.mark_skipped[static_cast<size_t>(reason)].add();
  return false;
}

// Also packets that came with the right mark are asked for: whoever sets it himself has no more of
// it than others.
Admission::Answer Classifier::Impl::admit(const FlowEntry& entry, LiveMark mark,
                                          const Packet& packet, const ParsedPacket& p) noexcept {
  if (p.key.protocol == kProtoIcmp || p.key.protocol == kProtoIcmpV6) {
    counters.demoted[static_cast<size_t>(Refusal::icmp)].add();
    return Admission::Answer::refused;
  }
  return admission.ask({.flow = table.hash_of(p.key),
                        .mark = mark,
                        .host = (entry.flags & kUpIsA) != 0 ? &p.key.a : &p.key.b,
                        .bytes = packet.wire_length,
                        .time_us = packet.time_us});
}

}  // namespace flowmark

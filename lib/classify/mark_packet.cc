// The packet gets its flow's mark, or there is a reason why not.
#include <algorithm>
#include <optional>

#include "classify/classifier_impl.h"
#include "mark/marker.h"
#include "mark/pcp.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

static_assert(kNoMark == MarkNumbers::kNone && kNoMark == MarkNumbers::kAsItCame);

bool goes_up(const FlowEntry& entry, const ParsedPacket& p) noexcept {
  return p.from_a == ((entry.flags & kUpIsA) != 0);
}

bool is_trusted(const FlowEntry& entry, const ParsedPacket& p) noexcept {
  return (entry.flags & (p.from_a ? kTrustA : kTrustB)) != 0;
}

}  // namespace

// True if the packet was changed.
bool Classifier::Impl::mark(FlowId id, const Packet& packet, const ParsedPacket& p) noexcept {
  const FlowEntry& entry = table[id];
  if (entry.mark == kNoMark) return wash(packet, p, is_trusted(entry, p));
  const MarkNumbers::Entry& marks = set->numbers()[entry.mark];
  const uint8_t flows = goes_up(entry, p) ? marks.to_wan : marks.to_lan;
  if (flows == MarkNumbers::kAsItCame || leaves(p, is_trusted(entry, p), flows)) return false;
  if (live_mark_of(flows) != LiveMark::none) {
    const Admission::Answer answer = admit(id, marks.live, packet, p);
    news.admission(id, answer, packet.time_us);
    if (answer == Admission::Answer::measuring) return skip(MarkSkip::measuring);
    if (answer == Admission::Answer::refused) {
      const std::optional<Dscp> fallback = set->marking().fallback;
      return fallback ? write(packet, p, *fallback, MarkSkip::ef_guard) : skip(MarkSkip::ef_guard);
    }
  }
  return write(packet, p, flows, MarkSkip::already_right);
}

// A packet without a verdict.
bool Classifier::Impl::wash(const Packet& packet, const ParsedPacket& p, bool trusted) noexcept {
  const std::optional<Dscp> wash = set->marking().wash;
  if (!wash || leaves(p, trusted, *wash)) return false;
  return write(packet, p, *wash, MarkSkip::already_right);
}

// A packet for whose flow the table had no room.
bool Classifier::Impl::wash_unknown(const Packet& packet, const ParsedPacket& p) noexcept {
  if (!set->marking().wash) return false;
  if (set->policies() != nullptr) {
    const bool up = up_is_a(packet, p);
    const PolicyPlace place = find_policy(packet, p, up, opener_by(p, up));
    if (set->effect_of(place).mark == MarkNumbers::kKeep) return false;
  }
  return wash(packet, p, contains(set->marking().trusted, p.from_a ? p.key.a : p.key.b));
}

// Whether the packet stays as it came by the configuration; counted if so.
bool Classifier::Impl::leaves(const ParsedPacket& p, bool trusted, uint8_t wanted) noexcept {
  const Dscp present = p.traffic_class >> 2;
  const MarkMode mode = set->marking().mode;
  if (mode == MarkMode::report) {
    skip(MarkSkip::report_only);
    return true;
  }
  if (present == dscp::kDefault || (mode == MarkMode::always && !trusted)) return false;
  skip(present == wanted ? MarkSkip::already_right
       : trusted         ? MarkSkip::trusted
                         : MarkSkip::already_marked);
  return true;
}

bool Classifier::Impl::write(const Packet& packet, const ParsedPacket& p, Dscp wanted,
                             MarkSkip if_right) noexcept {
  const bool tagged = set->marking().pcp && write_pcp(packet, pcp_of(wanted));
  if (p.traffic_class >> 2 == wanted) {
    skip(if_right);
    return tagged;
  }
  write_dscp(packet, p, wanted);
  counters.marked[wanted].add();
  return true;
}

bool Classifier::Impl::skip(MarkSkip reason) noexcept {
  counters.mark_skipped[static_cast<size_t>(reason)].add();
  return false;
}

// Also packets that came with the right mark are asked for: whoever sets it himself has no more of
// it than others.
Admission::Answer Classifier::Impl::admit(FlowId id, LiveMark mark, const Packet& packet,
                                          const ParsedPacket& p) noexcept {
  const FlowEntry& entry = table[id];
  if (p.key.protocol == kProtoIcmp || p.key.protocol == kProtoIcmpV6) {
    counters.demoted[static_cast<size_t>(Refusal::icmp)].add();
    return Admission::Answer::refused;
  }
  const Admission::Packet asked{.flow = table.hash_of(p.key),
                                .mark = mark,
                                .host = (entry.flags & kUpIsA) != 0 ? &p.key.a : &p.key.b,
                                .bytes = packet.wire_length,
                                .time_us = packet.time_us,
                                .caps = caps_of(id, packet, p)};
  const Admission::Answer answer = admission.ask(asked);
  if (answer != Admission::Answer::measuring || entry.state == nullptr) return answer;
  const auto& state = *static_cast<const FlowState*>(entry.state);
  return admission.count_past(asked, {.began_us = state.start_us, .bytes = state.total_bytes()});
}

}  // namespace flowmark

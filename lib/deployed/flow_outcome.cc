#include "deployed/flow_outcome.h"

namespace flowmark {
namespace {

Fate fate_of(std::string_view class_name, const std::string& truth) {
  if (class_name.empty()) return Fate::none;
  return class_name == truth ? Fate::right : Fate::wrong;
}

Fate fate_of(Dscp left, Dscp wanted) {
  if (left == wanted) return Fate::right;
  return left == dscp::kDefault ? Fate::none : Fate::wrong;
}

}  // namespace

void Traffic::add(const Traffic& other) {
  for (size_t fate = 0; fate < kFates; ++fate) {
    packets[fate] += other.packets[fate];
    bytes[fate] += other.bytes[fate];
  }
}

FlowOutcome judge_flow(const RecordedFlow& flow, const std::string& class_name,
                       const Deployment& deployment) {
  FlowOutcome outcome;
  const MarkPair pair = marks_of_class(deployment.marking, class_name);
  uint64_t packets = 0;
  play_flow(flow, deployment, [&](const PlayedPacket& packet) {
    const bool up = packet.direction == Direction::up;
    const Dscp wanted = (up ? pair.to_wan : pair.to_lan).value_or(dscp::kDefault);
    const Moment now{packets++, packet.time_us - flow.packets.front().time_us};
    outcome.at_end = fate_of(packet.class_name, class_name);
    if (outcome.class_at_end != packet.class_name) outcome.class_at_end = packet.class_name;
    outcome.by_class.add(outcome.at_end, packet.size);
    outcome.by_treatment.add(fate_of(packet.mark, wanted), packet.size);
    ++outcome.marks[{wanted, packet.mark}];
    if (outcome.at_end == Fate::right && !outcome.first_right) outcome.first_right = now;
    if (outcome.at_end != Fate::wrong) return;
    if (!outcome.first_wrong) outcome.first_wrong = now;
    outcome.last_wrong = now;
  });
  return outcome;
}

}  // namespace flowmark

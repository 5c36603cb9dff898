#include "data/augment.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/impair.h"
#include "data/other_network.h"

namespace flowmark {
namespace {

constexpr Augmentation kAll[] = {Augmentation::change_rtt, Augmentation::time_shift,
                                 Augmentation::packet_loss, Augmentation::impairment,
                                 Augmentation::other_network};
constexpr TimeUs kShift = kUsPerSecond;
constexpr TimeUs kLoss = 100 * kUsPerMs;

RecordedFlow without_packets(const RecordedFlow& flow) {
  RecordedFlow out;
  out.name = flow.name;
  out.label = flow.label;
  return out;
}

TimeUs rounded(double us) {
  return static_cast<TimeUs>(std::llround(us));
}

/// Knows a direction's first packet when it comes by.
class Beginnings {
 public:
  bool is_first(const FlowPacket& packet) {
    bool& seen = seen_[static_cast<size_t>(packet.direction)];
    const bool first = !seen;
    seen = true;
    return first;
  }

 private:
  bool seen_[2] = {false, false};
};

FlowPacket place_holder(FlowPacket packet) {
  packet.size = 0;
  return packet;
}

}  // namespace

RecordedFlow change_rtt(const RecordedFlow& flow, double factor) {
  if (!(factor > 0) || !std::isfinite(factor)) {
    fail("change of round-trip time by a factor of {}, must be positive", factor);
  }
  RecordedFlow out = flow;
  for (FlowPacket& packet : out.packets) {
    const TimeUs start = flow.packets.front().time_us;
    packet.time_us = start + rounded(static_cast<double>(packet.time_us - start) * factor);
  }
  return out;
}

RecordedFlow shift_time(const RecordedFlow& flow, TimeUs shift_us) {
  RecordedFlow out = without_packets(flow);
  TimeUs begin[2] = {0, 0};
  Beginnings beginnings;
  std::vector<FlowPacket> holders;
  for (FlowPacket packet : flow.packets) {
    TimeUs& start = begin[static_cast<size_t>(packet.direction)];
    if (beginnings.is_first(packet)) {
      start = packet.time_us;
      holders.push_back(place_holder(packet));
    }
    packet.time_us += shift_us;
    if (packet.time_us >= start) {
      out.packets.push_back(packet);
    }
  }
  // Place holders before packets of the same time; the others keep their order.
  out.packets.insert(out.packets.begin(), holders.begin(), holders.end());
  std::stable_sort(out.packets.begin(), out.packets.end(),
                   [](const FlowPacket& a, const FlowPacket& b) { return a.time_us < b.time_us; });
  return out;
}

RecordedFlow lose_packets(const RecordedFlow& flow, TimeUs from_us, TimeUs to_us) {
  RecordedFlow out = without_packets(flow);
  Beginnings beginnings;
  for (const FlowPacket& packet : flow.packets) {
    const TimeUs at = packet.time_us - flow.packets.front().time_us;
    const bool first = beginnings.is_first(packet);
    if (at < from_us || at > to_us) {
      out.packets.push_back(packet);
    } else if (first) {
      out.packets.push_back(place_holder(packet));
    }
  }
  return out;
}

const char* to_string(Augmentation kind) noexcept {
  switch (kind) {
    case Augmentation::change_rtt:
      return "change-rtt";
    case Augmentation::time_shift:
      return "time-shift";
    case Augmentation::packet_loss:
      return "packet-loss";
    case Augmentation::impairment:
      return "impairment";
    case Augmentation::other_network:
      return "other-network";
  }
  return "?";
}

Augmentation parse_augmentation(const std::string& name, const std::string& where) {
  std::string names;
  for (const Augmentation kind : kAll) {
    if (name == to_string(kind)) {
      return kind;
    }
    names += (names.empty() ? "" : ", ") + std::string(to_string(kind));
  }
  fail("{}: no augmentation '{}', must be one of {}", where, name, names);
}

RecordedFlow augment(const RecordedFlow& flow, Augmentation kind, TimeUs within_us,
                     const KeyedRandom& random) {
  if (flow.packets.empty()) {
    return flow;
  }
  const double chance = random.uniform(0);
  switch (kind) {
    case Augmentation::change_rtt:
      return change_rtt(flow, 0.5 + chance);
    case Augmentation::time_shift:
      return shift_time(flow, rounded((2 * chance - 1) * static_cast<double>(kShift)));
    case Augmentation::impairment:
      return impair(flow, random_impairment(random), random);
    case Augmentation::other_network: {
      const RecordedFlow changed = change_network(flow, random_network(flow, random), random);
      if (changed.packets.empty() || chance < 0.5) return changed;
      return impair(changed, random_impairment(random), random);
    }
    case Augmentation::packet_loss:
      break;
  }
  TimeUs span = flow.packets.back().time_us - flow.packets.front().time_us;
  if (within_us > 0) {
    span = std::min(span, within_us);
  }
  const TimeUs moment = rounded(chance * static_cast<double>(span));
  return lose_packets(flow, moment - kLoss, moment + kLoss);
}

}  // namespace flowmark

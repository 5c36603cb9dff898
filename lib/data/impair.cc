#include "data/impair.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/read_number.h"

namespace flowmark {
namespace {

/// Uses of a flow's random numbers; each has numbers of its own for every packet.
enum Use : uint64_t { kLost, kRunEnds, kDoubled, kExchanged, kFirstReading, kAmounts };

/// Gilbert's model: in a run of losses every packet is lost, outside of it none. The run's length
/// is geometric.
std::vector<FlowPacket> lose(const std::vector<FlowPacket>& packets, const Impairment& how,
                             const KeyedRandom& random) {
  // In the long run a share `loss` of the packets lies in runs of `loss_run`.
  const double enter = std::min(1.0, how.loss / (how.loss_run * (1 - how.loss)));
  std::vector<FlowPacket> kept;
  kept.reserve(packets.size());
  bool losing = false;
  for (size_t i = 0; i < packets.size(); ++i) {
    losing = losing ? random.sub(kRunEnds).uniform(i) >= 1 / how.loss_run
                    : random.sub(kLost).uniform(i) < enter;
    if (!losing) kept.push_back(packets[i]);
  }
  return kept;
}

std::vector<FlowPacket> duplicate(const std::vector<FlowPacket>& packets, double share,
                                  const KeyedRandom& random) {
  std::vector<FlowPacket> out;
  out.reserve(packets.size());
  for (size_t i = 0; i < packets.size(); ++i) {
    out.push_back(packets[i]);
    if (random.uniform(i) < share) out.push_back(packets[i]);
  }
  return out;
}

/// Two packets change places; the times of their arrival stay.
void reorder(std::vector<FlowPacket>& packets, double share, const KeyedRandom& random) {
  for (size_t i = 0; i + 1 < packets.size(); ++i) {
    if (random.uniform(i) >= share) continue;
    std::swap(packets[i], packets[i + 1]);
    std::swap(packets[i].time_us, packets[i + 1].time_us);
    ++i;
  }
}

/// Every packet waits for the next reading.
void cluster_times(std::vector<FlowPacket>& packets, TimeUs every_us, const KeyedRandom& random) {
  const auto offset = static_cast<TimeUs>(random.uniform(0) * static_cast<double>(every_us));
  for (FlowPacket& packet : packets) {
    const TimeUs since = packet.time_us - offset;
    packet.time_us = offset + (since + every_us - 1) / every_us * every_us;
  }
}

double number(std::string_view text, double least, double most, std::string_view name,
              const std::string& where) {
  double value = 0;
  if (!read_number(text, value) || !(value >= least && value <= most)) {
    fail("{}: {}={}, must be a number from {} to {}", where, name, text, least, most);
  }
  return value;
}

constexpr double kLongestReadingMs = 10'000;

void set(Impairment& out, std::string_view name, std::string_view value, const std::string& where) {
  if (name == "loss") {
    out.loss = number(value, 0, 0.99, name, where);
  } else if (name == "loss-run") {
    out.loss_run = number(value, 1, 1000, name, where);
  } else if (name == "duplicate") {
    out.duplicate = number(value, 0, 1, name, where);
  } else if (name == "reorder") {
    out.reorder = number(value, 0, 1, name, where);
  } else if (name == "read-every-ms") {
    out.read_every_us = static_cast<TimeUs>(
        std::llround(number(value, 0, kLongestReadingMs, name, where) * kUsPerMs));
  } else {
    fail("{}: no impairment '{}', must be one of loss, loss-run, duplicate, reorder, read-every-ms",
         where, name);
  }
}

}  // namespace

Impairment parse_impairment(const std::string& text, const std::string& where) {
  Impairment out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      fail("{}: '{}', must be NAME=NUMBER, such as loss=0.05", where, part);
    }
    set(out, part.substr(0, equals), part.substr(equals + 1), where);
  }
  return out;
}

RecordedFlow impair(const RecordedFlow& flow, const Impairment& how, const KeyedRandom& random) {
  RecordedFlow out = flow;
  if (how.reorder > 0) reorder(out.packets, how.reorder, random.sub(kExchanged));
  if (how.duplicate > 0) out.packets = duplicate(out.packets, how.duplicate, random.sub(kDoubled));
  if (how.loss > 0) out.packets = lose(out.packets, how, random);
  if (how.read_every_us > 0) {
    cluster_times(out.packets, how.read_every_us, random.sub(kFirstReading));
  }
  return out;
}

Impairment random_impairment(const KeyedRandom& random) {
  const KeyedRandom amounts = random.sub(kAmounts);
  const auto up_to = [&](uint64_t index, double most) {
    constexpr double kNone = 0.25;
    return most * std::max(0.0, amounts.uniform(index) - kNone) / (1 - kNone);
  };
  Impairment out;
  out.loss = up_to(0, 0.1);
  out.loss_run = 1 + 7 * amounts.uniform(1);
  out.duplicate = up_to(2, 0.02);
  out.reorder = up_to(3, 0.05);
  constexpr double kDecades = 3;  // 10 us to 10 ms, every order of magnitude as often
  const double exponent = up_to(4, kDecades);
  out.read_every_us = exponent > 0 ? std::llround(10 * std::pow(10.0, exponent)) : 0;
  return out;
}

}  // namespace flowmark

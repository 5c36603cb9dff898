#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "deployed/play_flow.h"

namespace flowmark {

/// What became of a packet, or of a flow.
enum class Fate : uint8_t { right, wrong, none };
inline constexpr size_t kFates = 3;

/// Packets and bytes (IP total lengths), by fate.
struct Traffic {
  std::array<uint64_t, kFates> packets{};
  std::array<uint64_t, kFates> bytes{};

  void add(Fate fate, uint64_t packet_bytes) {
    ++packets[static_cast<size_t>(fate)];
    bytes[static_cast<size_t>(fate)] += packet_bytes;
  }
  void add(const Traffic& other);
};

/// A place in a flow.
struct Moment {
  uint64_t packets = 0;  ///< before it
  TimeUs us = 0;         ///< since the flow's first packet
};

/// How one flow fared with a deployment.
struct FlowOutcome {
  /// By class: right while the flow's own class stands as its verdict, none while none stands.
  Traffic by_class;
  /// By what left: right with the mark of the flow's class, none with DF in its place.
  Traffic by_treatment;
  Fate at_end = Fate::none;  ///< by class, when the last packet left
  std::string class_at_end;  ///< its verdict then; empty: none
  std::optional<Moment> first_right, first_wrong, last_wrong;  ///< by class
  /// Packets by the mark that their class is to get, and the one that they left with.
  std::map<std::pair<Dscp, Dscp>, uint64_t> marks;
};

/// Plays a flow of this class. A class that the configuration does not mark is to leave as DF.
FlowOutcome judge_flow(const RecordedFlow& flow, const std::string& class_name,
                       const Deployment& deployment);

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <string>

#include "base/keyed_random.h"
#include "window/offline_windows.h"

namespace flowmark {

/// Changes to a recorded flow as another network might have caused them (Horowicz et al., "A Few
/// Shots Traffic Classification with mini-FlowPic Augmentations", IMC 2022, 3.2). Each returns a
/// copy; name, label and order of packets stay.

/// Change of round-trip time: all times since the flow's first packet are multiplied.
RecordedFlow change_rtt(const RecordedFlow& flow, double factor);

/// Time shift, for pictures: in each direction all packets come so much later, or earlier, seen
/// from the direction's beginning. What would come before that is left out; its place, or that of
/// packets that are now late, is held by a packet of size 0, which no picture shows.
RecordedFlow shift_time(const RecordedFlow& flow, TimeUs shift_us);

/// Packet loss: packets from `from_us` to `to_us` after the flow's first one, both included, are
/// left out; a direction's first packet leaves one of size 0 behind as above.
RecordedFlow lose_packets(const RecordedFlow& flow, TimeUs from_us, TimeUs to_us);

enum class Augmentation : uint8_t {
  change_rtt,
  time_shift,
  packet_loss,
  impairment,
  other_network
};
/// "change-rtt", "time-shift", "packet-loss", "impairment", "other-network".
const char* to_string(Augmentation kind) noexcept;
/// Throws Error listing the names, beginning with `where`.
Augmentation parse_augmentation(const std::string& name, const std::string& where);

/// A copy changed by a random amount, as in the paper: a factor in [0.5, 1.5); a shift in [-1, 1)
/// s; a loss of 0.1 s before and after a moment of the flow's first `within_us` (0: of all of it).
/// An impairment is drawn by random_impairment (data/impair.h), another network by random_network
/// (data/other_network.h), every other one of them impaired too.
/// The same for the same `random`.
RecordedFlow augment(const RecordedFlow& flow, Augmentation kind, TimeUs within_us,
                     const KeyedRandom& random);

}  // namespace flowmark

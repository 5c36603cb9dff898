#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "feature/sparse_window.h"
#include "window/offline_windows.h"

namespace flowmark::reference {

using Packets = std::vector<FlowPacket>;
using Counts = std::map<uint32_t, uint32_t>;  ///< by index in the tensor

/// The scalar specification of the features: everything is computed anew from the list of packets,
/// as the definitions in flowpic.h and histogram.h say, with 64-bit times and no state.

/// Times that run back stand still.
Packets in_order(Packets packets);

Packets of_direction(const Packets& packets, Direction direction);

/// The picture of [start, start + window) from packets of one direction.
Counts picture(const Packets& packets, TimeUs start_us, const PictureSpec& spec);

/// The picture that slides along with a direction's packets, when the last of them has come.
Counts sliding_picture(const Packets& packets, const PictureSpec& spec);

/// The histogram of packets [begin, end) of a flow.
Counts histogram(const Packets& flow, size_t begin, size_t end, const FeatureSpec& spec);

/// Where the window that slides along with a flow begins when packet end - 1 has come.
size_t window_begin(const Packets& flow, size_t end, const HistogramSpec& spec);

uint32_t total(const Counts& counts);
SparseWindow values(const Counts& counts, ValueKind kind, uint32_t packets);

/// What random_flow is to be like.
struct Shape {
  size_t packets = 3000;
  double mean_gap_us = 20000;
  double pause_chance = 0.002;  ///< of a gap of up to a minute and a half
  double back_chance = 0;       ///< of a step back
  double ack_chance = 0.2;
  bool only_up = false;
  bool odd_sizes = false;  ///< 0, 65535 and the like
};
Packets random_flow(uint64_t seed, const Shape& shape);

}  // namespace flowmark::reference

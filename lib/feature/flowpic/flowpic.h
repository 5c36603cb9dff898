#pragma once

#include <cstdint>

#include "feature/feature_spec.h"

namespace flowmark {

/// FlowPic (Shapira & Shavitt 2019, III.B): one direction of a flow, arrival time by packet size.
/// column = floor((t - window start) * time_bins / window), row = floor((size - 1) * size_bins /
/// max_size), both from 0. Packets larger than max_size (or of size 0) are left out. The tensor is
/// [1, 1, size_bins, time_bins]. Values: count, binary or log1p.
struct PictureSpec {
  TimeUs window_us = 60 * kUsPerSecond;  ///< 10 ms to 1 h
  uint32_t time_bins = 1500;             ///< 1 to 4096
  uint32_t size_bins = 1500;             ///< 1 to 4096
  uint32_t max_size = 1500;              ///< bytes, 1 to 65535

  friend bool operator==(const PictureSpec&, const PictureSpec&) = default;
};

/// The specification of such pictures. Not checked yet.
FeatureSpec flowpic(const PictureSpec& spec, ValueKind values = ValueKind::count);
/// The numbers of a specification of this kind. Throws Error if it is of another.
const PictureSpec& picture_of(const FeatureSpec& spec);

/// For the list of kinds.
FeatureKind flowpic_kind();

/// Cuts one flow's pictures of one direction, after the other's: see Feature::cut.
void cut_pictures(const RecordedFlow& flow, Direction direction, const PictureSpec& spec,
                  ValueKind values, const TilingOptions& options, const TakeWindow& take);
/// Pictures of live flows: a SlidingPicture for each direction.
std::unique_ptr<const LiveFeature> live_pictures(const PictureSpec& spec, ValueKind values);

}  // namespace flowmark

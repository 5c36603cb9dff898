// Pictures of recorded flows, through the pictures of live ones.
#include <algorithm>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"
#include "feature/flowpic/picture_reader.h"
#include "feature/flowpic/sliding_picture.h"
#include "feature/tiles.h"

namespace flowmark {
namespace {

/// More than one picture ever needs, while blocks are copied to larger ones too.
constexpr size_t kPoolBytes = 8 * BlockPool::kMaxBlock;

/// Adds up the elements of the same index.
void merge(SparseWindow& parts) {
  std::stable_sort(parts.begin(), parts.end(),
                   [](const SparseValue& a, const SparseValue& b) { return a.index < b.index; });
  size_t kept = 0;
  for (const SparseValue& part : parts) {
    if (kept > 0 && parts[kept - 1].index == part.index) {
      parts[kept - 1].value += part.value;
    } else {
      parts[kept++] = part;
    }
  }
  parts.resize(kept);
}

/// Makes pictures of counts, in parts where there are more pixels than a live picture takes.
class PictureCutter {
 public:
  explicit PictureCutter(const PictureSpec& spec)
      : tables_(spec, ValueKind::count), pool_(kPoolBytes) {}

  /// Replaces the window's features and number of packets.
  void cut(const std::vector<FlowPacket>& packets, const Tile& tile, OfflineWindow& window) {
    SlidingPicture picture;
    picture.set_origin(0);
    window.packets = 0;
    window.features.clear();
    for (size_t i = tile.begin; i < tile.end; ++i) {
      if (picture.pixels() == SlidingPicture::kMaxPixels) take_part(picture, window);
      const auto time_us = static_cast<uint64_t>(packets[i].time_us - tile.start_us);
      if (picture.append(time_us, packets[i].size, tables_, pool_) != AppendResult::ok) {
        fail("no memory for the picture of a flow");
      }
    }
    take_part(picture, window);
    if (window.features.size() != part_.size()) merge(window.features);
  }

 private:
  void take_part(SlidingPicture& picture, OfflineWindow& window) {
    picture.copy_to(reader_, tables_);
    while (!reader_.step(UINT32_MAX, part_)) {
    }
    window.packets += picture.packets();
    window.features.insert(window.features.end(), part_.begin(), part_.end());
    picture.clear_pixels(pool_);
  }

  PictureTables tables_;
  BlockPool pool_;
  PictureReader reader_;
  SparseWindow part_;
};

}  // namespace

void cut_pictures(const RecordedFlow& flow, Direction direction, const PictureSpec& spec,
                  ValueKind values, const TilingOptions& options, const TakeWindow& take) {
  const std::vector<FlowPacket> packets = packets_in_order(flow, &direction);
  if (packets.empty()) return;
  PictureCutter cutter(spec);
  TimeUs window_us = spec.window_us;
  const TimeUs hop_us = options.hop_us > 0 ? options.hop_us : window_us;
  if (options.prefix_us > 0) window_us = std::min(window_us, options.prefix_us);
  TimeTiles tiles(packets, window_us, hop_us, options.min_packets > 0);
  OfflineWindow window;
  window.side = direction == Direction::up ? OfflineWindow::Side::up : OfflineWindow::Side::down;
  for (Tile tile; tiles.next(tile);) {
    if (options.prefix_packets > 0) {
      tile.end = std::min(tile.end, tile.begin + options.prefix_packets);
    }
    window.start_us = tile.start_us;
    window.number = tile.number;
    window.span_us = span_of(packets, tile);
    cutter.cut(packets, tile, window);
    for (SparseValue& element : window.features) {
      element.value = feature_value(values, static_cast<uint32_t>(element.value), window.packets);
    }
    if (window.packets >= options.min_packets) take(window);
    if (options.is_prefix()) return;
  }
}

}  // namespace flowmark

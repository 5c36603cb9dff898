// Pictures of live flows.
#include <array>
#include <new>
#include <type_traits>

#include "feature/flowpic/flowpic.h"
#include "feature/flowpic/picture_reader.h"
#include "feature/flowpic/sliding_picture.h"
#include "feature/live_feature.h"

namespace flowmark {
namespace {

/// What a flow keeps: a picture for each direction.
using Pictures = std::array<SlidingPicture, 2>;
static_assert(std::is_trivially_destructible_v<Pictures>);
static_assert(alignof(Pictures) <= alignof(void*));

class LivePictures final : public LiveFeature {
 public:
  LivePictures(const PictureSpec& spec, ValueKind values) : tables_(spec, values) {}

  size_t state_bytes() const noexcept override { return sizeof(Pictures); }
  size_t most_values() const noexcept override { return SlidingPicture::kMaxPixels; }
  bool draws() const noexcept override { return true; }
  void create(void* state, const FlowFacts& /*facts*/) const noexcept override {
    new (state) Pictures();
  }
  void destroy(void* state, BlockPool& pool) const noexcept override {
    for (SlidingPicture& picture : of(state)) picture.destroy(pool);
  }

  AppendResult draw(void* state, const RecordRing& ring, uint32_t begin, uint32_t count,
                    uint64_t before_us, BlockPool& pool) const noexcept override {
    Pictures& pictures = of(state);
    AppendResult worst = AppendResult::ok;
    uint64_t time_us = before_us;
    for (uint32_t i = begin; i < begin + count; ++i) {
      const PacketRecord& record = ring[i];
      time_us += record.time_us - static_cast<uint32_t>(time_us);
      worst =
          std::max(worst, pictures[record.direction].append(time_us, record.size, tables_, pool));
    }
    return worst;
  }

  uint32_t packets(const void* state, Direction direction,
                   const RecordRing& /*ring*/) const noexcept override {
    return of(state)[static_cast<size_t>(direction)].packets();
  }
  uint32_t begin_read(const void* state, Direction direction, const RecordRing& /*ring*/,
                      FeatureReader& reader) const noexcept override {
    const SlidingPicture& picture = of(state)[static_cast<size_t>(direction)];
    picture.copy_to(static_cast<PictureReader&>(reader), tables_);
    return picture.packets();
  }
  std::unique_ptr<FeatureReader> make_reader() const override {
    return std::make_unique<PictureReader>();
  }

 private:
  static Pictures& of(void* state) noexcept { return *std::launder(static_cast<Pictures*>(state)); }
  static const Pictures& of(const void* state) noexcept {
    return *std::launder(static_cast<const Pictures*>(state));
  }

  PictureTables tables_;
};

}  // namespace

std::unique_ptr<const LiveFeature> live_pictures(const PictureSpec& spec, ValueKind values) {
  return std::make_unique<LivePictures>(spec, values);
}

}  // namespace flowmark

// Histograms of live flows by seconds alone.
#include <algorithm>
#include <new>
#include <type_traits>

#include "feature/histogram/histogram.h"
#include "feature/histogram/sliced_histogram.h"
#include "feature/histogram/sliced_reader.h"
#include "feature/live_feature.h"

namespace flowmark {
namespace {

static_assert(std::is_trivially_destructible_v<SlicedHistogram>);
static_assert(alignof(SlicedHistogram) <= alignof(void*));

class LiveSlicedHistogram final : public LiveFeature {
 public:
  LiveSlicedHistogram(const HistogramSpec& spec, ValueKind values) : tables_(spec, values) {}

  size_t state_bytes() const noexcept override { return sizeof(SlicedHistogram); }
  size_t most_values() const noexcept override { return tables_.length; }
  bool draws() const noexcept override { return true; }
  void create(void* state, const FlowFacts& /*facts*/) const noexcept override {
    new (state) SlicedHistogram();
  }
  void destroy(void* state, BlockPool& pool) const noexcept override {
    of(state).destroy(tables_, pool);
  }

  AppendResult draw(void* state, const RecordRing& ring, uint32_t begin, uint32_t count,
                    uint64_t before_us, BlockPool& pool) const noexcept override {
    const uint32_t first = (ring.next - ring.count + begin) & (ring.capacity - 1);
    const uint32_t until_end = std::min(count, ring.capacity - first);
    const std::span older(ring.records + first, until_end);
    const AppendResult result = of(state).draw(older, before_us, tables_, pool);
    if (until_end == count) return result;
    for (const PacketRecord& record : older) {
      before_us += record.time_us - static_cast<uint32_t>(before_us);
    }
    return std::max(result,
                    of(state).draw({ring.records, count - until_end}, before_us, tables_, pool));
  }

  uint32_t packets(const void* state, Direction /*direction*/,
                   const RecordRing& /*ring*/) const noexcept override {
    return of(state).packets();
  }
  uint32_t begin_read(const void* state, Direction /*direction*/, const RecordRing& /*ring*/,
                      FeatureReader& reader) const noexcept override {
    return of(state).copy_to(static_cast<SlicedReader&>(reader), tables_);
  }
  std::unique_ptr<FeatureReader> make_reader() const override {
    return std::make_unique<SlicedReader>(tables_.length);
  }

 private:
  static SlicedHistogram& of(void* state) noexcept {
    return *std::launder(static_cast<SlicedHistogram*>(state));
  }
  static const SlicedHistogram& of(const void* state) noexcept {
    return *std::launder(static_cast<const SlicedHistogram*>(state));
  }

  HistogramTables tables_;
};

}  // namespace

std::unique_ptr<const LiveFeature> live_sliced_histogram(const HistogramSpec& spec,
                                                         ValueKind values) {
  return std::make_unique<LiveSlicedHistogram>(spec, values);
}

}  // namespace flowmark

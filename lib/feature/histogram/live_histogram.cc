// Histograms of live flows.
#include <new>
#include <type_traits>

#include "feature/histogram/histogram.h"
#include "feature/histogram/histogram_reader.h"
#include "feature/histogram/sliding_histogram.h"
#include "feature/live_feature.h"

namespace flowmark {
namespace {

static_assert(std::is_trivially_destructible_v<SlidingHistogram>);
static_assert(alignof(SlidingHistogram) <= alignof(void*));

class LiveHistogram final : public LiveFeature {
 public:
  LiveHistogram(const HistogramSpec& spec, ValueKind values) : tables_(spec, values) {}

  size_t state_bytes() const noexcept override { return sizeof(SlidingHistogram); }
  size_t most_values() const noexcept override { return tables_.most_bins; }
  void create(void* state, const FlowFacts& /*facts*/) const noexcept override {
    new (state) SlidingHistogram();
  }

  void added(void* state, uint32_t count, uint32_t held) const noexcept override {
    of(state).added(count, held, tables_);
  }
  void leave(void* state, std::span<const PacketRecord> records) const noexcept override {
    of(state).leave(records, tables_);
  }

  uint32_t packets(const void* state, Direction /*direction*/,
                   const RecordRing& ring) const noexcept override {
    return of(state).packets(ring, tables_);
  }
  uint32_t begin_read(const void* state, Direction /*direction*/, const RecordRing& ring,
                      FeatureReader& reader) const noexcept override {
    return of(state).copy_to(static_cast<HistogramReader&>(reader), ring, tables_);
  }
  std::unique_ptr<FeatureReader> make_reader() const override {
    return std::make_unique<HistogramReader>(tables_.length);
  }

 private:
  static SlidingHistogram& of(void* state) noexcept {
    return *std::launder(static_cast<SlidingHistogram*>(state));
  }
  static const SlidingHistogram& of(const void* state) noexcept {
    return *std::launder(static_cast<const SlidingHistogram*>(state));
  }

  HistogramTables tables_;
};

}  // namespace

std::unique_ptr<const LiveFeature> live_histogram(const HistogramSpec& spec, ValueKind values) {
  return std::make_unique<LiveHistogram>(spec, values);
}

}  // namespace flowmark

// The numbers of live flows.
#include <algorithm>
#include <new>
#include <type_traits>

#include "feature/live_feature.h"
#include "feature/numbers/numbers_reader.h"

namespace flowmark {
namespace {

static_assert(std::is_trivially_destructible_v<FlowCounts>);
static_assert(std::is_trivially_destructible_v<StretchCounts>);
static_assert(alignof(FlowCounts) <= alignof(void*) && alignof(StretchCounts) <= alignof(void*));
static_assert(sizeof(FlowCounts) % alignof(StretchCounts) == 0);

/// A state is the flow's FlowCounts, behind it its StretchCounts.
class LiveNumbers final : public LiveFeature {
 public:
  explicit LiveNumbers(const FlowNumbersSpec& spec) : tables_(spec) {}

  size_t state_bytes() const noexcept override {
    return sizeof(FlowCounts) + tables_.stretches() * sizeof(StretchCounts);
  }
  size_t most_values() const noexcept override { return kFirstSizes + 2 * tables_.first; }
  bool draws() const noexcept override { return true; }
  void create(void* state, const FlowFacts& /*facts*/) const noexcept override {
    new (state) FlowCounts();
    auto* behind = static_cast<std::byte*>(state) + sizeof(FlowCounts);
    for (size_t i = 0; i < tables_.stretches(); ++i) {
      new (behind + i * sizeof(StretchCounts)) StretchCounts();
    }
  }

  AppendResult draw(void* state, const RecordRing& ring, uint32_t begin, uint32_t count,
                    uint64_t before_us, BlockPool& /*pool*/) const noexcept override {
    auto& flow = *std::launder(static_cast<FlowCounts*>(state));
    const std::span stretches(stretches_behind<StretchCounts>(&flow), tables_.stretches());
    uint64_t time_us = before_us;
    for (uint32_t i = begin; i < begin + count; ++i) {
      time_us += ring[i].time_us - static_cast<uint32_t>(time_us);
      flow.add(ring[i], time_us, tables_, stretches);
    }
    return AppendResult::ok;
  }

  uint32_t packets(const void* state, Direction /*direction*/,
                   const RecordRing& /*ring*/) const noexcept override {
    return all_packets(stretches_of(state));
  }
  uint32_t begin_read(const void* state, Direction /*direction*/, const RecordRing& /*ring*/,
                      FeatureReader& reader) const noexcept override {
    const auto& flow = *std::launder(static_cast<const FlowCounts*>(state));
    const auto stretches = stretches_of(state);
    static_cast<NumbersReader&>(reader).begin(flow, stretches, tables_);
    return all_packets(stretches);
  }
  std::unique_ptr<FeatureReader> make_reader() const override {
    return std::make_unique<NumbersReader>();
  }

 private:
  template <typename Stretch, typename Flow>
  static Stretch* stretches_behind(Flow* flow) noexcept {
    return std::launder(reinterpret_cast<Stretch*>(flow + 1));
  }
  std::span<const StretchCounts> stretches_of(const void* state) const noexcept {
    return {stretches_behind<const StretchCounts>(static_cast<const FlowCounts*>(state)),
            tables_.stretches()};
  }
  static uint32_t all_packets(std::span<const StretchCounts> stretches) noexcept {
    uint64_t sum = 0;
    for (const StretchCounts& stretch : stretches) sum += stretch.all_packets();
    return static_cast<uint32_t>(std::min<uint64_t>(sum, UINT32_MAX));
  }

  NumbersTables tables_;
};

}  // namespace

std::unique_ptr<const LiveFeature> live_numbers(const FlowNumbersSpec& spec) {
  return std::make_unique<LiveNumbers>(spec);
}

}  // namespace flowmark

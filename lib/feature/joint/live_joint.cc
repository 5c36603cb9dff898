// The joint windows of live flows.
#include <algorithm>
#include <cstddef>

#include "feature/joint/joint.h"
#include "feature/joint/joint_reader.h"
#include "feature/live_feature.h"

namespace flowmark {
namespace {

constexpr size_t kStateAlign = alignof(void*);

size_t aligned_state(size_t bytes) noexcept {
  return (bytes + kStateAlign - 1) / kStateAlign * kStateAlign;
}

/// A state is the parts' states, one behind the other.
class LiveJoint final : public LiveFeature {
 public:
  explicit LiveJoint(const FeatureParts& parts) {
    uint32_t first = 0;
    for (const auto& part : parts) {
      parts_.push_back({part->live(), bytes_, first, part->length(), part->has_directions()});
      const LiveFeature& live = *parts_.back().live;
      bytes_ += aligned_state(live.state_bytes());
      most_values_ += live.most_values() * parts_.back().sides();
      draws_ |= live.draws();
      first += static_cast<uint32_t>(joint_length(*part));
    }
  }

  size_t state_bytes() const noexcept override { return bytes_; }
  size_t most_values() const noexcept override { return most_values_; }
  bool draws() const noexcept override { return draws_; }

  void create(void* state, const FlowFacts& facts) const noexcept override {
    for (const Part& part : parts_) part.live->create(part.of(state), facts);
  }
  void destroy(void* state, BlockPool& pool) const noexcept override {
    for (const Part& part : parts_) part.live->destroy(part.of(state), pool);
  }
  void added(void* state, uint32_t count, uint32_t held) const noexcept override {
    for (const Part& part : parts_) part.live->added(part.of(state), count, held);
  }
  void leave(void* state, std::span<const PacketRecord> records) const noexcept override {
    for (const Part& part : parts_) part.live->leave(part.of(state), records);
  }
  AppendResult draw(void* state, const RecordRing& ring, uint32_t begin, uint32_t count,
                    uint64_t before_us, BlockPool& pool) const noexcept override {
    AppendResult worst = AppendResult::ok;
    for (const Part& part : parts_) {
      if (!part.live->draws()) continue;
      worst = std::max(worst, part.live->draw(part.of(state), ring, begin, count, before_us, pool));
    }
    return worst;
  }

  uint32_t packets(const void* state, Direction /*direction*/,
                   const RecordRing& ring) const noexcept override {
    uint32_t most = 0;
    for (const Part& part : parts_) {
      uint32_t sum = 0;
      for (size_t side = 0; side < part.sides(); ++side) {
        sum += part.live->packets(part.of(state), static_cast<Direction>(side), ring);
      }
      most = std::max(most, sum);
    }
    return most;
  }
  uint32_t begin_read(const void* state, Direction /*direction*/, const RecordRing& ring,
                      FeatureReader& reader) const noexcept override {
    auto& all = static_cast<JointReader&>(reader);
    all.begin();
    uint32_t most = 0;
    size_t window = 0;
    for (const Part& part : parts_) {
      uint32_t sum = 0;
      for (size_t side = 0; side < part.sides(); ++side) {
        sum += part.live->begin_read(part.of(state), static_cast<Direction>(side), ring,
                                     all.of(window++));
      }
      most = std::max(most, sum);
    }
    return most;
  }
  std::unique_ptr<FeatureReader> make_reader() const override {
    size_t most = 0;
    for (const Part& part : parts_) most = std::max(most, part.live->most_values());
    auto all = std::make_unique<JointReader>(most);
    for (const Part& part : parts_) {
      for (uint32_t side = 0; side < part.sides(); ++side) {
        all->add(part.live->make_reader(), part.first + side * part.length);
      }
    }
    return all;
  }

 private:
  struct Part {
    std::unique_ptr<const LiveFeature> live;
    size_t offset = 0;    ///< of its state, bytes
    uint32_t first = 0;   ///< of its elements in the tensor
    uint32_t length = 0;  ///< elements of a window
    bool has_directions = false;

    size_t sides() const noexcept { return has_directions ? 2 : 1; }
    void* of(void* state) const noexcept { return static_cast<std::byte*>(state) + offset; }
    const void* of(const void* state) const noexcept {
      return static_cast<const std::byte*>(state) + offset;
    }
  };

  std::vector<Part> parts_;
  size_t bytes_ = 0;
  size_t most_values_ = 0;
  bool draws_ = false;
};

}  // namespace

std::unique_ptr<const LiveFeature> live_joint(const FeatureParts& parts) {
  return std::make_unique<LiveJoint>(parts);
}

}  // namespace flowmark

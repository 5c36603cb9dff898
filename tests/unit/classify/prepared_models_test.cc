// A worker takes prepared models over without allocating or freeing anything.
#include "classify/prepared_models.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

#include "classify/classifier.h"
#include "support/fake_model.h"

namespace {

thread_local uint64_t allocations = 0;  // and releases, of this thread

void* counted(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
void operator delete(void* memory) noexcept {
  ++allocations;
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  ++allocations;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  ++allocations;
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  ++allocations;
  std::free(memory);
}

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;

TEST(PreparedModels, AWorkerTakesThemOverWithoutAllocatingOrFreeing) {
  ClassifierOptions options;
  options.table.capacity = 256;
  options.window_memory_bytes = 1 << 20;
  WorkerCounters counters;
  Classifier classifier(options, counters, nullptr);
  for (uint64_t generation = 1; generation <= 20; ++generation) {
    // Another number of models, other classes and other windows each time.
    std::vector<ActiveModel> models;
    for (uint64_t slot = 0; slot <= generation % kMaxModels; ++slot) {
      const FeatureSpec input =
          slot % 2 == 0 ? histogram_spec(32 + static_cast<uint32_t>(generation)) : picture_spec();
      models.push_back(active(size_model(input, 500, {"small", std::to_string(generation)})));
    }
    const ModelSet set(generation, std::move(models));
    PreparedModels prepared(&set);
    const uint64_t before = allocations;
    classifier.use_models(prepared);
    EXPECT_EQ(allocations, before) << generation;
    classifier.use_models(nullptr);  // the set ends here
  }
}

class NoMemory final : public Engine {
 public:
  std::unique_ptr<EngineScratch> make_scratch() const override { throw std::bad_alloc(); }
  void begin(EngineScratch&, std::span<const SparseValue>) const noexcept override {}
  bool step(EngineScratch&, uint32_t) const noexcept override { return true; }
  std::span<const float> probabilities(const EngineScratch&) const noexcept override { return {}; }
  uint32_t input_length() const noexcept override { return 0; }
  uint32_t class_count() const noexcept override { return 2; }
  const char* kind() const noexcept override { return "none"; }
};

TEST(PreparedModels, ModelsWithoutRoomFailWhereTheyArePrepared) {
  const auto greedy = std::const_pointer_cast<Model>(size_model(histogram_spec()));
  greedy->engine = std::make_unique<NoMemory>();
  const ModelSet set(1, {active(greedy)});
  EXPECT_THROW(PreparedModels{&set}, std::bad_alloc);
}

}  // namespace
}  // namespace flowmark

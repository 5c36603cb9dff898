// Bytes choose a network of the accepted family and pictures for it: the sparse evaluation on every
// instruction set against the dense one.
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernel/kernels.h"
#include "model/engine/build_engine.h"
#include "model/engine/reference.h"
#include "tests/fuzz/expect.h"
#include "unit/model/network_maker.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::seed_seq seed(data, data + size);
  std::mt19937 random(seed);
  std::string text;
  const flowmark::NetworkPlan plan = flowmark::testing::random_network(random, &text);
  for (const uint32_t share : {0U, 1U, 10U, 100U}) {  // percent of the pixels
    flowmark::SparseWindow window;
    for (uint32_t i = 0; i < plan.inputs; ++i) {
      if (random() % 100 < share) window.push_back({i, static_cast<float>(1 + random() % 9)});
    }
    const auto expected = flowmark::reference_probabilities(plan, window);
    for (const flowmark::Kernels* kernels : flowmark::available_kernels()) {
      const auto engine = flowmark::build_engine(plan, *kernels);
      const auto scratch = engine->make_scratch();
      const auto got = engine->run(*scratch, window);
      expect(got.size() == expected.size(), "one probability a class");
      for (size_t c = 0; c < got.size(); ++c)
        expect(std::abs(got[c] - expected[c]) <= 2e-5, text.c_str());
    }
  }
  return 0;
}

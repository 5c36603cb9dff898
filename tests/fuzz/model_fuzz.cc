// Bytes as a model file: it is refused with an Error, or it runs.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/model.h"
#include "tests/fuzz/expect.h"

namespace {

constexpr uint32_t kMaxInputs = 1 << 16;  // more takes memory, not other code

/// Windows that the bytes choose: nothing, everything, and something in between.
void run(const flowmark::Model& model, const uint8_t* data, size_t size) {
  const flowmark::Engine& engine = *model.engine;
  const auto scratch = engine.make_scratch();
  for (const uint32_t step : {UINT32_MAX, 1U, 1U + data[size / 2], 1U + data[size - 1]}) {
    flowmark::SparseWindow window;
    for (uint64_t i = 0; i < engine.input_length() && step != UINT32_MAX; i += step) {
      window.push_back({static_cast<uint32_t>(i), static_cast<float>(1 + i % 7)});
    }
    engine.begin(*scratch, window);
    while (!engine.step(*scratch, 1000)) {
    }
    expect(engine.probabilities(*scratch).size() == model.classes.size(),
           "one probability a class");
    expect(engine.disagreement(*scratch) >= 0, "the parts disagree by nothing or more");
    flowmark::is_unfamiliar(model, *scratch);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto model = flowmark::load_model(
        std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.onnx");
    expect(model->engine->class_count() == model->classes.size(), "as many outputs as classes");
    expect(model->engine->input_length() == model->input.length(),
           "the input is the specified one");
    if (model->input.length() <= kMaxInputs) run(*model, data, size);
  } catch (const flowmark::Error& error) {
    expect(std::string_view(error.what()).starts_with("fuzz.onnx: "), "errors name the file");
  }
  return 0;
}

#include <algorithm>

#include "base/error.h"
#include "learn/cnn/net.h"
#include "learn/cnn/trainer.h"

namespace flowmark {
namespace {

constexpr size_t kBatch = 128;

}  // namespace

std::vector<float> cnn_probabilities(const CnnShape& shape, const CnnParameters& parameters,
                                     const ExampleSet& examples, std::span<const uint32_t> rows) {
  shape.check("network");
  parameters.check(shape, "network");
  if (examples.feature_count != shape.height * shape.width) {
    fail("examples of {} values, but the network reads pictures of {} x {}", examples.feature_count,
         shape.height, shape.width);
  }
  CnnNet net(shape, 1);
  AlignedVector<float> numbers(net.geometry().parameters);
  net.geometry().import(parameters, 1, numbers.data());
  net.set_parameters(numbers.data());
  std::vector<float> out;
  for (size_t i = 0; i < rows.size(); i += kBatch) {
    CnnBatch batch;
    const size_t size = std::min(kBatch, rows.size() - i);
    for (const uint32_t row : rows.subspan(i, size)) {
      batch.windows.push_back(examples.row(row));
      batch.labels.push_back(0);
    }
    net.evaluate(batch);
    for (size_t j = 0; j < size; ++j) {
      const std::span<const float> row = net.probabilities(j);
      out.insert(out.end(), row.begin(), row.end());
    }
  }
  return out;
}

void fold_temperature(CnnParameters& parameters, double temperature) {
  if (!(temperature > 0)) {
    fail("temperature {}, must be positive", temperature);
  }
  CnnParameters::Layer& last = parameters.dense.back();
  for (std::vector<float>* numbers : {&last.weights, &last.bias}) {
    for (float& number : *numbers) {
      number = static_cast<float>(static_cast<double>(number) / temperature);
    }
  }
}

}  // namespace flowmark

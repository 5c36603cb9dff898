#include "base/error.h"
#include "model/write/model_writer.h"
#include "model/write/onnx_builder.h"

namespace flowmark {

using namespace onnx_builder;

void write_quadratic_model(const std::filesystem::path& path, const ModelDescription& description,
                           const QuadraticParameters& parameters) {
  const size_t classes = description.classes.size();
  const size_t inputs = description.input.length();
  if (description.input.image()) {
    fail("{}: a quadratic model reads histograms, not pictures", path.string());
  }
  if (parameters.linear.size() != classes * inputs ||
      parameters.squared.size() != classes * inputs || parameters.intercepts.size() != classes) {
    fail("{}: {} and {} weights and {} intercepts do not make {} classes of {} features",
         path.string(), parameters.linear.size(), parameters.squared.size(),
         parameters.intercepts.size(), classes, inputs);
  }
  if (description.multilabel) {
    fail("{}: a multi-label quadratic model cannot be written", path.string());
  }
  OnnxModel model = empty_model(description);
  const auto width = static_cast<int64_t>(inputs);
  const auto outputs = static_cast<int64_t>(classes);
  std::vector<float> weights(parameters.linear);
  weights.insert(weights.end(), parameters.squared.begin(), parameters.squared.end());
  // [2][class][feature] to [2 * feature][class].
  std::vector<float> turned(weights.size());
  for (size_t half = 0; half < 2; ++half) {
    for (size_t c = 0; c < classes; ++c) {
      for (size_t j = 0; j < inputs; ++j) {
        turned[(half * inputs + j) * classes + c] = weights[(half * classes + c) * inputs + j];
      }
    }
  }
  model.initializers = {float_tensor("weights", {2 * width, outputs}, std::move(turned)),
                        float_tensor("intercepts", {outputs}, parameters.intercepts)};
  model.nodes = {
      {"Mul", "", "square", {kInputName, kInputName}, {"squares"}, {}},
      {"Concat", "", "join", {kInputName, "squares"}, {"joined"}, {{"axis", integer(1)}}},
      {"Gemm", "", "scores", {"joined", "weights", "intercepts"}, {"scores.out"}, {}},
      {"Softmax", "", "softmax", {"scores.out"}, {kProbabilities}, {{"axis", integer(1)}}}};
  model.outputs = {float_value(kProbabilities, {OnnxValue::kSymbolic, outputs})};
  finish(path, description, model);
}

}  // namespace flowmark

#include "model/write/model_writer.h"

#include "base/error.h"
#include "model/write/onnx_builder.h"

namespace flowmark {

using namespace onnx_builder;

void write_linear_model(const std::filesystem::path& path, const ModelDescription& description,
                        const LinearParameters& parameters) {
  const size_t classes = description.classes.size();
  const size_t inputs = description.input.length();
  if (parameters.weights.size() != classes * inputs || parameters.intercepts.size() != classes) {
    fail("{}: {} weights and {} intercepts do not make {} classes of {} features", path.string(),
         parameters.weights.size(), parameters.intercepts.size(), classes, inputs);
  }
  OnnxModel model = empty_model(description);
  OnnxNode node;
  node.op = "LinearClassifier";
  node.name = "classifier";
  node.attributes["coefficients"] = numbers(parameters.weights);
  node.attributes["intercepts"] = numbers(parameters.intercepts);
  node.attributes["multi_class"] = integer(description.multilabel ? 0 : 1);
  node.attributes["post_transform"] = text(description.multilabel ? "LOGISTIC" : "SOFTMAX");
  add_classifier(model, description, std::move(node));
  finish(path, description, model);
}

}  // namespace flowmark

#include "model/write/onnx_builder.h"

#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "model/compile/compile.h"
#include "model/engine/build_engine.h"
#include "model/onnx/model_metadata.h"

namespace flowmark::onnx_builder {
namespace {

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  const std::filesystem::path partial = path.string() + ".partial." + std::to_string(::getpid());
  std::error_code error;
  try {
    std::ofstream stream(partial, std::ios::binary | std::ios::trunc);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) fail("{}: cannot be written", partial.string());
    std::filesystem::rename(partial, path);
  } catch (const std::filesystem::filesystem_error& failure) {
    std::filesystem::remove(partial, error);
    fail("{}: cannot be replaced: {}", path.string(), failure.code().message());
  } catch (...) {
    std::filesystem::remove(partial, error);
    throw;
  }
}

}  // namespace

OnnxAttribute integers(std::vector<int64_t> values) {
  OnnxAttribute attribute;
  attribute.type = OnnxAttribute::Type::integers;
  attribute.ints = std::move(values);
  return attribute;
}

OnnxAttribute numbers(std::vector<float> values) {
  OnnxAttribute attribute;
  attribute.type = OnnxAttribute::Type::numbers;
  attribute.floats = std::move(values);
  return attribute;
}

OnnxAttribute integer(int64_t value) {
  OnnxAttribute attribute;
  attribute.type = OnnxAttribute::Type::integer;
  attribute.i = value;
  return attribute;
}

OnnxAttribute text(std::string value) {
  OnnxAttribute attribute;
  attribute.type = OnnxAttribute::Type::text;
  attribute.s = std::move(value);
  return attribute;
}

OnnxAttribute texts(std::vector<std::string> values) {
  OnnxAttribute attribute;
  attribute.type = OnnxAttribute::Type::texts;
  attribute.strings = std::move(values);
  return attribute;
}

OnnxTensor float_tensor(std::string name, std::vector<int64_t> dims, std::vector<float> values) {
  OnnxTensor tensor;
  tensor.name = std::move(name);
  tensor.dims = std::move(dims);
  tensor.floats = std::move(values);
  return tensor;
}

OnnxValue float_value(std::string name, std::vector<int64_t> dims) {
  OnnxValue value;
  value.name = std::move(name);
  value.is_tensor = true;
  value.is_float = true;
  value.has_shape = true;
  value.dims = std::move(dims);
  return value;
}

OnnxModel empty_model(const ModelDescription& description) {
  OnnxModel model;
  model.ir_version = 8;
  model.producer = "flowmark";
  model.opsets = {{"", 13}, {"ai.onnx.ml", 1}};
  model.graph_name = description.task;
  const FeatureSpec& input = description.input;
  if (const auto image = input.image()) {
    model.inputs = {
        float_value(kInputName, {OnnxValue::kSymbolic, 1, image->height, image->width})};
  } else {
    model.inputs = {float_value(kInputName, {OnnxValue::kSymbolic, input.length()})};
  }
  return model;
}

void add_classifier(OnnxModel& model, const ModelDescription& description, OnnxNode node) {
  std::string flat = kInputName;
  if (description.input.image()) {
    flat = "flat";
    model.nodes.push_back({"Flatten", "", "flatten", {kInputName}, {flat}, {{"axis", integer(1)}}});
  }
  node.domain = "ai.onnx.ml";
  node.inputs = {flat};
  node.outputs = {"label", kProbabilities};
  node.attributes["classlabels_strings"] = texts(description.classes);
  model.nodes.push_back(std::move(node));
  OnnxValue label;
  label.name = "label";
  label.is_tensor = true;
  label.is_string = true;
  label.dims = {OnnxValue::kSymbolic};
  model.outputs = {
      label, float_value(kProbabilities,
                         {OnnxValue::kSymbolic, static_cast<int64_t>(description.classes.size())})};
}

void finish(const std::filesystem::path& path, const ModelDescription& description,
            OnnxModel& model) {
  ModelMetadata metadata{description.task,       description.classes, description.input,
                         description.multilabel, description.card,    {}};
  model.metadata = write_metadata(metadata);
  read_metadata(model.metadata);  // refuses what load_model would refuse
  GraphContract contract{description.input.length(), 0, 0, description.classes,
                         description.multilabel};
  if (const auto image = description.input.image()) {
    contract.height = image->height;
    contract.width = image->width;
  }
  LoadBudget budget;
  const auto engine = build_engine(compile_graph(model, contract, budget), default_kernels(),
                                   Precision::exact, budget);
  const auto scratch = engine->make_scratch();
  for (const SparseWindow& input : description.golden_inputs) {
    const auto output = engine->run(*scratch, input);
    metadata.golden.windows.push_back({input, {output.begin(), output.end()}});
  }
  model.metadata = write_metadata(metadata);
  read_metadata(model.metadata);
  write_file(path, serialize_onnx(model));
}

}  // namespace flowmark::onnx_builder

#include "model/model.h"

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "model/compile/compile.h"
#include "model/engine/build_engine.h"
#include "model/onnx/model_metadata.h"
#include "model/onnx/onnx_file.h"
#include "model/onnx/signature.h"
#include "model/self_test.h"

namespace flowmark {
namespace {

constexpr uint64_t kMaxSignatureBytes = 4096;

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) fail("there is no such file");
  if (!std::filesystem::is_regular_file(status)) fail("this is no regular file");
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) fail("its size cannot be read: {}", error.message());
  if (size > max_bytes) fail("the file has {} bytes; at most {} are allowed", size, max_bytes);
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!stream || !stream.read(bytes.data(), static_cast<std::streamsize>(size))) {
    fail("the file cannot be read");
  }
  return bytes;
}

std::shared_ptr<const Model> make_model(std::string_view bytes, const std::string& name,
                                        const LoadOptions& options) {
  LoadBudget budget(options.limits);
  budget.reserve(static_cast<double>(bytes.size()), "the file");
  const OnnxModel onnx = parse_onnx(bytes, budget);
  ModelMetadata metadata = read_metadata(onnx.metadata);
  if (options.require_golden && metadata.golden.windows.empty()) {
    fail("metadata key 'flowmark.golden' is missing; the configuration demands a self-test");
  }
  GraphContract contract;
  contract.input_length = metadata.input.length();
  if (const auto image = metadata.input.image()) {
    contract.height = image->height;
    contract.width = image->width;
  }
  contract.classes = metadata.classes;
  contract.multilabel = metadata.multilabel;
  const ModelPlan plan = compile_graph(onnx, contract, budget);

  auto model = std::make_shared<Model>();
  model->path = name;
  model->sha256 = sha256_hex(bytes);
  model->parameters = parameter_count(plan);
  model->golden_windows = static_cast<uint32_t>(metadata.golden.windows.size());
  model->engine = build_engine(plan, default_kernels(), options.precision, budget);
  run_golden(metadata.golden, *model->engine, metadata.classes, budget);
  try_windows(*model->engine, metadata.input.feature().largest_value(), metadata.classes, budget);
  if (!metadata.most_disagreement.empty() &&
      (metadata.multilabel || !model->engine->has_disagreement())) {
    fail(
        "flowmark.card: open_set.thresholds are for forests of one label whose leaves hold shares "
        "of the classes; this is another model");
  }
  model->most_disagreement = std::move(metadata.most_disagreement);
  model->task = std::move(metadata.task);
  model->classes = std::move(metadata.classes);
  model->input = metadata.input;
  model->multilabel = metadata.multilabel;
  model->card = std::move(metadata.card);
  model->confidence = metadata.confidence;
  model->label_thresholds = std::move(metadata.label_thresholds);
  return model;
}

}  // namespace

bool is_unfamiliar(const Model& model, const EngineScratch& scratch) noexcept {
  if (model.most_disagreement.empty()) return false;
  const std::span<const float> answer = model.engine->probabilities(scratch);
  const auto likeliest = std::ranges::max_element(answer) - answer.begin();
  return model.engine->disagreement(scratch) >
         model.most_disagreement[static_cast<size_t>(likeliest)];
}

std::shared_ptr<const Model> load_model(const std::filesystem::path& path,
                                        const LoadOptions& options) {
  LoadOptions from_memory = options;
  std::string bytes;
  try {
    bytes = read_file(path, options.max_bytes);
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
  if (!options.trusted_keys.empty()) {
    const std::string signature = path.string() + ".sig";
    try {
      from_memory.signature = read_file(signature, kMaxSignatureBytes);
    } catch (const Error& error) {
      fail("{}: the configuration lists trusted keys, so a signature is needed: {}", signature,
           error.what());
    }
  }
  return load_model(bytes, path.string(), from_memory);
}

std::shared_ptr<const Model> load_model(std::string_view bytes, const std::string& name,
                                        const LoadOptions& options) {
  try {
    if (bytes.size() > options.max_bytes) {
      fail("the file has {} bytes; at most {} are allowed", bytes.size(), options.max_bytes);
    }
    if (!options.trusted_keys.empty()) {
      verify_signature(bytes, options.signature, options.trusted_keys);
    }
    return make_model(bytes, name, options);
  } catch (const Error& error) {
    fail("{}: {}", name, error.what());
  }
}

}  // namespace flowmark

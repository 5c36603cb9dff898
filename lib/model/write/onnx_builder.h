#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/onnx/onnx_file.h"
#include "model/write/model_writer.h"

/// Parts of model_writer.h's files. Internal.
namespace flowmark::onnx_builder {

inline constexpr const char* kInputName = "input";
inline constexpr const char* kProbabilities = "probabilities";

OnnxAttribute integer(int64_t value);
OnnxAttribute integers(std::vector<int64_t> values);
OnnxAttribute numbers(std::vector<float> values);
OnnxAttribute text(std::string value);
OnnxAttribute texts(std::vector<std::string> values);
OnnxTensor float_tensor(std::string name, std::vector<int64_t> dims, std::vector<float> values);
OnnxValue float_value(std::string name, std::vector<int64_t> dims);

/// A model with the input that the description's feature specification needs.
OnnxModel empty_model(const ModelDescription& description);

/// Appends a classifier of ai.onnx.ml over the flat input, with the outputs `label` and
/// `probabilities`.
void add_classifier(OnnxModel& model, const ModelDescription& description, OnnxNode node);

/// Fills in the metadata, with the golden outputs of the engine that would run the model, and
/// replaces the file by rename.
void finish(const std::filesystem::path& path, const ModelDescription& description,
            OnnxModel& model);

}  // namespace flowmark::onnx_builder

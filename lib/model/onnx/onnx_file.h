#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/onnx/load_budget.h"

namespace flowmark {

/// A tensor of constants: floating-point elements (float, double and float16 are all read as float)
/// or integers (int64, int32, bool), in row-major order.
struct OnnxTensor {
  std::string name;
  std::vector<int64_t> dims;
  bool is_float = true;
  std::vector<float> floats;  ///< when is_float
  std::vector<int64_t> ints;  ///< otherwise

  /// Product of dims; 1 for a scalar.
  uint64_t size() const noexcept { return is_float ? floats.size() : ints.size(); }
};

struct OnnxAttribute {
  enum class Type : uint8_t { number, integer, text, numbers, integers, texts, tensor, other };
  Type type = Type::other;
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  OnnxTensor tensor;
};

struct OnnxNode {
  std::string op;
  std::string domain;  ///< "" is ai.onnx
  std::string name;
  std::vector<std::string> inputs;  ///< "" where an optional input is left out
  std::vector<std::string> outputs;
  std::map<std::string, OnnxAttribute> attributes;
};

/// A graph input or output.
struct OnnxValue {
  static constexpr int64_t kSymbolic = -1;
  std::string name;
  bool is_tensor = false;  ///< else a sequence or map (ZipMap's)
  bool is_float = false;   ///< element type float
  bool is_string = false;  ///< element type string
  bool has_shape = false;
  std::vector<int64_t> dims;  ///< kSymbolic where the file names no number
};

/// An ONNX file as plain data: what the compiler of lib/model reads and the writers fill.
struct OnnxModel {
  int64_t ir_version = 8;
  std::string producer;
  std::map<std::string, int64_t> opsets;  ///< version by domain ("" is ai.onnx)
  std::map<std::string, std::string> metadata;
  std::string graph_name;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  std::vector<OnnxValue> inputs;
  std::vector<OnnxValue> outputs;
};

/// Reads the bytes of an ONNX file. Throws Error (without the file's name) when they are no ONNX
/// file, use external data, sparse or unknown tensors, contradict themselves, or are too much for
/// the budget (the first form: the default one).
OnnxModel parse_onnx(std::string_view bytes);
OnnxModel parse_onnx(std::string_view bytes, LoadBudget& budget);

/// The bytes of an ONNX file. Deterministic.
std::string serialize_onnx(const OnnxModel& model);

}  // namespace flowmark

// Attributes and constant inputs of nodes, with their checks.
#include "model/compile/graph_compiler.h"

namespace flowmark {

const OnnxAttribute* GraphCompiler::find(const OnnxNode& node, const std::string& name,
                                         OnnxAttribute::Type type) const {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return nullptr;
  if (found->second.type != type) refuse(node, "its attribute '{}' has the wrong type", name);
  return &found->second;
}

int64_t GraphCompiler::integer(const OnnxNode& node, const std::string& name,
                               int64_t otherwise) const {
  const OnnxAttribute* attribute = find(node, name, OnnxAttribute::Type::integer);
  return attribute != nullptr ? attribute->i : otherwise;
}

float GraphCompiler::number(const OnnxNode& node, const std::string& name, float otherwise) const {
  const OnnxAttribute* attribute = find(node, name, OnnxAttribute::Type::number);
  return attribute != nullptr ? attribute->f : otherwise;
}

std::string GraphCompiler::text(const OnnxNode& node, const std::string& name,
                                const std::string& otherwise) const {
  const OnnxAttribute* attribute = find(node, name, OnnxAttribute::Type::text);
  return attribute != nullptr ? attribute->s : otherwise;
}

const std::vector<int64_t>& GraphCompiler::integers(const OnnxNode& node,
                                                    const std::string& name) const {
  static const std::vector<int64_t> none;
  const OnnxAttribute* attribute = find(node, name, OnnxAttribute::Type::integers);
  return attribute != nullptr ? attribute->ints : none;
}

const std::vector<float>& GraphCompiler::numbers(const OnnxNode& node,
                                                 const std::string& name) const {
  static const std::vector<float> none;
  const OnnxAttribute* attribute = find(node, name, OnnxAttribute::Type::numbers);
  return attribute != nullptr ? attribute->floats : none;
}

const OnnxTensor* GraphCompiler::constant(const OnnxNode& node, size_t input) const {
  if (input >= node.inputs.size()) return nullptr;
  const auto found = constants_.find(node.inputs[input]);
  return found == constants_.end() ? nullptr : found->second;
}

const OnnxTensor& GraphCompiler::require_constant(const OnnxNode& node, size_t input,
                                                  const char* what) const {
  const OnnxTensor* tensor = constant(node, input);
  if (tensor == nullptr) refuse(node, "its {} (input {}) must be a constant", what, input);
  return *tensor;
}

const std::vector<float>& GraphCompiler::require_floats(const OnnxNode& node, size_t input,
                                                        const char* what) const {
  const OnnxTensor& tensor = require_constant(node, input, what);
  if (!tensor.is_float) refuse(node, "its {} (input {}) must be floating-point", what, input);
  spend(node, static_cast<double>(tensor.size()));
  require_finite(tensor.floats, fmt::format("node '{}' ({}): its {}", node.name, node.op, what));
  return tensor.floats;
}

}  // namespace flowmark

// With write_onnx.cc and message_cost.cc the only files that know protobuf.
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx

#include "model/onnx/onnx_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "model/onnx/message_cost.h"

namespace flowmark {
namespace {

constexpr uint64_t kMaxElements = 1ull << 28;
constexpr int kMaxDims = 8;

float half_to_float(uint16_t half) noexcept {
  const float sign = (half & 0x8000) != 0 ? -1.0F : 1.0F;
  const int exponent = (half >> 10) & 0x1f;
  const int fraction = half & 0x3ff;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                         : sign * std::numeric_limits<float>::infinity();
  }
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

uint64_t element_count(const onnx::TensorProto& tensor) {
  if (tensor.dims_size() > kMaxDims) {
    fail("tensor '{}' has {} dimensions; at most {} are read", tensor.name(), tensor.dims_size(),
         kMaxDims);
  }
  uint64_t count = 1;
  for (const int64_t dim : tensor.dims()) {
    if (dim < 0) fail("tensor '{}' has the negative dimension {}", tensor.name(), dim);
    if (dim != 0 && count > kMaxElements / static_cast<uint64_t>(dim)) {
      fail("tensor '{}' has more than {} elements", tensor.name(), kMaxElements);
    }
    count *= static_cast<uint64_t>(dim);
  }
  return count;
}

/// The elements of raw_data, little-endian as ONNX says.
template <typename T>
std::vector<T> raw_elements(const onnx::TensorProto& tensor, uint64_t count) {
  static_assert(std::endian::native == std::endian::little);
  if (tensor.raw_data().size() != count * sizeof(T)) {
    fail("tensor '{}' has {} bytes of data; its shape needs {}", tensor.name(),
         tensor.raw_data().size(), count * sizeof(T));
  }
  std::vector<T> elements(count);
  if (count != 0) std::memcpy(elements.data(), tensor.raw_data().data(), count * sizeof(T));
  return elements;
}

template <typename T, typename To, typename Field>
std::vector<To> elements(const onnx::TensorProto& tensor, const Field& field, uint64_t count) {
  std::vector<To> out;
  out.reserve(count);
  if (tensor.has_raw_data()) {
    for (const T value : raw_elements<T>(tensor, count)) out.push_back(static_cast<To>(value));
  } else {
    if (static_cast<uint64_t>(field.size()) != count) {
      fail("tensor '{}' has {} elements; its shape needs {}", tensor.name(), field.size(), count);
    }
    for (const auto value : field) out.push_back(static_cast<To>(value));
  }
  return out;
}

std::vector<float> half_elements(const onnx::TensorProto& tensor, uint64_t count) {
  // Without raw_data, float16 travels as bit patterns in int32_data.
  const auto bits = elements<uint16_t, uint16_t>(tensor, tensor.int32_data(), count);
  std::vector<float> out;
  out.reserve(count);
  for (const uint16_t half : bits) out.push_back(half_to_float(half));
  return out;
}

/// Elements that are wider here than in the file, and a copy of the file's on the way.
void reserve_elements(const onnx::TensorProto& tensor, uint64_t count, LoadBudget& budget) {
  constexpr uint64_t kWidest = 2 * sizeof(int64_t);
  const uint64_t bytes = count * kWidest;
  if (bytes <= tensor.raw_data().size()) return;
  budget.reserve(static_cast<double>(bytes - tensor.raw_data().size()),
                 fmt::format("tensor '{}'", tensor.name()));
}

OnnxTensor read_tensor(const onnx::TensorProto& tensor, LoadBudget& budget) {
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.external_data_size() != 0) {
    fail("tensor '{}' keeps its data in another file; a model must be one file", tensor.name());
  }
  if (tensor.has_segment()) fail("tensor '{}' is stored in segments", tensor.name());
  OnnxTensor out;
  out.name = tensor.name();
  const uint64_t count = element_count(tensor);
  out.dims.assign(tensor.dims().begin(), tensor.dims().end());
  out.is_float = true;
  if (tensor.data_type() != onnx::TensorProto::FLOAT) reserve_elements(tensor, count, budget);
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
      out.floats = elements<float, float>(tensor, tensor.float_data(), count);
      return out;
    case onnx::TensorProto::DOUBLE:
      out.floats = elements<double, float>(tensor, tensor.double_data(), count);
      return out;
    case onnx::TensorProto::FLOAT16:
      out.floats = half_elements(tensor, count);
      return out;
    default:
      break;
  }
  out.is_float = false;
  switch (tensor.data_type()) {
    case onnx::TensorProto::INT64:
      out.ints = elements<int64_t, int64_t>(tensor, tensor.int64_data(), count);
      return out;
    case onnx::TensorProto::INT32:
      out.ints = elements<int32_t, int64_t>(tensor, tensor.int32_data(), count);
      return out;
    case onnx::TensorProto::BOOL:
      out.ints = elements<uint8_t, int64_t>(tensor, tensor.int32_data(), count);
      return out;
    default:
      fail(
          "tensor '{}' has the element type {}; float, double, float16, int64, int32 and bool are "
          "read",
          tensor.name(),
          onnx::TensorProto::DataType_Name(
              static_cast<onnx::TensorProto::DataType>(tensor.data_type())));
  }
}

OnnxAttribute read_attribute(const onnx::AttributeProto& attribute, LoadBudget& budget) {
  using Type = OnnxAttribute::Type;
  OnnxAttribute out;
  switch (attribute.type()) {
    case onnx::AttributeProto::FLOAT:
      out.type = Type::number;
      out.f = attribute.f();
      break;
    case onnx::AttributeProto::INT:
      out.type = Type::integer;
      out.i = attribute.i();
      break;
    case onnx::AttributeProto::STRING:
      out.type = Type::text;
      out.s = attribute.s();
      break;
    case onnx::AttributeProto::FLOATS:
      out.type = Type::numbers;
      out.floats.assign(attribute.floats().begin(), attribute.floats().end());
      break;
    case onnx::AttributeProto::INTS:
      out.type = Type::integers;
      out.ints.assign(attribute.ints().begin(), attribute.ints().end());
      break;
    case onnx::AttributeProto::STRINGS:
      out.type = Type::texts;
      out.strings.assign(attribute.strings().begin(), attribute.strings().end());
      break;
    case onnx::AttributeProto::TENSOR:
      out.type = Type::tensor;
      out.tensor = read_tensor(attribute.t(), budget);
      break;
    default:
      out.type = Type::other;  // the compiler refuses it if it matters
  }
  return out;
}

OnnxNode read_node(const onnx::NodeProto& node, LoadBudget& budget) {
  OnnxNode out;
  out.op = node.op_type();
  out.domain = node.domain() == "ai.onnx" ? "" : node.domain();
  out.name = node.name();
  out.inputs.assign(node.input().begin(), node.input().end());
  out.outputs.assign(node.output().begin(), node.output().end());
  for (const auto& attribute : node.attribute()) {
    if (!out.attributes.emplace(attribute.name(), read_attribute(attribute, budget)).second) {
      fail("node '{}' ({}) has the attribute '{}' twice", node.name(), node.op_type(),
           attribute.name());
    }
  }
  return out;
}

OnnxValue read_value(const onnx::ValueInfoProto& value) {
  OnnxValue out;
  out.name = value.name();
  out.is_tensor = value.type().has_tensor_type();
  if (!out.is_tensor) return out;
  const auto& tensor = value.type().tensor_type();
  out.is_float = tensor.elem_type() == onnx::TensorProto::FLOAT;
  out.is_string = tensor.elem_type() == onnx::TensorProto::STRING;
  out.has_shape = tensor.has_shape();
  for (const auto& dim : tensor.shape().dim()) {
    out.dims.push_back(dim.has_dim_value() ? dim.dim_value() : OnnxValue::kSymbolic);
  }
  return out;
}

void read_graph(const onnx::GraphProto& graph, OnnxModel& out, LoadBudget& budget) {
  out.graph_name = graph.name();
  if (graph.sparse_initializer_size() != 0) {
    fail("the graph has sparse initializers; store them as plain tensors");
  }
  for (const auto& node : graph.node()) out.nodes.push_back(read_node(node, budget));
  std::set<std::string> names;
  for (const auto& tensor : graph.initializer()) {
    if (!names.insert(tensor.name()).second) fail("initializer '{}' is there twice", tensor.name());
    out.initializers.push_back(read_tensor(tensor, budget));
  }
  for (const auto& value : graph.input()) {
    // Files of IR version 3 list initializers among the inputs.
    if (!names.contains(value.name())) out.inputs.push_back(read_value(value));
  }
  for (const auto& value : graph.output()) out.outputs.push_back(read_value(value));
}

}  // namespace

OnnxModel parse_onnx(std::string_view bytes) {
  LoadBudget budget;
  return parse_onnx(bytes, budget);
}

OnnxModel parse_onnx(std::string_view bytes, LoadBudget& budget) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    fail("the file has {} bytes; an ONNX file has at most 2 GiB", bytes.size());
  }
  constexpr double kFieldWork = 30, kByteWork = 1;
  constexpr const char* kPlace = "the file's messages";
  budget.spend(kByteWork * static_cast<double>(bytes.size()), kPlace);
  const MessageCost cost = message_cost(bytes);
  budget.spend(kFieldWork * cost.fields, kPlace);
  budget.reserve(2 * cost.bytes, kPlace);  // as messages, and as plain data
  onnx::ModelProto model;
  google::protobuf::io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetRecursionLimit(32);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    fail("this is no ONNX file, or it is cut off or damaged");
  }
  if (!model.has_graph() || model.opset_import_size() == 0) {
    fail("this is no ONNX model: it has no {}", model.has_graph() ? "opset_import" : "graph");
  }
  if (model.functions_size() != 0) fail("the model defines functions of its own: inline them");
  OnnxModel out;
  out.ir_version = model.ir_version();
  out.producer = model.producer_name();
  for (const auto& opset : model.opset_import()) {
    out.opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
  }
  for (const auto& property : model.metadata_props()) {
    if (!out.metadata.emplace(property.key(), property.value()).second) {
      fail("metadata key '{}' is there twice", property.key());
    }
  }
  read_graph(model.graph(), out, budget);
  budget.release(cost.bytes);
  return out;
}

}  // namespace flowmark

#define ONNX_ML 1
#define ONNX_NAMESPACE onnx

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

#include <span>

#include "base/error.h"
#include "model/onnx/onnx_file.h"

namespace flowmark {
namespace {

void write_tensor(const OnnxTensor& in, onnx::TensorProto& out) {
  out.set_name(in.name);
  for (const int64_t dim : in.dims) out.add_dims(dim);
  if (in.is_float) {
    out.set_data_type(onnx::TensorProto::FLOAT);
    out.set_raw_data(in.floats.data(), in.floats.size() * sizeof(float));
  } else {
    out.set_data_type(onnx::TensorProto::INT64);
    out.set_raw_data(in.ints.data(), in.ints.size() * sizeof(int64_t));
  }
}

// Lists of numbers are written packed, in one field. The class that onnx.proto makes would repeat
// the field's tag before each number, a fifth of a forest's file. Every reader of protocol buffers
// must take both forms.

std::string& packed_field(onnx::AttributeProto& out, int number) {
  return *out.mutable_unknown_fields()->AddLengthDelimited(number);
}

void write_packed(std::span<const float> values, onnx::AttributeProto& out) {
  if (values.empty()) return;
  packed_field(out, onnx::AttributeProto::kFloatsFieldNumber)
      .assign(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void write_packed(std::span<const int64_t> values, onnx::AttributeProto& out) {
  using google::protobuf::io::CodedOutputStream;
  constexpr size_t kLongestVarint = 10;
  if (values.empty()) return;
  std::string& bytes = packed_field(out, onnx::AttributeProto::kIntsFieldNumber);
  for (const int64_t value : values) {
    uint8_t varint[kLongestVarint];
    const uint8_t* end =
        CodedOutputStream::WriteVarint64ToArray(static_cast<uint64_t>(value), varint);
    bytes.append(reinterpret_cast<const char*>(varint), static_cast<size_t>(end - varint));
  }
}

void write_attribute(const std::string& name, const OnnxAttribute& in, onnx::AttributeProto& out) {
  using Type = OnnxAttribute::Type;
  out.set_name(name);
  switch (in.type) {
    case Type::number:
      out.set_type(onnx::AttributeProto::FLOAT);
      out.set_f(in.f);
      break;
    case Type::integer:
      out.set_type(onnx::AttributeProto::INT);
      out.set_i(in.i);
      break;
    case Type::text:
      out.set_type(onnx::AttributeProto::STRING);
      out.set_s(in.s);
      break;
    case Type::numbers:
      out.set_type(onnx::AttributeProto::FLOATS);
      write_packed(in.floats, out);
      break;
    case Type::integers:
      out.set_type(onnx::AttributeProto::INTS);
      write_packed(in.ints, out);
      break;
    case Type::texts:
      out.set_type(onnx::AttributeProto::STRINGS);
      for (const std::string& value : in.strings) out.add_strings(value);
      break;
    case Type::tensor:
      out.set_type(onnx::AttributeProto::TENSOR);
      write_tensor(in.tensor, *out.mutable_t());
      break;
    case Type::other:
      fail("attribute '{}' cannot be written", name);
  }
}

void write_value(const OnnxValue& in, onnx::ValueInfoProto& out) {
  out.set_name(in.name);
  auto& tensor = *out.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(in.is_float    ? onnx::TensorProto::FLOAT
                       : in.is_string ? onnx::TensorProto::STRING
                                      : onnx::TensorProto::INT64);
  for (const int64_t dim : in.dims) {
    auto& written = *tensor.mutable_shape()->add_dim();
    if (dim == OnnxValue::kSymbolic) {
      written.set_dim_param("N");
    } else {
      written.set_dim_value(dim);
    }
  }
}

void write_node(const OnnxNode& in, onnx::NodeProto& out) {
  out.set_op_type(in.op);
  if (!in.domain.empty()) out.set_domain(in.domain);
  out.set_name(in.name);
  for (const std::string& input : in.inputs) out.add_input(input);
  for (const std::string& output : in.outputs) out.add_output(output);
  for (const auto& [name, attribute] : in.attributes) {
    write_attribute(name, attribute, *out.add_attribute());
  }
}

}  // namespace

std::string serialize_onnx(const OnnxModel& model) {
  onnx::ModelProto out;
  out.set_ir_version(model.ir_version);
  out.set_producer_name(model.producer);
  for (const auto& [domain, version] : model.opsets) {
    auto& opset = *out.add_opset_import();
    opset.set_domain(domain);
    opset.set_version(version);
  }
  for (const auto& [key, value] : model.metadata) {
    auto& property = *out.add_metadata_props();
    property.set_key(key);
    property.set_value(value);
  }
  auto& graph = *out.mutable_graph();
  graph.set_name(model.graph_name);
  for (const OnnxNode& node : model.nodes) write_node(node, *graph.add_node());
  for (const OnnxTensor& tensor : model.initializers)
    write_tensor(tensor, *graph.add_initializer());
  for (const OnnxValue& value : model.inputs) write_value(value, *graph.add_input());
  for (const OnnxValue& value : model.outputs) write_value(value, *graph.add_output());
  std::string bytes;
  if (!out.SerializeToString(&bytes)) fail("the model is too large for an ONNX file");
  return bytes;
}

}  // namespace flowmark

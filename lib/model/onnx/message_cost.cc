#define ONNX_ML 1
#define ONNX_NAMESPACE onnx

#include "model/onnx/message_cost.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <onnx/onnx_pb.h>

namespace flowmark {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr double kMessageBytes = 320;  // the largest of ONNX, with its place in a list
constexpr double kTextBytes = 48;      // a string besides its characters
constexpr double kNumberBytes = 16;    // a list grows by doubling
constexpr int kMaxMessageDepth = 64;   // the parser stops earlier

/// False where it can go no further.
bool walk(CodedInputStream& in, const Descriptor& type, int depth, MessageCost& cost) {
  for (uint32_t tag; (tag = in.ReadTag()) != 0;) {
    ++cost.fields;
    const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      cost.bytes += kNumberBytes;
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return false;
    const auto kind = field != nullptr ? field->cpp_type() : FieldDescriptor::CPPTYPE_STRING;
    if (kind == FieldDescriptor::CPPTYPE_MESSAGE) {
      cost.bytes += kMessageBytes;
      if (depth == kMaxMessageDepth) return false;
      const CodedInputStream::Limit limit = in.PushLimit(static_cast<int>(length));
      if (!walk(in, *field->message_type(), depth + 1, cost)) return false;
      if (!in.ConsumedEntireMessage()) return false;
      in.PopLimit(limit);
      continue;
    }
    const bool is_fixed =
        kind == FieldDescriptor::CPPTYPE_FLOAT || kind == FieldDescriptor::CPPTYPE_DOUBLE;
    if (kind == FieldDescriptor::CPPTYPE_STRING) {
      cost.bytes += kTextBytes + length;
    } else {
      cost.bytes += is_fixed ? length : kNumberBytes * length;  // a whole number may be one byte
    }
    if (!in.Skip(static_cast<int>(length))) return false;
  }
  return true;
}

}  // namespace

MessageCost message_cost(std::string_view bytes) {
  MessageCost cost;
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  walk(in, *onnx::ModelProto::descriptor(), 0, cost);
  return cost;
}

}  // namespace flowmark

#include "actuator/stream_line.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "actuator/line_fields.h"
#include "base/error.h"

namespace flowmark {
namespace {

using Field = LineField;
using ValueKind = FieldValue::Kind;

IpAddress address(const LineFields& fields, Field field) {
  const FieldValue& value = fields.need(field);
  IpAddress result{};
  if (value.kind == ValueKind::text) {
    if (inet_pton(AF_INET, value.text.c_str(), result.data() + 12) == 1) {
      result[10] = result[11] = 0xff;
      return result;
    }
    if (inet_pton(AF_INET6, value.text.c_str(), result.data()) == 1) return result;
  }
  fields.refuse(field, "an IP address");
}

FlowTuple flow_of(const LineFields& fields) {
  if (fields.need(Field::flow).kind != ValueKind::object) fields.refuse(Field::flow, "an object");
  FlowTuple flow;
  flow.protocol = static_cast<uint8_t>(fields.number(Field::protocol, 255));
  flow.source = address(fields, Field::source);
  flow.destination = address(fields, Field::destination);
  if (is_ipv4(flow.source) != is_ipv4(flow.destination)) {
    fail("flow: source and destination are of different IP versions");
  }
  flow.source_port = static_cast<uint16_t>(fields.number(Field::source_port, 65535));
  flow.destination_port = static_cast<uint16_t>(fields.number(Field::destination_port, 65535));
  if (!fields[Field::vlan].is_absent_or_null()) {
    flow.vlan = static_cast<uint16_t>(fields.number(Field::vlan, 4095));
  }
  return flow;
}

StreamLine::Kind kind_of(const std::string& type) {
  if (type == "mark") return StreamLine::Kind::mark;
  if (type == "end") return StreamLine::Kind::end;
  if (type == "hello") return StreamLine::Kind::hello;
  if (type == "live") return StreamLine::Kind::live;
  if (type == "lost") return StreamLine::Kind::lost;
  return StreamLine::Kind::other;
}

void check_format(const LineFields& fields) {
  const FieldValue& format = fields.need(Field::format);
  if (format.kind != ValueKind::number || format.number != kStreamFormat) {
    fields.refuse(Field::format, fmt::format("{}, which this program reads", kStreamFormat));
  }
}

std::optional<Dscp> dscp_of(const LineFields& fields, Field field) {
  if (fields.need(field).kind == ValueKind::null) return std::nullopt;
  return static_cast<Dscp>(fields.number(field, 63));
}

StreamLine read_mark(const LineFields& fields) {
  StreamLine line;
  line.flow = flow_of(fields);
  line.dscp = dscp_of(fields, Field::dscp);
  const bool differ = fields[Field::dscp_to_lan].kind != ValueKind::absent;
  line.dscp_to_lan = differ ? dscp_of(fields, Field::dscp_to_lan) : line.dscp;
  if (fields[Field::class_name].kind == ValueKind::text) {
    line.class_name = fields[Field::class_name].text;
  }
  line.snapshot = fields[Field::snapshot].kind == ValueKind::yes;
  return line;
}

}  // namespace

StreamLine parse_stream_line(std::string_view text) {
  const LineFields fields(text);
  if (fields.need(Field::type).kind != ValueKind::text) fields.refuse(Field::type, "a text");
  const StreamLine::Kind kind = kind_of(fields[Field::type].text);
  StreamLine line;
  switch (kind) {
    case StreamLine::Kind::hello:
      check_format(fields);
      break;
    case StreamLine::Kind::mark:
      line = read_mark(fields);
      break;
    case StreamLine::Kind::end:
      line.flow = flow_of(fields);
      break;
    case StreamLine::Kind::live:
      line.count = fields.number(Field::flows, UINT64_MAX);
      break;
    case StreamLine::Kind::lost:
      line.count = fields.number(Field::lines, UINT64_MAX);
      break;
    case StreamLine::Kind::other:
      break;
  }
  line.kind = kind;
  return line;
}

}  // namespace flowmark

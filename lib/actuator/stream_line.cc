#include "actuator/stream_line.h"

#include <arpa/inet.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace flowmark {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestShown = 80;

std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kLongestShown ? text : text.substr(0, kLongestShown) + "...";
}

const Json& field(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) fail("{}: is missing", name);
  return *found;
}

uint64_t number(const Json& object, const char* name, uint64_t highest) {
  const Json& value = field(object, name);
  if (!value.is_number_unsigned() || value.get<uint64_t>() > highest) {
    fail("{}: value {}: expected a whole number from 0 to {}", name, shown(value), highest);
  }
  return value.get<uint64_t>();
}

IpAddress address(const Json& object, const char* name) {
  const Json& value = field(object, name);
  IpAddress result{};
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (inet_pton(AF_INET, text.c_str(), result.data() + 12) == 1) {
      result[10] = result[11] = 0xff;
      return result;
    }
    if (inet_pton(AF_INET6, text.c_str(), result.data()) == 1) return result;
  }
  fail("{}: value {}: expected an IP address", name, shown(value));
}

FlowTuple flow_of(const Json& line) {
  const Json& object = field(line, "flow");
  if (!object.is_object()) fail("flow: value {}: expected an object", shown(object));
  FlowTuple flow;
  flow.protocol = static_cast<uint8_t>(number(object, "protocol", 255));
  flow.source = address(object, "source");
  flow.destination = address(object, "destination");
  if (is_ipv4(flow.source) != is_ipv4(flow.destination)) {
    fail("flow: source and destination are of different IP versions");
  }
  flow.source_port = static_cast<uint16_t>(number(object, "source_port", 65535));
  flow.destination_port = static_cast<uint16_t>(number(object, "destination_port", 65535));
  const auto vlan = object.find("vlan");
  if (vlan != object.end() && !vlan->is_null()) {
    flow.vlan = static_cast<uint16_t>(number(object, "vlan", 4095));
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

Json parse_object(std::string_view text) {
  try {
    Json line = Json::parse(text);
    if (line.is_object()) return line;
  } catch (const Json::parse_error& error) {
    fail("not JSON, at byte {}: {}", error.byte, text.substr(0, kLongestShown));
  }
  fail("not a JSON object: {}", text.substr(0, kLongestShown));
}

}  // namespace

StreamLine parse_stream_line(std::string_view text) {
  const Json line = parse_object(text);
  const Json& type = field(line, "type");
  if (!type.is_string()) fail("type: value {}: expected a text", shown(type));
  StreamLine result;
  result.kind = kind_of(type.get_ref<const std::string&>());
  switch (result.kind) {
    case StreamLine::Kind::hello:
      if (const Json& format = field(line, "format"); format != kStreamFormat) {
        fail("format: value {}: this program reads format {}", shown(format), kStreamFormat);
      }
      break;
    case StreamLine::Kind::mark:
      result.flow = flow_of(line);
      if (!field(line, "dscp").is_null()) {
        result.dscp = static_cast<Dscp>(number(line, "dscp", 63));
      }
      if (const auto at = line.find("class"); at != line.end() && at->is_string()) {
        result.class_name = at->get_ref<const std::string&>();
      }
      if (const auto at = line.find("snapshot"); at != line.end()) {
        result.snapshot = at->is_boolean() && at->get<bool>();
      }
      break;
    case StreamLine::Kind::end:
      result.flow = flow_of(line);
      break;
    case StreamLine::Kind::live:
      result.count = number(line, "flows", UINT64_MAX);
      break;
    case StreamLine::Kind::lost:
      result.count = number(line, "lines", UINT64_MAX);
      break;
    case StreamLine::Kind::other:
      break;
  }
  return result;
}

}  // namespace flowmark

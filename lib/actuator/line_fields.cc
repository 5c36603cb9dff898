#include "actuator/line_fields.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestShown = 80;

// In the order of LineField.
constexpr auto kNames = std::to_array<std::string_view>(
    {"type", "format", "flow", "class", "dscp", "dscp_to_lan", "snapshot", "flows", "lines",
     "protocol", "source", "source_port", "destination", "destination_port", "vlan"});
static_assert(kNames.size() == static_cast<size_t>(LineField::end));

constexpr auto kFlowFirst = static_cast<size_t>(LineField::flow_first);

std::string shortened(std::string text) {
  if (text.size() > kLongestShown) text = text.substr(0, kLongestShown) + "...";
  return text;
}

}  // namespace

/// Puts the values of known fields in their places and passes over all else.
class LineFields::Reader final : public Json::json_sax_t {
 public:
  explicit Reader(LineFields& fields) : values_(fields.values_) {}

  bool null() override { return put(FieldValue::Kind::null, "null"); }
  bool boolean(bool value) override {
    return put(value ? FieldValue::Kind::yes : FieldValue::Kind::no, value ? "true" : "false");
  }
  bool number_integer(number_integer_t value) override {
    return place_ == nullptr || put(FieldValue::Kind::other, std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != nullptr) place_->number = value;
    return put(FieldValue::Kind::number, {});
  }
  bool number_float(number_float_t, const string_t& text) override {
    return put(FieldValue::Kind::other, text);
  }
  bool string(string_t& text) override { return put(FieldValue::Kind::text, text); }
  bool binary(binary_t&) override { return false; }  // JSON has none

  bool start_object(std::size_t) override {
    const bool is_flow = depth_ == 1 && place_ == &values_[static_cast<size_t>(LineField::flow)];
    if (depth_ > 0) put(FieldValue::Kind::object, "{...}");
    ++depth_;
    if (is_flow) flow_depth_ = depth_;
    return true;
  }
  bool end_object() override {
    if (flow_depth_ == depth_) flow_depth_ = 0;
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    put(FieldValue::Kind::other, "[...]");
    ++depth_;
    return depth_ > 1;  // a line that is an array is none of ours
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    place_ = nullptr;
    const bool outer = depth_ == 1;
    if (!outer && depth_ != flow_depth_) return true;
    for (size_t i = outer ? 0 : kFlowFirst; i < (outer ? kFlowFirst : kNames.size()); ++i) {
      if (kNames[i] == name) place_ = &values_[i];
    }
    return true;
  }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_at = at;
    return false;
  }

  std::size_t error_at = 0;

 private:
  bool put(FieldValue::Kind kind, std::string_view text) {
    if (place_ != nullptr) {
      place_->kind = kind;
      place_->text = text;
      place_ = nullptr;
    }
    return depth_ > 0;  // a value alone is no object
  }

  std::array<FieldValue, static_cast<size_t>(LineField::end)>& values_;
  FieldValue* place_ = nullptr;  ///< of the value that comes next
  size_t depth_ = 0;
  size_t flow_depth_ = 0;
};

LineFields::LineFields(std::string_view line) {
  Reader reader(*this);
  if (Json::sax_parse(line.data(), line.data() + line.size(), &reader)) return;
  if (reader.error_at != 0) {
    fail("not JSON, at byte {}: {}", reader.error_at, line.substr(0, kLongestShown));
  }
  fail("not a JSON object: {}", line.substr(0, kLongestShown));
}

const FieldValue& LineFields::need(LineField field) const {
  const FieldValue& value = (*this)[field];
  if (value.kind == FieldValue::Kind::absent) fail("{}: is missing", name(field));
  return value;
}

uint64_t LineFields::number(LineField field, uint64_t highest) const {
  const FieldValue& value = need(field);
  if (value.kind != FieldValue::Kind::number || value.number > highest) {
    refuse(field, fmt::format("a whole number from 0 to {}", highest));
  }
  return value.number;
}

void LineFields::refuse(LineField field, std::string_view expected) const {
  const FieldValue& value = (*this)[field];
  std::string shown = value.text;
  if (value.kind == FieldValue::Kind::number) shown = std::to_string(value.number);
  if (value.kind == FieldValue::Kind::text) {
    shown = Json(value.text).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
  fail("{}: value {}: expected {}", name(field), shortened(shown), expected);
}

const char* LineFields::name(LineField field) noexcept {
  return kNames[static_cast<size_t>(field)].data();
}

}  // namespace flowmark

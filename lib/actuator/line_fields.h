#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowmark {

/// The fields of a line that actuators read. Those behind `flow_first` stand in the object "flow".
enum class LineField : uint8_t {
  type,
  format,
  flow,
  class_name,
  dscp,
  dscp_to_lan,
  snapshot,
  flows,
  lines,
  flow_first,
  protocol = flow_first,
  source,
  source_port,
  destination,
  destination_port,
  vlan,
  end,
};

/// A value of JSON as far as it matters here.
struct FieldValue {
  enum class Kind : uint8_t { absent, null, yes, no, number, text, object, other };

  Kind kind = Kind::absent;
  uint64_t number = 0;  ///< of number: a whole one, not negative
  std::string text;     ///< of text: itself; of others: as JSON writes it

  bool is_absent_or_null() const noexcept { return kind == Kind::absent || kind == Kind::null; }
};

/// One line of JSON, read without building a tree of it: half of the time a line takes.
class LineFields {
 public:
  /// Throws Error if `line` is not a JSON object.
  explicit LineFields(std::string_view line);

  const FieldValue& operator[](LineField field) const noexcept {
    return values_[static_cast<size_t>(field)];
  }
  /// Throws Error if the field is absent.
  const FieldValue& need(LineField field) const;
  /// Throws Error if it is no whole number up to `highest`.
  uint64_t number(LineField field, uint64_t highest) const;
  /// Throws Error: "FIELD: value VALUE: expected EXPECTED".
  [[noreturn]] void refuse(LineField field, std::string_view expected) const;

  static const char* name(LineField field) noexcept;

 private:
  class Reader;

  std::array<FieldValue, static_cast<size_t>(LineField::end)> values_;
};

}  // namespace flowmark

#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace flowmark {

/// Reads all of `text` as a number, without regard to the locale. False, and `value` unspecified,
/// if it is none, is out of T's range, or something stands before or behind it.
template <typename T>
bool read_number(std::string_view text, T& value) noexcept {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end;
}

}  // namespace flowmark

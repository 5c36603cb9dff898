#include "mark/dscp.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/read_number.h"

namespace flowmark {
namespace {

struct NamedDscp {
  const char* name;
  Dscp value;
};

// RFC 2474 (CS), RFC 2597 (AF), RFC 3246 (EF), RFC 5865 (VA), RFC 8622 (LE).
constexpr auto kNames = std::to_array<NamedDscp>({
    {"DF", 0},
    {"LE", 1},
    {"CS1", 8},
    {"AF11", 10},
    {"AF12", 12},
    {"AF13", 14},
    {"CS2", 16},
    {"AF21", 18},
    {"AF22", 20},
    {"AF23", 22},
    {"CS3", 24},
    {"AF31", 26},
    {"AF32", 28},
    {"AF33", 30},
    {"CS4", 32},
    {"AF41", 34},
    {"AF42", 36},
    {"AF43", 38},
    {"CS5", 40},
    {"VA", 44},
    {"EF", 46},
    {"CS6", 48},
    {"CS7", 56},
    // Other names in use for DF.
    {"BE", 0},
    {"CS0", 0},
    {"DEFAULT", 0},
});

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) ==
           std::toupper(static_cast<unsigned char>(y));
  });
}

}  // namespace

bool precedes(Dscp a, Dscp b) noexcept {
  if (a == dscp::kLowerEffort || b == dscp::kLowerEffort) return b == dscp::kLowerEffort && a != b;
  return a > b;
}

std::string dscp_name(Dscp value) {
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [value](const NamedDscp& n) { return n.value == value; });
  return found != kNames.end() ? found->name : std::to_string(value);
}

std::optional<Dscp> parse_dscp(std::string_view text) {
  for (const NamedDscp& named : kNames) {
    if (equal_ignoring_case(text, named.name)) return named.value;
  }
  unsigned number = 0;
  if (!read_number(text, number) || number > 63) return std::nullopt;
  return static_cast<Dscp>(number);
}

}  // namespace flowmark

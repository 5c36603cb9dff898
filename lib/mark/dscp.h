#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowmark {

/// Six-bit Differentiated Services code point (RFC 2474).
using Dscp = uint8_t;

namespace dscp {
inline constexpr Dscp kDefault = 0;      ///< DF
inline constexpr Dscp kLowerEffort = 1;  ///< LE, RFC 8622
inline constexpr Dscp kAf11 = 10;
inline constexpr Dscp kAf21 = 18;
inline constexpr Dscp kAf31 = 26;
inline constexpr Dscp kAf41 = 34;
inline constexpr Dscp kExpedited = 46;  ///< EF, RFC 3246
}  // namespace dscp

/// Whether packets with the mark `a` are served before those with `b`: by the higher code point,
/// but LE comes behind everything (RFC 8622).
bool precedes(Dscp a, Dscp b) noexcept;

/// "EF", "AF31", "CS5", "DF", "LE", "VA", or the number.
std::string dscp_name(Dscp value);

/// The reverse, case ignored; "BE" is DF; also a number 0..63. nullopt if it is none.
std::optional<Dscp> parse_dscp(std::string_view text);

}  // namespace flowmark

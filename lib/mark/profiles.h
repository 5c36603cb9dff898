#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mark/dscp.h"

namespace flowmark {

/// Class name -> code point; nullopt ("keep") leaves the packet as it is, like a class not named.
using ClassMarks = std::map<std::string, std::optional<Dscp>>;

/// Maps of marks for the schedulers that gateways run. docs/marking.md says in which queue of each
/// a class ends, and why.
enum class MarkProfile : uint8_t {
  rfc4594,         ///< RFC 4594, with LE of RFC 8622 for what may wait
  cake_diffserv3,  ///< tins of Linux' CAKE: Voice, Best Effort, Bulk
  cake_diffserv4,  ///< Voice, Video, Best Effort, Bulk
  wmm,             ///< Wi-Fi's access categories by RFC 8325 and by older kernels
  two_level,       ///< EF ahead of all others
};
inline constexpr int kMarkProfileCount = 5;

const char* to_string(MarkProfile profile) noexcept;

/// The mark of a class; nullopt: the profile does not have it.
std::optional<Dscp> mark_of(MarkProfile profile, std::string_view class_name) noexcept;

/// Every class of the shipped models with its mark.
ClassMarks marks_of(MarkProfile profile);

/// A map in which the marks of `over` replace or extend those of `base`.
ClassMarks overlaid(ClassMarks base, const ClassMarks& over);

}  // namespace flowmark

#include "mark/profiles.h"

#include <array>

namespace flowmark {
namespace {

struct Row {
  const char* name;
  std::array<Dscp, kMarkProfileCount> marks;  ///< by profile
};

constexpr Dscp kDf = dscp::kDefault, kLe = dscp::kLowerEffort, kEf = dscp::kExpedited;
constexpr Dscp kCs1 = 8, kCs4 = 32, kVa = 44;

// CS1 and not LE where the queue is Linux' own: older kernels put LE into CAKE's Best Effort, and
// Linux' Wi-Fi does so today.
constexpr std::array<Row, 9> kRows{{
    // in the order of MarkProfile
    {"voip", {kEf, kEf, kEf, kEf, kEf}},
    {"video-call", {dscp::kAf41, kVa, kCs4, dscp::kAf41, kEf}},
    {"gaming", {kCs4, kDf, kCs4, kCs4, kDf}},
    {"streaming", {dscp::kAf31, kDf, dscp::kAf31, kDf, kDf}},
    {"remote-desktop", {dscp::kAf21, kDf, kDf, kDf, kDf}},
    {"chat", {dscp::kAf21, kDf, kDf, kDf, kDf}},
    {"browsing", {kDf, kDf, kDf, kDf, kDf}},
    {"file-transfer", {dscp::kAf11, kCs1, kCs1, kCs1, kDf}},
    {"p2p", {kLe, kCs1, kCs1, kCs1, kDf}},
}};

}  // namespace

const char* to_string(MarkProfile profile) noexcept {
  switch (profile) {
    case MarkProfile::rfc4594:
      return "rfc4594";
    case MarkProfile::cake_diffserv3:
      return "cake-diffserv3";
    case MarkProfile::cake_diffserv4:
      return "cake-diffserv4";
    case MarkProfile::wmm:
      return "wmm";
    case MarkProfile::two_level:
      return "two-level";
  }
  return "?";
}

std::optional<Dscp> mark_of(MarkProfile profile, std::string_view class_name) noexcept {
  for (const Row& row : kRows) {
    if (row.name == class_name) return row.marks[static_cast<size_t>(profile)];
  }
  return std::nullopt;
}

ClassMarks marks_of(MarkProfile profile) {
  ClassMarks marks;
  for (const Row& row : kRows) marks[row.name] = row.marks[static_cast<size_t>(profile)];
  return marks;
}

ClassMarks overlaid(ClassMarks base, const ClassMarks& over) {
  for (const auto& [name, mark] : over) base[name] = mark;
  return base;
}

}  // namespace flowmark

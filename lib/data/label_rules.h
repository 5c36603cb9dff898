#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/prefix.h"

namespace flowmark {

/// One rule: flows with an end at `host` and `port` are `label`.
struct LabelRule {
  std::string label;
  std::optional<Prefix> host;
  std::optional<uint16_t> port;
};

/// The true labels of recorded flows, by rule, to be shown beside verdicts: a YAML file with
/// `rules: [{label: voip, host: 10.77.0.11, port: 5004}, ...]`. `host` (address or prefix) and
/// `port` may be either end's; the first rule that fits decides. `inside`, a list of prefixes that
/// the lab writes for those who read the capture, may stand beside the rules.
class LabelRules {
 public:
  /// Throws Error with all problems, one a line: file, line, key, value and what would be right.
  explicit LabelRules(const std::filesystem::path& file);

  /// The label of a flow as flowmark writes it, "tcp 10.0.0.1:4000 192.0.2.1:443"; empty if no rule
  /// fits.
  std::string label_of(std::string_view flow) const;

 private:
  std::vector<LabelRule> rules_;
};

}  // namespace flowmark

#pragma once

#include <optional>
#include <string>
#include <vector>

namespace flowmark {

/// Whether a text begins with the name of a kind of features: "flowpic", "combined-256p".
bool is_short_spec(const std::string& text);

/// The JSON form of a short specification, which is a kind, then words between dashes: how values
/// are kept, and numbers with units (FeatureKind::units). "flowpic-32-binary-15s",
/// "size_iat-log1p-256p". nullopt where a word is none of the kind's.
std::optional<std::string> short_spec_json(const std::string& text);

/// Examples of all kinds, for messages.
std::vector<std::string> short_spec_examples();

}  // namespace flowmark

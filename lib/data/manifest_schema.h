#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/manifest.h"

namespace flowmark {

/// Reads a manifest's text. One source an entry, its path as the entry has it: neither looked for
/// nor expanded. `file` stands in messages, `label_key` names the key that holds the class. Throws
/// Error with all problems, one a line: file, line, key, value and what would be right.
std::vector<DataSource> parse_manifest(std::string_view text, const std::filesystem::path& file,
                                       const std::string& label_key = "label");

}  // namespace flowmark

#pragma once

#include <filesystem>
#include <string>

namespace flowmark {

/// Why this process could not make files in `folder`, as "FOLDER: Permission denied"; empty: it
/// could. `may_be_made`: a folder that is missing would be made, too. Makes nothing.
std::string why_not_writable(const std::filesystem::path& folder, bool may_be_made = true);

}  // namespace flowmark

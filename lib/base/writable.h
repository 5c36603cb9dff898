#pragma once

#include <filesystem>
#include <string>

namespace flowmark {

/// Why this process could not make files in `folder`, which need not exist yet: "FOLDER: Permission
/// denied"; empty: it could. Makes nothing.
std::string why_not_writable(const std::filesystem::path& folder);

}  // namespace flowmark

#pragma once

#include <cstdlib>
#include <filesystem>

namespace flowmark::testing {

/// The folder of traffic recorded by others, which is not part of the project: what
/// FLOWMARK_SHARED_DATA names, else ../shared/data beside the source tree. It may not be there;
/// then tests of it skip.
inline std::filesystem::path shared_data() {
  const char* given = std::getenv("FLOWMARK_SHARED_DATA");
  return given != nullptr ? given : std::filesystem::path(FLOWMARK_SOURCE_DIR) / "../shared/data";
}

}  // namespace flowmark::testing

// Whatever the text, the configuration is read or refused with problems that name the file; never a
// crash, never an exception of another kind.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "settings/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const flowmark::Settings settings = flowmark::parse_settings(text, "fuzz.yaml");
    if (!flowmark::needs_restart(settings, settings).empty()) std::abort();
    for (const auto& model : settings.models) {
      if (model.path.is_relative()) std::abort();
    }
  } catch (const flowmark::SettingsError& error) {
    if (error.problems().empty()) std::abort();
    for (const auto& problem : error.problems()) {
      if (!problem.starts_with("fuzz.yaml:")) std::abort();
    }
  }
  return 0;
}

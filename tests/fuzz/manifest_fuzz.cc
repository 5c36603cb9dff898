// Whatever the text, a manifest is read or refused with problems that name the file; never a crash,
// never an exception of another kind.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "data/manifest_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto sources = flowmark::parse_manifest(text, "fuzz.yaml");
    if (sources.empty()) std::abort();
    for (const flowmark::DataSource& source : sources) {
      if (source.path.empty() || source.times == 0) std::abort();
      if (!source.label.empty() && !source.labels.empty()) std::abort();
    }
  } catch (const flowmark::Error& error) {
    if (!std::string_view(error.what()).starts_with("fuzz.yaml:")) std::abort();
  }
  return 0;
}

#pragma once

#include <cstdint>

#include "actuator/mark_layout.h"

namespace CLI {
class App;
}

namespace flowmark {

/// --mask, --shift and --valid-bit.
struct LayoutOptions {
  uint32_t mask = 0xff000000;
  unsigned shift = 26;
  unsigned valid_bit = 24;

  /// Throws UsageError.
  MarkLayout layout() const { return {mask, shift, valid_bit}; }
};

void add_layout_options(CLI::App& app, LayoutOptions& options);

}  // namespace flowmark

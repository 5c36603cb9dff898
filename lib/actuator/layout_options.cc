#include "actuator/layout_options.h"

#include <CLI/CLI.hpp>

namespace flowmark {

void add_layout_options(CLI::App& app, LayoutOptions& options) {
  app.add_option("--mask", options.mask, "The bits of the mark that are flowmark's alone")
      ->default_str("0xff000000");
  app.add_option("--shift", options.shift, "The place of the DSCP's lowest bit")
      ->capture_default_str();
  app.add_option("--valid-bit", options.valid_bit,
                 "The place of the bit that says that there is a DSCP")
      ->capture_default_str();
}

}  // namespace flowmark

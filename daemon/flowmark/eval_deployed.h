#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/manifest.h"
#include "evaluate/bootstrap.h"

namespace flowmark {

/// What `flowmark eval --as-deployed` adds to the options of `flowmark eval`.
struct DeployedOptions {
  bool is_wanted = false;
  std::string config;       ///< models, policies and marks; empty: the defaults
  bool admits_all = false;  ///< every flow may have a live mark
  // Of all models, in place of the configuration's.
  std::optional<float> confidence;
  std::optional<uint32_t> votes;
  std::optional<float> hysteresis;

  void add_to(CLI::App& command);
};

/// Plays the flows of the sources through the daemon's classifier and prints how its marks fare.
/// `model`: in place of those of the configuration; may be empty. Throws UsageError, Error.
int run_eval_deployed(const DeployedOptions& options, const std::string& model,
                      const std::vector<DataSource>& sources, const std::string& group_by,
                      const BootstrapOptions& bootstrap, bool json);

}  // namespace flowmark

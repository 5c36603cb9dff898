#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "cli/usage_error.h"
#include "model/model.h"

namespace flowmark {

/// Loads a model, with `bf16` in reduced precision. Throws Error also when it then cannot run so.
std::shared_ptr<const Model> load_with_precision(const std::filesystem::path& path, bool bf16);

/// Each adds its subcommand to `parent`. When the command line names it, `run` is set to what does
/// the work and gives the exit status (0 or 1); it may throw Error (1) and UsageError (2).
CLI::App* add_features(CLI::App& parent, std::function<int()>& run);
CLI::App* add_infer(CLI::App& parent, std::function<int()>& run);
CLI::App* add_replay(CLI::App& parent, std::function<int()>& run);
CLI::App* add_dataset(CLI::App& parent, std::function<int()>& run);
CLI::App* add_train(CLI::App& parent, std::function<int()>& run);
CLI::App* add_eval(CLI::App& parent, std::function<int()>& run);
CLI::App* add_experiment(CLI::App& parent, std::function<int()>& run);
/// Below `experiment`.
void add_experiment_sources(CLI::App& parent, std::function<int()>& run);
void add_experiment_classes(CLI::App& parent, std::function<int()>& run);
CLI::App* add_render(CLI::App& parent, std::function<int()>& run);
CLI::App* add_model(CLI::App& parent, std::function<int()>& run);
CLI::App* add_ctl(CLI::App& parent, std::function<int()>& run);

}  // namespace flowmark

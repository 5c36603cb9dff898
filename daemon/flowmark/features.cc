// flowmark features: the sparse features of every window of a capture or packet sequence file.

#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/json_lines.h"
#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "data/flow_map.h"
#include "feature/kinds.h"
#include "model/model.h"

namespace flowmark {
namespace {

struct FeaturesOptions {
  WindowOptions window;
  std::string spec;
  std::string model;
};

constexpr const char* kFeaturesHelp =
    "\nA line (JSON) per window: flow, label (if the input has one), direction (up, down; both "
    "for\n"
    "packet windows), window_start_us (since the epoch), window (its number in the flow), packets, "
    "and\n"
    "  kinds that are images: pixels, [column, row, value], both from 0 (flowpic at full "
    "resolution: row = size - 1)\n"
    "  other kinds: bins, [index, value], index into the input tensor, row-major\n"
    "only those that are not zero.\n"
    "\nExamples:\n"
    "  flowmark features --spec flowpic capture.pcap\n"
    "  flowmark features --spec '{\"kind\":\"flowpic\",\"window_s\":15,\"time_bins\":32,"
    "\"size_bins\":32}' --hop 5 flows.csv.gz\n"
    "  flowmark features --model category.onnx --out bins.jsonl capture.pcapng\n";

/// Sets `list` to the window's values, each [column, row, value] of a picture, else [index, value].
/// Writes over the arrays of the window before, which saves an allocation per value.
void set_values(JsonLine& list, const std::optional<ImageShape>& image,
                const SparseWindow& features) {
  if (list.is_null()) {
    list = JsonLine::array();
  }
  auto& entries = list.get_ref<JsonLine::array_t&>();
  entries.resize(features.size(), JsonLine::array_t(image ? 3 : 2));
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto [index, value] = features[i];
    auto& entry = entries[i].get_ref<JsonLine::array_t&>();
    if (image) {
      entry[0] = index % image->width;
      entry[1] = index / image->width;
    } else {
      entry[0] = index;
    }
    entry.back() = json_number(value);
  }
}

int run_features(const FeaturesOptions& options) {
  const FeatureSpec spec =
      options.model.empty() ? parse_spec_argument(options.spec) : load_model(options.model)->input;
  const auto image = spec.image();
  const TilingOptions tiling = options.window.tiling();
  const FlowReadOptions reading = options.window.reading();
  LineOutput output(options.window.output);
  map_flows(options.window.input, reading, [&](RecordedFlow&& flow) -> Deliver {
    std::string lines;
    JsonLine line;
    cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
      set_window_fields(line, flow, window);
      set_values(line[image ? "pixels" : "bins"], image, window.features);
      append_line(lines, line);
    });
    return [&output, text = std::move(lines)] { output.write(text); };
  });
  output.finish();
  return 0;
}

}  // namespace

CLI::App* add_features(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command =
      parent.add_subcommand("features", "Print the sparse features of every window");
  auto options = std::make_shared<FeaturesOptions>();
  options->window.add_to(*command);
  CLI::Option* spec =
      command->add_option("--spec", options->spec,
                          fmt::format("Feature specification: JSON, a file with it, or {}",
                                      fmt::join(feature_names(), ", ")));
  CLI::Option* model =
      command->add_option("--model", options->model, "Take the specification of this model file");
  spec->type_name("SPEC")->excludes(model);
  model->type_name("MODEL");
  command->footer(kFeaturesHelp);
  command->callback([options, spec, model, &run] {
    if (spec->count() + model->count() == 0) {
      throw CLI::RequiredError("one of --spec and --model");
    }
    run = [options] { return run_features(*options); };
  });
  return command;
}

}  // namespace flowmark

// flowmark features: the sparse features of every window of a capture or packet sequence file.

#include <memory>

#include "cli/json_lines.h"
#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "data/flow_map.h"
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
    "  flowpic: pixels, [column, row, value], both from 0, row = size - 1 at full resolution\n"
    "  other kinds: bins, [index, value], index into the input tensor, row-major\n"
    "only those that are not zero.\n"
    "\nExamples:\n"
    "  flowmark features --spec flowpic capture.pcap\n"
    "  flowmark features --spec '{\"kind\":\"flowpic\",\"window_s\":15,\"time_bins\":32,"
    "\"size_bins\":32}' --hop 5 flows.csv.gz\n"
    "  flowmark features --model category.onnx --out bins.jsonl capture.pcapng\n";

void append_window(std::string& lines, const RecordedFlow& flow, const FeatureSpec& spec,
                   const OfflineWindow& window) {
  append_window_fields(lines, flow, window);
  const auto image = spec.image();
  lines += image ? ",\"pixels\":[" : ",\"bins\":[";
  bool first = true;
  for (const SparseValue& value : window.features) {
    lines += first ? "[" : ",[";
    first = false;
    if (image) {
      append_number(lines, value.index % image->width);
      lines += ',';
      append_number(lines, value.index / image->width);
    } else {
      append_number(lines, value.index);
    }
    lines += ',';
    append_number(lines, value.value);
    lines += ']';
  }
  lines += "]}\n";
}

int run_features(const FeaturesOptions& options) {
  const FeatureSpec spec =
      options.model.empty() ? parse_spec_argument(options.spec) : load_model(options.model)->input;
  const TilingOptions tiling = options.window.tiling();
  const FlowReadOptions reading = options.window.reading();
  LineOutput output(options.window.output);
  map_flows(options.window.input, reading, [&](RecordedFlow&& flow) -> Deliver {
    std::string lines;
    cut_windows(flow, spec, tiling,
                [&](const OfflineWindow& window) { append_window(lines, flow, spec, window); });
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
  CLI::Option* spec = command->add_option(
      "--spec", options->spec,
      "Feature specification: JSON, a file with it, or flowpic, size_iat, burst_surge, combined");
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

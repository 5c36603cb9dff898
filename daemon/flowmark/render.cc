// flowmark render: windows as pictures, one or a contact sheet by class.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "data/load_examples.h"
#include "model/model.h"
#include "report/contact_sheet.h"

namespace flowmark {
namespace {

constexpr uint32_t kSheetSide = 200;
constexpr uint32_t kSingleSide = 1000;
constexpr uint32_t kLeastFontPx = 10;
constexpr uint32_t kSheetMinPackets = 10;

struct RenderOptions {
  WindowOptions window;
  bool min_packets_given = false;
  std::string spec;
  std::string model;
  std::string flow;
  std::string direction;
  bool sheet = false;
  bool no_axes = false;
  std::vector<std::string> by{"label"};
  uint32_t number = 0;
  uint32_t per_class = 6;
  uint32_t side = 0;
  uint64_t seed = 1;
};

constexpr const char* kRenderHelp =
    "\nFlowPics: time to the right, packet size upwards. Histograms: inter-arrival time or surge "
    "period to the right,\nsigned size upwards (upstream above). Darker is more, on a logarithmic "
    "scale.\n"
    "\nA sheet has a row for each class: flows drawn at random (--seed), of each its fullest "
    "window. From a manifest,\n--by label technique makes a row for each pair.\n"
    "\nExamples:\n"
    "  flowmark render --spec flowpic --sheet flows.csv.gz --out sheet.png\n"
    "  flowmark render --spec combined --sheet manifest.yaml --by label technique --out lab.png\n"
    "  flowmark render --spec combined flows.csv.gz --flow 17 --out one.png\n"
    "  flowmark render --model category.onnx call.pcap --flow \"udp 10.0.0.1:4000 "
    "192.0.2.1:5004\" --window 3 --out one.png\n";

bool wanted(const RenderOptions& options, const OfflineWindow& window) {
  return options.direction.empty() || options.direction == to_string(window.side);
}

/// The windows of the flow that was asked for: both directions of that number.
void take_single(const RenderOptions& options, const RecordedFlow& flow, const FeatureSpec& spec,
                 std::vector<SheetEntry>& chosen) {
  cut_windows(flow, spec, options.window.tiling(), [&](const OfflineWindow& window) {
    if (wanted(options, window) && window.number == options.number) {
      chosen.push_back({flow.name, window});
    }
  });
}

/// The flow's fullest window.
std::optional<SheetEntry> fullest(const RenderOptions& options, const RecordedFlow& flow,
                                  const FeatureSpec& spec) {
  TilingOptions tiling = options.window.tiling();
  if (!options.min_packets_given) tiling.min_packets = kSheetMinPackets;
  std::optional<SheetEntry> best;
  cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
    if (wanted(options, window) && (!best || best->window.packets < window.packets)) {
      best = SheetEntry{flow.name, window};
    }
  });
  return best;
}

/// What a flow's row is called: the values of the keys.
std::string row_name(const RenderOptions& options, const DataSource& source,
                     const RecordedFlow& flow, const std::string& label) {
  const auto all = source.attributes_of(flow);
  std::string name;
  for (const std::string& key : options.by) {
    const auto found = all.find(key);
    if (key != "label" && found == all.end()) {
      fail("{}: flow {} has no key '{}' (--by)", source.where, flow.name, key);
    }
    name += (name.empty() ? "" : " / ") + (key == "label" ? label : found->second);
  }
  return name;
}

using TakeRow = std::function<void(const std::string& row, std::vector<SheetEntry>&& entries)>;

/// Reads a recording or the recordings of a manifest.
void read(const RenderOptions& options, const FeatureSpec& spec, const TakeRow& take) {
  const auto choose = [&](const RecordedFlow& flow) {
    std::vector<SheetEntry> chosen;
    if (!options.flow.empty()) {
      if (flow.name == options.flow) take_single(options, flow, spec, chosen);
    } else if (auto best = fullest(options, flow, spec)) {
      chosen.push_back(std::move(*best));
    }
    return chosen;
  };
  const std::string extension = std::filesystem::path(options.window.input).extension();
  if (extension == ".yaml" || extension == ".yml") {
    const auto sources = read_manifest(options.window.input);
    map_labelled_flows(sources,
                       [&](uint32_t source, const std::string& label, const RecordedFlow& flow) {
                         return [&take, row = row_name(options, sources[source], flow, label),
                                 chosen = choose(flow)]() mutable { take(row, std::move(chosen)); };
                       });
    return;
  }
  map_flows(options.window.input, options.window.reading(), [&](RecordedFlow&& flow) -> Deliver {
    return [&take, row = flow.label, chosen = choose(flow)]() mutable {
      take(row, std::move(chosen));
    };
  });
}

int run_render(const RenderOptions& options) {
  const FeatureSpec spec =
      options.model.empty() ? parse_spec_argument(options.spec) : load_model(options.model)->input;
  const bool single = !options.flow.empty();
  SheetOptions style;
  style.title = spec.title() + ", darker is more";
  style.style.side = options.side > 0 ? options.side : single ? kSingleSide : kSheetSide;
  style.style.axes = !options.no_axes;
  style.style.font_px = std::max(kLeastFontPx, style.style.side / 50);
  ContactSheet sheet(spec, options.per_class, options.seed);
  read(options, spec, [&](const std::string& row, std::vector<SheetEntry>&& entries) {
    for (SheetEntry& entry : entries) {
      sheet.add(row, std::move(entry));
    }
  });
  if (sheet.rows().empty()) {
    fail("{}: no such window: {}", options.window.input,
         single ? fmt::format("flow {}, number {}{}", options.flow, options.number,
                              options.direction.empty() ? "" : ", " + options.direction)
                : std::string("every flow is too short (--min-packets)"));
  }
  sheet.draw(style).write_png(options.window.output);
  for (const auto& [label, row] : sheet.rows()) {
    std::cout << fmt::format("{}: {} of {} windows\n", label.empty() ? "no label" : label,
                             row.entries.size(), row.seen);
  }
  return 0;
}

void add_choice(CLI::App& command, RenderOptions& options) {
  CLI::Option* flow = command.add_option("--flow", options.flow,
                                         "One flow's window, large (pictures: both directions)");
  CLI::Option* sheet = command.add_flag(
      "--sheet", options.sheet, "Many flows' windows by class (what happens without --flow)");
  sheet->excludes(flow);
  command.add_option("--window", options.number, "With --flow: number of the window")
      ->needs(flow)
      ->capture_default_str();
  command.add_option("--direction", options.direction, "Only up or down")
      ->check(CLI::IsMember({"up", "down", "both"}));
  command
      .add_option("--by", options.by,
                  "Manifest: keys whose values make the rows (label: the class)")
      ->type_name("KEY...")
      ->capture_default_str();
  command.add_option("--per-class", options.per_class, "Flows in a row")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Which flows are drawn")->capture_default_str();
  command
      .add_option("--side", options.side, "Pixels of a window's longer side (200; one alone 1000)")
      ->check(CLI::Range(16, 4096));
  command.add_flag("--no-axes", options.no_axes, "The bare windows");
}

}  // namespace

CLI::App* add_render(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("render", "Draw windows, one or a sheet by class");
  auto options = std::make_shared<RenderOptions>();
  options->window.add_to(*command);
  command->get_option("input")->description(
      "Capture, packet sequence file, or manifest (.yaml) for a sheet");
  command->get_option("--out")->required()->description("PNG file to write");
  CLI::Option* spec = command->add_option("--spec", options->spec, "As for 'flowmark features'");
  CLI::Option* model = command->add_option("--model", options->model, "Take its specification");
  spec->type_name("SPEC")->excludes(model);
  model->type_name("MODEL");
  add_choice(*command, *options);
  command->footer(kRenderHelp);
  command->callback([options, spec, model, command, &run] {
    if (spec->count() + model->count() == 0) {
      throw CLI::RequiredError("one of --spec and --model");
    }
    options->min_packets_given = command->get_option("--min-packets")->count() > 0;
    run = [options] { return run_render(*options); };
  });
  return command;
}

}  // namespace flowmark

// flowmark render: windows as pictures, one or a contact sheet by class.

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>

#include "daemon/commands.h"
#include "daemon/window_lines.h"
#include "model/model.h"
#include "train/draw_window.h"
#include "train/flow_map.h"

namespace flowmark {
namespace {

constexpr uint32_t kMargin = 12;
constexpr uint32_t kSheetSide = 200;
constexpr uint32_t kSingleSide = 1500;

struct RenderOptions {
  WindowOptions window;
  std::string spec;
  std::string model;
  std::string flow;
  std::string direction;
  uint32_t number = 0;
  uint32_t per_class = 6;
  uint32_t side = 0;
};

constexpr const char* kHelp =
    "\nFlowPics: time to the right, packet size upwards. Histograms: inter-arrival time or surge "
    "period "
    "to the right,\nsigned size upwards. Darker is more.\n"
    "\nExamples:\n"
    "  flowmark render --spec flowpic flows.csv.gz --out sheet.png\n"
    "  flowmark render --spec combined flows.csv.gz --flow 17 --out one.png\n";

struct Chosen {
  std::string caption;
  SparseWindow features;
};

/// The windows to draw, by label ("" where there are none).
using Sheet = std::map<std::string, std::vector<Chosen>>;

Sheet choose(const RenderOptions& options, const FeatureSpec& spec) {
  Sheet sheet;
  const TilingOptions tiling = options.window.tiling();
  map_flows(options.window.input, options.window.reading(), [&](RecordedFlow&& flow) -> Deliver {
    if (!options.flow.empty() && flow.name != options.flow) {
      return {};
    }
    std::vector<Chosen> chosen;
    cut_windows(flow, spec, tiling, [&](const OfflineWindow& window) {
      const bool side = options.direction.empty() || options.direction == to_string(window.side);
      const bool asked = options.flow.empty() || window.number == options.number;
      if (chosen.size() < (options.flow.empty() ? 1U : 2U) && side && asked) {
        chosen.push_back({fmt::format("{} {} {}", flow.name, to_string(window.side), window.number),
                          window.features});
      }
    });
    return [&sheet, &options, label = flow.label, chosen = std::move(chosen)] {
      std::vector<Chosen>& row = sheet[label];
      for (const Chosen& one : chosen) {
        if (row.size() < options.per_class) {
          row.push_back(one);
        }
      }
    };
  });
  std::erase_if(sheet, [](const auto& row) { return row.second.empty(); });
  return sheet;
}

void draw_sheet(const Sheet& sheet, const FeatureSpec& spec, uint32_t side,
                const std::filesystem::path& path) {
  const DrawnSize one = drawn_size(spec, side);
  const uint32_t cell_width = one.width + kMargin;
  const uint32_t cell_height = one.height + Image::kTextHeight + kMargin;
  size_t most = 0;
  for (const auto& [label, row] : sheet) {
    most = std::max(most, row.size());
  }
  const auto columns = static_cast<uint32_t>(most);
  const auto rows = static_cast<uint32_t>(sheet.size());
  const uint32_t row_height = cell_height + Image::kTextHeight + kMargin / 2;
  Image image(kMargin + columns * cell_width, kMargin + rows * row_height);
  uint32_t y = kMargin;
  for (const auto& [label, row] : sheet) {
    image.text(kMargin, y, label);
    const uint32_t top = y + Image::kTextHeight + kMargin / 2;
    uint32_t x = kMargin;
    for (const Chosen& chosen : row) {
      draw_window(spec, chosen.features, side, x, top, image);
      image.text(x, top + one.height + 3, chosen.caption.substr(0, one.width / Image::kTextWidth));
      x += cell_width;
    }
    y += row_height;
  }
  image.write_png(path);
}

int run_render(const RenderOptions& options) {
  const FeatureSpec spec =
      options.model.empty() ? parse_spec_argument(options.spec) : load_model(options.model)->input;
  const Sheet sheet = choose(options, spec);
  if (sheet.empty()) {
    fail("{}: no such window{}", options.window.input,
         options.flow.empty() ? ": every flow is too short"
                              : fmt::format(": flow {}, number {}", options.flow, options.number));
  }
  const uint32_t side =
      options.side > 0 ? options.side : (options.flow.empty() ? kSheetSide : kSingleSide);
  draw_sheet(sheet, spec, side, options.window.output);
  for (const auto& [label, row] : sheet) {
    std::cout << fmt::format("{}: {} windows\n", label.empty() ? "no label" : label, row.size());
  }
  return 0;
}

}  // namespace

CLI::App* add_render(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("render", "Draw windows, one or a sheet by class");
  auto options = std::make_shared<RenderOptions>();
  options->window.add_to(*command);
  command->get_option("--out")->required()->description("PNG file to write");
  CLI::Option* spec = command->add_option("--spec", options->spec, "As for 'flowmark features'");
  CLI::Option* model = command->add_option("--model", options->model, "Take its specification");
  spec->type_name("SPEC")->excludes(model);
  model->type_name("MODEL");
  command->add_option("--flow", options->flow, "Only this flow, large (both directions)");
  command->add_option("--window", options->number, "With --flow: number of the window")
      ->capture_default_str();
  command->add_option("--direction", options->direction, "Only up or down")
      ->check(CLI::IsMember({"up", "down", "both"}));
  command
      ->add_option("--per-class", options->per_class, "First windows of so many flows of a class")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  command
      ->add_option("--side", options->side,
                   "Pixels of a window's longer side (200; one alone 1500)")
      ->check(CLI::Range(16, 4096));
  command->footer(kHelp);
  command->callback([options, spec, model, &run] {
    if (spec->count() + model->count() == 0) {
      throw CLI::RequiredError("one of --spec and --model");
    }
    run = [options] { return run_render(*options); };
  });
  return command;
}

}  // namespace flowmark

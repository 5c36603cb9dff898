// What `flowmark train` and `flowmark eval` share: options that say which data, and how it is cut.

#include <algorithm>
#include <cmath>

#include "cli/data_options.h"
#include "data/label_sets.h"

namespace flowmark {
namespace {

constexpr uint32_t kPrefixPackets[] = {10, 16, 32, 64, 128, 256, 512, 1024};
constexpr double kPrefixSeconds[] = {1, 2, 5, 10, 15, 30, 60, 120};

}  // namespace

void DataOptions::add_to(CLI::App& command) {
  command
      .add_option("--data", data,
                  "Manifest (.yaml), captures or packet sequence files whose flows carry labels")
      ->required()
      ->type_name("FILE...");
  command
      .add_option("--label-key", label_key, "Key of the manifest's entries that holds the class")
      ->type_name("KEY")
      ->capture_default_str();
  command
      .add_option(
          "--prefix-packets", prefix_packets,
          "Also cut each flow's first N packets, for each N (histograms: by default 10 16 32 "
          "64 128 256 512)")
      ->type_name("N...");
  command
      .add_option(
          "--prefix-seconds", prefix_seconds,
          "Also cut each flow's first S seconds, for each S (pictures: by default 1 2 5 10 15 "
          "30)")
      ->type_name("S...");
  command.add_flag("--no-prefixes", no_prefixes, "Full windows only");
  command.add_flag("--no-tiles", no_tiles, "Prefixes only");
  command.add_option("--hop", hop_s, "Seconds between full windows (default: the window's length)")
      ->type_name("S");
  command.add_option("--min-packets", min_packets, "Leave out windows with fewer packets")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--min-span", min_span_s,
                  "Leave out windows whose packets span less (the FlowPic paper: 50)")
      ->type_name("S")
      ->check(CLI::Range(0.0, 86400.0));
  command.add_option("--threads", threads, "Threads to use (default: all)")->type_name("N");
  command.add_flag("--json", json, "Print JSON instead of tables");
}

CutOptions DataOptions::cut(const FeatureSpec& spec) const {
  if (no_prefixes && (no_tiles || !prefix_packets.empty() || !prefix_seconds.empty())) {
    throw UsageError("--no-prefixes: excludes --no-tiles, --prefix-packets and --prefix-seconds");
  }
  CutOptions cut;
  cut.tiles = !no_tiles;
  cut.min_packets = min_packets;
  cut.min_span_us = std::llround(min_span_s * static_cast<double>(kUsPerSecond));
  if (hop_s != 0 && !(hop_s >= 1e-6 && hop_s <= 86400)) {
    throw UsageError(fmt::format("--hop {}: must be more than 0 and at most 86400 seconds", hop_s));
  }
  cut.hop_us = std::llround(hop_s * static_cast<double>(kUsPerSecond));
  for (const uint32_t packets : prefix_packets) {
    if (packets == 0) {
      throw UsageError("--prefix-packets 0: must be 1 or more");
    }
    cut.prefixes.push_back({packets, 0});
  }
  for (const double seconds : prefix_seconds) {
    if (!(seconds >= 1e-3 && seconds <= 86400)) {
      throw UsageError(
          fmt::format("--prefix-seconds {}: must be from 0.001 to 86400 seconds", seconds));
    }
    cut.prefixes.push_back({0, std::llround(seconds * static_cast<double>(kUsPerSecond))});
  }
  std::sort(cut.prefixes.begin(), cut.prefixes.end(), [](const FlowPrefix& a, const FlowPrefix& b) {
    return a.packets != b.packets ? a.packets < b.packets : a.us < b.us;
  });
  if (!cut.prefixes.empty() || no_prefixes) {
    return cut;
  }
  if (spec.is_by_time()) {
    for (const double seconds : kPrefixSeconds) {
      const TimeUs us = std::llround(seconds * static_cast<double>(kUsPerSecond));
      if (us < spec.window_us()) {
        cut.prefixes.push_back({0, us});
      }
    }
  } else {
    for (const uint32_t packets : kPrefixPackets) {
      if (packets < spec.window_packets()) {
        cut.prefixes.push_back({packets, 0});
      }
    }
  }
  return cut;
}

std::vector<DataSource> DataOptions::sources() const {
  return collect_sources(data, label_key);
}

std::string describe_split(const ExampleSet& examples, const Split& split,
                           const SplitOptions& options) {
  const Strata strata = strata_of(examples);
  const size_t classes = strata.names.size();
  std::vector<uint64_t> windows(3 * classes, 0);
  std::vector<std::vector<bool>> seen(3, std::vector<bool>(examples.flows.size(), false));
  std::vector<uint64_t> flows(3 * classes, 0);
  for (size_t row = 0; row < examples.size(); ++row) {
    const ExampleInfo& info = examples.info(row);
    const auto part = static_cast<size_t>(split.parts[row]);
    windows[part * classes + strata.of_row[row]] += info.repeat ? 0 : 1;
    if (!seen[part][info.flow]) {
      seen[part][info.flow] = true;
      ++flows[part * classes + strata.of_row[row]];
    }
  }
  std::string text =
      fmt::format("split by {}, seed {}: {} groups to train, {} to validate, {} to test\n",
                  options.by, options.seed, split.groups[0], split.groups[1], split.groups[2]);
  if (options.by == "window") {
    text +=
        "Windows of one flow may stand on both sides: they resemble each other, so the accuracy\n"
        "below is higher than on new flows. --split-by flow or session says what to expect.\n";
  } else if (options.by == "flow") {
    text +=
        "Flows of one recording may stand on both sides. --split-by session or file is stricter.\n";
  }
  text += fmt::format("{:<20} {:>22} {:>22} {:>22}\n", "flows / windows", "train", "validation",
                      "test");
  for (size_t c = 0; c < classes; ++c) {
    text += fmt::format("{:<20}", strata.names[c]);
    for (size_t part = 0; part < 3; ++part) {
      text +=
          fmt::format(" {:>10} / {:>9}", flows[part * classes + c], windows[part * classes + c]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace flowmark

// What `flowmark train` and `flowmark eval` share: options that say which data, and how it is cut.

#include "cli/data_options.h"

#include <fmt/ranges.h>

#include <cmath>
#include <iostream>

#include "base/error.h"
#include "cli/choice.h"
#include "data/prefixes.h"

namespace flowmark {

void add_data_root_option(CLI::App& command, std::string& root) {
  command
      .add_option("--data-root", root,
                  "Folder that ${data_root} in a manifest's paths stands for; what is not there is "
                  "left out")
      ->type_name("FOLDER");
}

std::vector<DataSource> sources_there(const std::vector<std::string>& data,
                                      const std::string& label_key, const std::string& data_root) {
  const SourceList list = find_sources(data, {label_key, data_root});
  for (const std::string& line : list.absent) std::cerr << line << "\n";
  if (list.sources.empty()) {
    fail("{}: none of its recordings is there", fmt::join(data, ", "));
  }
  return list.sources;
}

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
  add_data_root_option(command, data_root);
  command
      .add_option("--prefix-packets", prefix_packets,
                  "Also cut each flow's first N packets, for each N (windows of packets: by "
                  "default 10 16 32 "
                  "64 128 256 512)")
      ->type_name("N...");
  command
      .add_option("--prefix-seconds", prefix_seconds,
                  "Also cut each flow's first S seconds, for each S (windows of time: by default 1 "
                  "2 5 10 15 "
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

void DataOptions::add_served_to(CLI::App& command) {
  served.most_windows = 32;
  add_choice<bool>(
      command, "--windows", is_served, {{"tiles", false}, {"served", true}},
      "tiles: full windows one after the other, and the flow's beginnings; served: those that the "
      "daemon asks a model about, at its moments");
  const auto add_count = [&](const char* name, uint32_t& value, const char* help) {
    command.add_option(name, value, help)->type_name("N")->capture_default_str();
  };
  const auto add_seconds = [&](const char* name, TimeUs& value, const char* help) {
    command
        .add_option_function<double>(
            name,
            [&value](double seconds) {
              value = std::llround(seconds * static_cast<double>(kUsPerSecond));
            },
            help)
        ->check(CLI::Range(0.0, 3600.0))
        ->type_name("S")
        ->default_str(fmt::format("{}", value / kUsPerSecond));
  };
  AskPolicy& policy = served.policy;
  add_count("--ask-packets", policy.min_packets, "Served: the setting policy.min_packets");
  add_seconds("--ask-seconds", policy.min_us, "Served: the setting policy.min_seconds");
  add_count("--ask-hop-packets", policy.hop_packets, "Served: the setting policy.hop_packets");
  add_seconds("--ask-hop-seconds", policy.hop_us, "Served: the setting policy.hop_seconds");
  add_count("--ask-most", served.most_windows,
            "Served: at most so many windows of a flow; the later ones evenly spaced. 0: all");
}

CutOptions DataOptions::cut(const std::vector<FlowPrefix>& otherwise) const {
  if (no_prefixes && (no_tiles || !prefix_packets.empty() || !prefix_seconds.empty())) {
    throw UsageError("--no-prefixes: excludes --no-tiles, --prefix-packets and --prefix-seconds");
  }
  CutOptions cut;
  cut.tiles = !no_tiles;
  if (is_served && (no_tiles || hop_s != 0)) {
    throw UsageError("--windows served: excludes --no-tiles and --hop");
  }
  if (is_served) cut.served = served;
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
  sort_prefixes(cut.prefixes);
  if (cut.prefixes.empty() && !no_prefixes) cut.prefixes = otherwise;
  return cut;
}

std::vector<DataSource> DataOptions::sources() const {
  return sources_there(data, label_key, data_root);
}

std::vector<DataSource> sources_of_split(std::vector<DataSource> sources,
                                         const std::string& split) {
  if (split == "all") return sources;
  const std::string wanted = split.empty() ? "test" : split;
  const bool is_laid_down = std::ranges::count(sources, wanted, &DataSource::split) > 0;
  std::erase_if(sources, [&](const DataSource& source) {
    return !source.split.empty() && source.split != wanted;
  });
  for (DataSource& source : sources) {
    source.only_split = wanted;
    source.takes_unsplit = split.empty() && !is_laid_down;
  }
  if (sources.empty())
    fail("--split {}: no entry of the data has this split; --split all judges them all", wanted);
  return sources;
}

}  // namespace flowmark

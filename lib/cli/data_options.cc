// What `flowmark train` and `flowmark eval` share: options that say which data, and how it is cut.

#include "cli/data_options.h"

#include <fmt/ranges.h>

#include <cmath>
#include <iostream>

#include "base/error.h"
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

CutOptions DataOptions::cut(const std::vector<FlowPrefix>& otherwise) const {
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
  sort_prefixes(cut.prefixes);
  if (cut.prefixes.empty() && !no_prefixes) cut.prefixes = otherwise;
  return cut;
}

std::vector<DataSource> DataOptions::sources() const {
  return sources_there(data, label_key, data_root);
}

}  // namespace flowmark

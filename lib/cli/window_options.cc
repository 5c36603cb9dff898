#include "cli/window_options.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "feature/kinds.h"
#include "feature/short_spec.h"

namespace flowmark {
void WindowOptions::add_to(CLI::App& command) {
  command
      .add_option("input", input,
                  "Capture (pcap, pcapng) or packet sequence file; plain, gzip, bzip2 or xz")
      ->required()
      ->type_name("IN");
  command.add_option("--out", output, "Write here instead of standard output")->type_name("FILE");
  command
      .add_option("--hop", hop_s,
                  "Seconds from one window's start to the next (default: the window's length)")
      ->type_name("S");
  command.add_option("--min-packets", min_packets, "Leave out windows with fewer packets")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option(
          "--inside", inside,
          "Addresses of the inside, e.g. 192.168.0.0/16: they send upstream. May be repeated. "
          "Without it who began a flow does. Captures only")
      ->type_name("PREFIX");
  command
      .add_option("--tunnels", tunnels,
                  "Take the inner flow of these tunnels, as the setting `tunnels` does. Captures "
                  "only")
      ->delimiter(',')
      ->check(CLI::IsMember(tunnel_names()))
      ->type_name("NAME,...");
}

TilingOptions WindowOptions::tiling() const {
  // Below a microsecond there is nothing to hop, above a day no window.
  if (hop_s != 0 && !(hop_s >= 1e-6 && hop_s <= 86400)) {
    throw UsageError(fmt::format("--hop {}: must be more than 0 and at most 86400 seconds", hop_s));
  }
  TilingOptions tiling;
  tiling.hop_us = std::llround(hop_s * static_cast<double>(kUsPerSecond));
  tiling.min_packets = min_packets;
  return tiling;
}

FlowReadOptions WindowOptions::reading() const {
  FlowReadOptions reading;
  reading.inside = parse_prefixes(inside);
  const std::vector<std::string> known = tunnel_names();
  for (const std::string& name : tunnels) {
    reading.parse.enter(static_cast<Tunnel>(std::ranges::find(known, name) - known.begin()));
  }
  return reading;
}

std::vector<Prefix> parse_prefixes(const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  for (const std::string& text : texts) {
    try {
      prefixes.push_back(Prefix::parse(text));
    } catch (const Error& error) {
      throw UsageError(fmt::format("--inside: {}", error.what()));
    }
  }
  return prefixes;
}

namespace {

FeatureSpec read_short_spec(const std::string& argument) {
  const std::optional<std::string> json = short_spec_json(argument);
  if (!json) {
    fail("--spec {}: neither JSON, nor a readable file, nor one of {} (or such as {})", argument,
         fmt::join(feature_names(), ", "), fmt::join(short_spec_examples(), ", "));
  }
  return FeatureSpec::from_json(*json, "--spec " + argument);
}

}  // namespace

FeatureSpec parse_spec_argument(const std::string& argument) {
  try {
    if (argument.find('{') != std::string::npos) {
      return FeatureSpec::from_json(argument, "--spec");
    }
    std::ifstream file(argument);
    if (!file || is_short_spec(argument)) {
      return read_short_spec(argument);
    }
    std::ostringstream text;
    text << file.rdbuf();
    return FeatureSpec::from_json(text.str(), argument);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

void set_window_fields(JsonLine& line, const RecordedFlow& flow, const OfflineWindow& window) {
  line["flow"] = flow.name;
  if (!flow.label.empty()) {
    line["label"] = flow.label;
  }
  line["direction"] = to_string(window.side);
  line["window_start_us"] = window.start_us;
  line["window"] = window.number;
  line["packets"] = window.packets;
}

}  // namespace flowmark

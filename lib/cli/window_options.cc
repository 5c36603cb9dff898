#include "cli/window_options.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "feature/kinds.h"

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
          "Without it a flow's first sender does. Captures only")
      ->type_name("PREFIX");
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

bool names_kind(const std::string& argument) {
  const auto& names = feature_names();
  return std::find(names.begin(), names.end(), argument.substr(0, argument.find('-'))) !=
         names.end();
}

/// "flowpic-32-binary-15s", "size_iat-log1p-256p": a kind, then pixels a side, values, the window's
/// seconds or packets.
FeatureSpec short_spec(const std::string& argument) {
  std::istringstream words(argument);
  std::string word;
  std::getline(words, word, '-');
  std::string json = "{\"kind\":\"" + word + "\"";
  bool known = names_kind(argument);
  const bool picture =
      known && FeatureSpec::from_json(json + "}", "--spec " + argument).image().has_value();
  while (known && std::getline(words, word, '-')) {
    const std::string digits = word.substr(0, word.find_first_not_of("0123456789."));
    const std::string unit = word.substr(digits.size());
    if (word == "binary" || word == "count" || word == "fraction" || word == "log1p") {
      json += ",\"values\":\"" + word + "\"";
    } else if (picture && !digits.empty() && unit.empty()) {
      json += ",\"time_bins\":" + word + ",\"size_bins\":" + word;
    } else if (!digits.empty() && unit == "s") {
      json += ",\"window_s\":" + digits;
    } else if (!picture && !digits.empty() && unit == "p") {
      json += ",\"window_packets\":" + digits;
    } else {
      known = false;
    }
  }
  if (!known) {
    fail(
        "--spec {}: neither JSON, nor a readable file, nor one of {} (or such as flowpic-32, "
        "flowpic-1500-15s, flowpic-64-binary, size_iat-log1p-256p)",
        argument, fmt::join(feature_names(), ", "));
  }
  return FeatureSpec::from_json(json + "}", "--spec " + argument);
}

}  // namespace

FeatureSpec parse_spec_argument(const std::string& argument) {
  try {
    if (argument.find('{') != std::string::npos) {
      return FeatureSpec::from_json(argument, "--spec");
    }
    std::ifstream file(argument);
    if (!file || names_kind(argument)) {
      return short_spec(argument);
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

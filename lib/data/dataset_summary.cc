// The papers' rules, and what a dataset holds, for people and machines.

#include "base/error.h"

#include <nlohmann/json.hpp>
#include "data/dataset.h"

namespace flowmark {
namespace {

constexpr uint32_t kTunnelWindow = 1024;  // packets
constexpr uint32_t kFlowPicPackets = 11;  // more than 10

}  // namespace

DatasetOptions DatasetOptions::flowpic(TimeUs block_us) {
  DatasetOptions options;
  options.unidirectional = true;
  options.block_us = block_us;
  options.min_packets = kFlowPicPackets;
  options.min_span_us = block_us * 5 / 6;
  return options;
}

DatasetOptions DatasetOptions::tunnel() {
  DatasetOptions options;
  options.block_packets = kTunnelWindow;
  return options;
}

void DatasetOptions::check(const std::string& where) const {
  if (block_us > 0 && block_packets > 0) {
    fail("{}: blocks of {} s and of {} packets: give one of the two", where,
         static_cast<double>(block_us) / 1e6, block_packets);
  }
  if (block_us < 0 || first_us < 0 || min_span_us < 0) {
    fail("{}: a time is negative", where);
  }
  if (balance && !versus.empty()) {
    fail("{}: balanced and one class against the others: the latter is balanced by itself", where);
  }
}

nlohmann::ordered_json DatasetSummary::to_json() const {
  nlohmann::ordered_json out;
  for (const Class& of_class : classes) {
    nlohmann::ordered_json entry{{"class", of_class.name},
                                 {"entries", of_class.entries},
                                 {"flows", of_class.flows},
                                 {"captures", of_class.captures},
                                 {"packets", of_class.packets}};
    if (!split_by.empty()) {
      entry["train"] = of_class.by_part[0];
      entry["validation"] = of_class.by_part[1];
      entry["test"] = of_class.by_part[2];
    }
    out["classes"].push_back(entry);
  }
  out["blocks"] = cut;
  if (!split_by.empty()) out["split_by"] = split_by;
  out["too_short"] = thin;
  out["left_out_flows"] = left_out;
  out["undersampled"] = dropped;
  return out;
}

std::string DatasetSummary::to_table() const {
  std::string text = fmt::format("{:<24} {:>10} {:>10} {:>10} {:>12}", "class",
                                 cut ? "windows" : "entries", "flows", "captures", "packets");
  text +=
      split_by.empty() ? "\n" : fmt::format(" {:>9} {:>10} {:>9}\n", "train", "validation", "test");
  for (const Class& of_class : classes) {
    text += fmt::format("{:<24} {:>10} {:>10} {:>10} {:>12}", of_class.name, of_class.entries,
                        of_class.flows, of_class.captures, of_class.packets);
    text += split_by.empty() ? "\n"
                             : fmt::format(" {:>9} {:>10} {:>9}\n", of_class.by_part[0],
                                           of_class.by_part[1], of_class.by_part[2]);
  }
  text += fmt::format("left out: {} too short, {} by undersampling; {} flows by the manifest\n",
                      thin, dropped, left_out);
  if (split_by == "window") {
    text +=
        "Split by window, as the papers did: windows of one flow stand on both sides and resemble\n"
        "each other, so that results are optimistic. Splits by flow, capture or a named group say\n"
        "what to expect of traffic not seen before.\n";
  } else if (split_by == "flow") {
    text +=
        "Split by flow: flows of one capture may stand on both sides. By capture or a named group\n"
        "is stricter.\n";
  }
  return text;
}

}  // namespace flowmark

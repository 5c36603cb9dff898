// The table of classes left out.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "deployed/left_out.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;
using Side = LeftOutClass::Side;

/// The figures of one row, in percent, in the order of the head.
std::vector<double> figures_of(const Side& side, const std::set<std::string>& classes) {
  std::vector<double> figures;
  for (const std::string& name : classes) figures.push_back(side.own.share_called(name));
  figures.push_back(side.own.share_called(""));
  figures.push_back(side.own.share_left(dscp::kExpedited));
  figures.push_back(side.own.share_left(dscp::kAf41));
  figures.push_back(share(side.known.right, side.known.flows));
  figures.push_back(side.known.share_called(""));
  for (double& figure : figures) figure *= 100;
  return figures;
}

std::string row_text(const std::string& head, const std::vector<double>& figures) {
  std::string text = "| " + head + " |";
  for (const double figure : figures) text += fmt::format(" {:.1f} |", figure);
  return text + "\n";
}

std::set<std::string> classes_called(const std::vector<LeftOutClass>& results) {
  std::set<std::string> classes;
  for (const LeftOutClass& result : results) {
    for (const Side* side : {&result.with_rule, &result.without_rule}) {
      for (const auto& [name, count] : side->own.called) classes.insert(name);
    }
  }
  classes.erase("");
  return classes;
}

Json flows_json(const LeftOutFlows& flows) {
  Json out{{"flows", flows.flows}, {"right", flows.right}, {"packets", flows.packets}};
  for (const auto& [name, count] : flows.called)
    out["called"][name.empty() ? "none" : name] = count;
  for (const auto& [mark, count] : flows.left) out["left"][dscp_name(mark)] = count;
  return out;
}

Json side_json(const Side& side) {
  return {{"own", flows_json(side.own)}, {"known", flows_json(side.known)}};
}

}  // namespace

std::string left_out_table(const std::vector<LeftOutClass>& results) {
  const std::set<std::string> classes = classes_called(results);
  std::string text = "| left out, flows, rule |";
  std::string line = "|---|";
  for (const std::string& name : classes) text += " called " + name + " |";
  text += " no class | packets as EF | as AF41 | known flows: right | no class |\n";
  for (size_t i = 0; i < classes.size() + 5; ++i) line += "---:|";
  text += line + "\n";
  for (const bool has_rule : {true, false}) {
    std::vector<double> sums;
    for (const LeftOutClass& result : results) {
      const Side& side = has_rule ? result.with_rule : result.without_rule;
      const std::vector<double> figures = figures_of(side, classes);
      text += row_text(
          fmt::format("{} {}, {}", result.name, side.own.flows, has_rule ? "with" : "without"),
          figures);
      sums.resize(figures.size());
      for (size_t i = 0; i < figures.size(); ++i) sums[i] += figures[i];
    }
    for (double& sum : sums) sum /= static_cast<double>(results.size());
    text += row_text(has_rule ? "mean, with" : "mean, without", sums);
  }
  return text;
}

Json left_out_json(const std::vector<LeftOutClass>& results) {
  Json out = Json::array();
  for (const LeftOutClass& result : results) {
    out.push_back({{"left_out", result.name},
                   {"with_rule", side_json(result.with_rule)},
                   {"without_rule", side_json(result.without_rule)}});
  }
  return out;
}

}  // namespace flowmark

// The board for documents, machines and browsers.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "evaluate/mean.h"
#include "experiment/board.h"
#include "report/evaluation.h"
#include "report/plot.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

/// The figures of a unit, or their means over several.
struct BoardFigures {
  double early_class = 0, early_treatment = 0, early_class_near = 0, early_treatment_near = 0;
  double whole_class = 0, whole_treatment = 0, whole_class_near = 0, whole_treatment_near = 0;
  double calibration_error = 0, answered = 0, answered_accuracy = 0;
};

constexpr double BoardFigures::*kFigures[] = {
    &BoardFigures::early_class,       &BoardFigures::early_class_near,
    &BoardFigures::early_treatment,   &BoardFigures::early_treatment_near,
    &BoardFigures::whole_class,       &BoardFigures::whole_class_near,
    &BoardFigures::whole_treatment,   &BoardFigures::whole_treatment_near,
    &BoardFigures::calibration_error, &BoardFigures::answered,
    &BoardFigures::answered_accuracy};
const char* const kFigureNames[] = {"early by class",     "early by class, neighbours",
                                    "early by treatment", "early by treatment, neighbours",
                                    "by class",           "by class, neighbours",
                                    "by treatment",       "by treatment, neighbours",
                                    "calibration error",  "answered",
                                    "right of these"};

BoardFigures figures_of(const BoardResult& result) {
  return {balanced_by_class(result, result.early),
          balanced_by_treatment(result, result.early),
          balanced_by_class(result, result.early_neighbours),
          balanced_by_treatment(result, result.early_neighbours),
          balanced_by_class(result, result.whole),
          balanced_by_treatment(result, result.whole),
          balanced_by_class(result, result.whole_neighbours),
          balanced_by_treatment(result, result.whole_neighbours),
          result.whole.calibration_error,
          result.whole.answered,
          result.whole.answered_accuracy};
}

/// The units of an axis that could be judged, and what follows from all of them.
struct BoardAxis {
  std::string name;
  std::vector<const BoardResult*> units;
  std::vector<const BoardResult*> lacking;

  BoardFigures mean() const {
    BoardFigures sum;
    for (const auto figure : kFigures) {
      std::vector<double> values;
      for (const BoardResult* unit : units) {
        // Where nothing is answered there is nothing to be right.
        if (figure == &BoardFigures::answered_accuracy && unit->whole.answered == 0) continue;
        values.push_back(figures_of(*unit).*figure);
      }
      sum.*figure = mean_of(values);
    }
    return sum;
  }
  BoardCalls calls(BoardCalls BoardResult::*which) const {
    BoardCalls sum;
    for (const BoardResult* unit : units) {
      const BoardCalls& one = unit->*which;
      sum.flows_called += one.flows_called;
      sum.flows_right += one.flows_right;
      sum.packets_called += one.packets_called;
      sum.packets_right += one.packets_right;
    }
    return sum;
  }
};

std::vector<BoardAxis> axes_of(const std::vector<BoardResult>& results) {
  std::vector<BoardAxis> axes;
  for (const BoardResult& result : results) {
    auto place = std::ranges::find(axes, result.axis, &BoardAxis::name);
    if (place == axes.end()) place = axes.insert(place, {result.axis, {}, {}});
    (result.lacks.empty() ? place->units : place->lacking).push_back(&result);
  }
  return axes;
}

/// Classes that the unit has, with their flows: "voip 16, video-call 179".
std::string judged_classes(const BoardResult& result) {
  const size_t classes = result.classes.size();
  std::vector<std::string> names;
  for (size_t c = 0; c < classes; ++c) {
    uint64_t flows = 0;
    for (size_t a = 0; a < classes; ++a) flows += result.whole.confusion[c * classes + a];
    if (flows > 0) names.push_back(fmt::format("{} {}", result.classes[c], flows));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string tenths(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

std::string pair(double model, double neighbours) {
  return fmt::format("{:.1f} / {:.1f}", 100 * model, 100 * neighbours);
}

std::string right_of_called(uint64_t right, uint64_t called) {
  return called == 0 ? "none" : fmt::format("{:.1f}", 100 * share(right, called));
}

const std::vector<std::string> kBoardHead{"left out",
                                          "flows judged",
                                          "16 packets, by class",
                                          "by treatment",
                                          "whole, by class",
                                          "by treatment",
                                          "calibration error",
                                          "answered",
                                          "of these right",
                                          "called calls: right, flows",
                                          "packets"};

std::vector<std::string> board_row(const std::string& name, const std::string& judged,
                                   const BoardFigures& f, const BoardCalls& calls,
                                   bool has_answers) {
  return {name,
          judged,
          pair(f.early_class, f.early_class_near),
          pair(f.early_treatment, f.early_treatment_near),
          pair(f.whole_class, f.whole_class_near),
          pair(f.whole_treatment, f.whole_treatment_near),
          tenths(f.calibration_error),
          tenths(f.answered),
          has_answers ? tenths(f.answered_accuracy) : "none",
          right_of_called(calls.flows_right, calls.flows_called),
          right_of_called(calls.packets_right, calls.packets_called)};
}

std::vector<std::vector<std::string>> rows_of(const BoardAxis& axis) {
  std::vector<std::vector<std::string>> rows;
  for (const BoardResult* unit : axis.units) {
    rows.push_back(board_row(unit->value, judged_classes(*unit), figures_of(*unit), unit->calls,
                             unit->whole.answered > 0));
  }
  if (!axis.units.empty()) {
    rows.push_back(board_row("mean", fmt::format("{} left out in turn", axis.units.size()),
                             axis.mean(), axis.calls(&BoardResult::calls), true));
  }
  return rows;
}

std::string title_of(const BoardAxis& axis) {
  return fmt::format("Left out: {}", axis.name);
}

/// What the table's columns are.
constexpr const char* kReading =
    "Balanced accuracy by flow in %, over the classes (treatments) that the left-out recordings "
    "have: the model / its nearest neighbours. More is better. Calibration error: expected, of the "
    "whole flow, in %; less is better. Answered: share of flows at or above the model's "
    "confidence, and how many of these are right. Called calls: of the flows, and of the packets, "
    "that are called voice or video call, abstentions not counted, the share that is; the mean's "
    "row counts all flows together.";

std::string lacking_text(const BoardAxis& axis) {
  std::string text;
  for (const BoardResult* unit : axis.lacking) {
    text += fmt::format("{}: not judged: {}. ", unit->value, unit->lacks);
  }
  return text;
}

Json calls_summary(const BoardCalls& calls) {
  return {{"flows", calls.flows_called},
          {"flows_right", share(calls.flows_right, calls.flows_called)},
          {"packets", calls.packets_called},
          {"packets_right", share(calls.packets_right, calls.packets_called)}};
}

double chance_of(const std::vector<BoardResult>& results) {
  for (const BoardResult& result : results) {
    if (!result.classes.empty()) return 1 / static_cast<double>(result.classes.size());
  }
  return 0;
}

}  // namespace

Json board_json(const std::vector<BoardResult>& results, const std::string& how) {
  Json json{{"experiment", "sources"}, {"data", how}, {"axes", Json::array()}};
  for (const BoardAxis& axis : axes_of(results)) {
    Json means;
    const BoardFigures mean = axis.mean();
    for (size_t i = 0; i < std::size(kFigures); ++i) means[kFigureNames[i]] = mean.*kFigures[i];
    json["axes"].push_back(
        {{"axis", axis.name},
         {"units", axis.units.size()},
         {"mean", means},
         {"calls", calls_summary(axis.calls(&BoardResult::calls))},
         {"answered_calls", calls_summary(axis.calls(&BoardResult::answered_calls))}});
  }
  json["units"] = Json::array();
  for (const BoardResult& result : results) json["units"].push_back(result.to_json());
  return json;
}

std::string board_markdown(const std::vector<BoardResult>& results) {
  std::string text = std::string(kReading) + "\n";
  for (const BoardAxis& axis : axes_of(results)) {
    text += fmt::format("\n### {}\n\n", title_of(axis));
    if (!axis.units.empty()) {
      text += fmt::format("| {} |\n|---|---|{}\n", fmt::join(kBoardHead, " | "),
                          "---:|---:|---:|---:|---:|---:|---:|---:|---:|");
      for (const auto& row : rows_of(axis)) text += fmt::format("| {} |\n", fmt::join(row, " | "));
    }
    if (!axis.lacking.empty()) text += "\n" + lacking_text(axis) + "\n";
  }
  return text;
}

std::string board_plot(const std::vector<BoardResult>& results) {
  DotPlot plot;
  plot.title = "Left out of the training: balanced accuracy by flow";
  plot.series = {"model, whole flow", "neighbours", "model, 16 packets"};
  plot.chance = chance_of(results);
  for (const BoardAxis& axis : axes_of(results)) {
    const std::string before = axis.name == "source" ? "" : axis.name + " ";
    for (const BoardResult* unit : axis.units) {
      const BoardFigures f = figures_of(*unit);
      plot.rows.push_back(
          {before + unit->value, {f.whole_class, f.whole_class_near, f.early_class}});
    }
  }
  return plot.rows.empty() ? "" : svg_dots(plot);
}

HtmlReport board_report(const std::vector<BoardResult>& results, const std::string& how) {
  HtmlReport report("flowmark experiment sources", "Right where it was not trained");
  report.section("What this is");
  report.paragraph(
      "A model is trained on all sources but one and judged on that one, in turn. The nearest "
      "neighbours are those among the same training windows.");
  report.paragraph(how);
  report.section("The board");
  report.paragraph(kReading);
  if (const std::string plot = board_plot(results); !plot.empty()) {
    report.figure(plot,
                  "Discs and diamonds: the model. Squares: its nearest neighbours. Dashed: "
                  "guessing among all classes.");
  }
  for (const BoardAxis& axis : axes_of(results)) {
    report.section(title_of(axis));
    if (!axis.units.empty()) report.table({"", kBoardHead, rows_of(axis), 2});
    if (!axis.lacking.empty()) report.paragraph(lacking_text(axis));
  }
  return report;
}

}  // namespace flowmark

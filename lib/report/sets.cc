#include "report/sets.h"

#include <fmt/format.h>

#include "evaluate/reliability.h"
#include "report/evaluation.h"
#include "report/plot.h"

namespace flowmark {
namespace {

void add_scores(HtmlReport& report, const char* what, const SetEvaluation& evaluation,
                bool of_flows, const BootstrapOptions& bootstrap) {
  const MultiLabelScores& scores = of_flows ? evaluation.flows() : evaluation.windows();
  std::string exact = percent_text(scores.exact_match());
  std::string hamming = percent_text(scores.hamming_loss());
  std::string caption = fmt::format("{}: {}", what, scores.total());
  if (bootstrap.replicates > 0) {
    const auto found = evaluation.intervals(of_flows, bootstrap);
    exact += " (" + percent_text(found.exact_match) + ")";
    hamming += " (" + percent_text(found.hamming_loss) + ")";
    caption += fmt::format("; {:g}% bootstrap intervals over {} groups", 100 * bootstrap.level,
                           found.groups);
  }
  report.paragraph(fmt::format(
      "{}: exact match (every label right) {}, Hamming loss (share of labels that are wrong) {}.",
      what, exact, hamming));
  HtmlReport::Table table;
  table.caption = caption;
  table.head = {"label", "count", "precision", "recall", "F1", "said above"};
  for (size_t c = 0; c < scores.labels().size(); ++c) {
    table.rows.push_back({scores.labels()[c], std::to_string(scores.support(c)),
                          percent_text(scores.precision(c)), percent_text(scores.recall(c)),
                          percent_text(scores.f1(c)),
                          fmt::format("{:.3f}", evaluation.thresholds()[c])});
  }
  report.table(table);
}

void add_sets(HtmlReport& report, const SetEvaluation& evaluation) {
  HtmlReport::Table table;
  table.caption = evaluation.windows().total() > 0 ? "Full windows by their true set of labels"
                                                   : "Flows by their true set of labels";
  table.head = {"true set", "count", "exact match", "most often taken for"};
  for (const SetEvaluation::TrueSet& set : evaluation.true_sets()) {
    table.rows.push_back(
        {set.name, std::to_string(set.count), percent_text(set.exact_match()),
         set.worst_count == 0 ? "-" : fmt::format("{} ({})", set.worst, set.worst_count)});
  }
  report.table(table);
}

void add_prefixes(HtmlReport& report, const SetEvaluation& evaluation, bool packets) {
  LinePlot plot;
  plot.title = packets ? "How early: after so many packets" : "How early: after so many seconds";
  plot.x_title = packets ? "packets of the flow" : "seconds of the flow";
  plot.y_title = "share";
  plot.log_x = true;
  plot.series = {{"exact match", {}}, {"labels right", {}}};
  for (const auto& at : evaluation.at_prefixes()) {
    if ((at.prefix.packets > 0) != packets || at.scores.total() == 0) {
      continue;
    }
    const double x =
        packets ? at.prefix.packets : static_cast<double>(at.prefix.us) / double{kUsPerSecond};
    const double exact = at.scores.exact_match();
    const double right = 1 - at.scores.hamming_loss();
    plot.series[0].points.push_back({x, exact, exact, exact});
    plot.series[1].points.push_back({x, right, right, right});
  }
  if (!plot.series[0].points.empty()) {
    report.figure(svg_line_plot(plot),
                  "Every flow counts, with what it has by then. Labels right: 1 - Hamming loss.");
  }
}

void add_reliability(HtmlReport& report, const SetEvaluation& evaluation) {
  // Of every label: how often it is there where the model says so with about this probability.
  std::vector<Judgement> yes = evaluation.windows().total() > 0 ? evaluation.window_judgements()
                                                                : evaluation.flow_judgements();
  for (Judgement& judgement : yes) {
    judgement.answer = 1;
  }
  const Reliability reliability = reliability_of(yes);
  LinePlot curve;
  curve.title = "Reliability: all labels";
  curve.x_title = "probability of a label";
  curve.y_title = "share that has it";
  curve.percent_x = true;
  curve.diagonal = true;
  curve.series.push_back({"share that has it", {}});
  for (const auto& bin : reliability.bins) {
    if (bin.count > 0) {
      curve.series[0].points.push_back({bin.confidence, bin.accuracy, 0, 0});
    }
  }
  report.figure(
      svg_line_plot(curve),
      fmt::format("On the dashed line a probability is what it says. Expected calibration "
                  "error {:.3f}, largest of a bin {:.3f}.",
                  reliability.expected_error, reliability.largest_error));
}

}  // namespace

void report_sets(HtmlReport& report, const SetEvaluation& evaluation,
                 const BootstrapOptions& bootstrap) {
  report.section("How right");
  if (evaluation.windows().total() > 0) {
    add_scores(report, "full windows", evaluation, false, bootstrap);
  }
  add_scores(report, "flows", evaluation, true, bootstrap);
  report.section("Set by set");
  add_sets(report, evaluation);
  if (!evaluation.at_prefixes().empty()) {
    report.section("How early");
    add_prefixes(report, evaluation, true);
    add_prefixes(report, evaluation, false);
  }
  report.section("How sure");
  add_reliability(report, evaluation);
}

}  // namespace flowmark

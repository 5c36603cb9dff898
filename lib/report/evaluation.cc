#include "report/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "evaluate/reliability.h"
#include "report/draw_window.h"
#include "report/plot.h"
#include "report/sets.h"

namespace flowmark {
namespace {

constexpr uint32_t kPictureSide = 240;

void add_scores(HtmlReport& report, const char* what, const std::vector<std::string>& classes,
                const std::vector<Judgement>& judgements, const BootstrapOptions& bootstrap) {
  const Confusion confusion = confusion_of(classes, judgements);
  const bool intervals = bootstrap.replicates > 0;
  ConfidentScores scores;
  if (intervals) {
    scores = confident_scores(classes, judgements, bootstrap);
  }
  HtmlReport::Table table;
  table.caption = intervals ? fmt::format("{}, {:g}% bootstrap intervals over {} groups", what,
                                          100 * bootstrap.level, scores.groups)
                            : std::string(what);
  table.head = {"class", "count", "precision", "recall", "F1"};
  const auto with = [&](double value, const Interval& interval) {
    return percent_text(value) + (intervals ? " (" + percent_text(interval) + ")" : "");
  };
  for (size_t c = 0; c < classes.size(); ++c) {
    if (confusion.support(c) == 0) {
      table.rows.push_back({classes[c], "0", "-", "-", "-"});
      continue;
    }
    const auto of = intervals ? scores.classes[c] : ConfidentScores::OfClass{};
    table.rows.push_back({classes[c], std::to_string(confusion.support(c)),
                          with(confusion.precision(c), of.precision),
                          with(confusion.recall(c), of.recall), with(confusion.f1(c), of.f1)});
  }
  report.paragraph(fmt::format("{}: accuracy {}, balanced accuracy {}.", what,
                               with(confusion.accuracy(), scores.accuracy),
                               with(confusion.balanced_accuracy(), scores.balanced_accuracy)));
  report.table(table);
  report.figure(svg_confusion(confusion, std::string("Confusion: ") + what),
                "Rows are the true classes, columns the answers; the share is that of the row.");
}

/// Accuracy over prefixes of one kind.
void add_prefix_plot(HtmlReport& report, const Evaluation& evaluation, bool packets,
                     const BootstrapOptions& bootstrap) {
  LinePlot plot;
  plot.title = packets ? "How early: after so many packets" : "How early: after so many seconds";
  plot.x_title = packets ? "packets of the flow" : "seconds of the flow";
  plot.y_title = "share right";
  plot.log_x = true;
  plot.series = {{"accuracy", {}}, {"balanced", {}}};
  double lowest = 1;
  for (const auto& at : evaluation.at_prefixes()) {
    if ((at.prefix.packets > 0) != packets || at.judgements.empty()) {
      continue;
    }
    const double x =
        packets ? at.prefix.packets : static_cast<double>(at.prefix.us) / double{kUsPerSecond};
    std::vector<Interval> both(2);
    const Statistics accuracies = [](const Confusion& confusion) {
      return std::vector<double>{confusion.accuracy(), confusion.balanced_accuracy()};
    };
    if (bootstrap.replicates > 0) {
      both = bootstrap_intervals(at.confusion.classes(), at.judgements, accuracies, bootstrap);
    }
    const std::vector<double> values = accuracies(at.confusion);
    for (size_t i = 0; i < 2; ++i) {
      const bool band = bootstrap.replicates > 0;
      plot.series[i].points.push_back(
          {x, values[i], band ? both[i].low : values[i], band ? both[i].high : values[i]});
      lowest = std::min(lowest, band ? both[i].low : values[i]);
    }
  }
  if (plot.series[0].points.empty()) {
    return;
  }
  plot.y_from = lowest > 0.5 ? 0.5 : 0;
  report.figure(svg_line_plot(plot),
                "Every flow counts, with what it has by then; bands are bootstrap intervals.");
}

void add_confidence(HtmlReport& report, const char* what,
                    const std::vector<Judgement>& judgements) {
  const Reliability reliability = reliability_of(judgements);
  LinePlot curve;
  curve.title = std::string("Reliability: ") + what;
  curve.x_title = "confidence";
  curve.y_title = "share right";
  curve.percent_x = true;
  curve.diagonal = true;
  curve.series.push_back({"share right", {}});
  for (const auto& bin : reliability.bins) {
    if (bin.count > 0) {
      curve.series[0].points.push_back({bin.confidence, bin.accuracy, 0, 0});
    }
  }
  report.figure(svg_line_plot(curve),
                fmt::format("On the dashed line confidence is what it says. Expected calibration "
                            "error {:.3f}, largest of a bin {:.3f}.",
                            reliability.expected_error, reliability.largest_error));
  LinePlot cover;
  cover.title = std::string("Withholding answers below a confidence: ") + what;
  cover.x_title = "least confidence";
  cover.y_title = "share";
  cover.percent_x = true;
  cover.series = {{"answered", {}}, {"right of those", {}}};
  for (const CoveragePoint& point : coverage_of(judgements)) {
    cover.series[0].points.push_back({point.threshold, point.coverage, 0, 0});
    if (point.coverage > 0) {
      cover.series[1].points.push_back({point.threshold, point.accuracy, 0, 0});
    }
  }
  report.figure(svg_line_plot(cover),
                "What a policy's confidence costs in answers and brings in right ones.");
}

void add_windows(HtmlReport& report, const Model& model, const std::vector<ShownWindow>& windows) {
  std::vector<HtmlReport::Picture> pictures;
  DrawStyle style;
  style.side = kPictureSide;
  for (const ShownWindow& shown : windows) {
    HtmlReport::Picture picture;
    picture.png = window_png(model.input, shown.window.features, style);
    const std::string verdict =
        shown.answer == shown.truth
            ? fmt::format("right, {}", percent_text(static_cast<double>(shown.confidence)))
            : fmt::format("taken for {}, {}", model.classes[shown.answer],
                          percent_text(static_cast<double>(shown.confidence)));
    picture.caption = fmt::format("{}: {} {} {}, {} packets; {}", model.classes[shown.truth],
                                  shown.flow, to_string(shown.window.side), shown.window.number,
                                  shown.window.packets, verdict);
    picture.alt =
        fmt::format("{} of a flow of class {}: {} packets in {} cells", model.input.kind(),
                    model.classes[shown.truth], shown.window.packets, shown.window.features.size());
    pictures.push_back(std::move(picture));
  }
  report.gallery(pictures);
}

void add_single(HtmlReport& report, const Model& model, const SourceEvaluation& result,
                const BootstrapOptions& bootstrap) {
  const Evaluation& evaluation = *result.single;
  report.section("How right");
  add_scores(report, "flows", model.classes, evaluation.flow_judgements(), bootstrap);
  if (!evaluation.window_judgements().empty()) {
    add_scores(report, "full windows", model.classes, evaluation.window_judgements(), bootstrap);
  }
  if (!evaluation.at_prefixes().empty()) {
    report.section("How early");
    add_prefix_plot(report, evaluation, true, bootstrap);
    add_prefix_plot(report, evaluation, false, bootstrap);
    HtmlReport::Table table;
    table.head = {"after", "windows", "reached", "accuracy", "balanced", "mean confidence"};
    for (const auto& at : evaluation.at_prefixes()) {
      const auto total = static_cast<double>(std::max<uint64_t>(at.confusion.total(), 1));
      table.rows.push_back({to_string(at.prefix), std::to_string(at.confusion.total()),
                            std::to_string(at.reached), percent_text(at.confusion.accuracy()),
                            percent_text(at.confusion.balanced_accuracy()),
                            percent_text(at.mean_confidence / total)});
    }
    report.table(table);
  }
  report.section("How sure");
  add_confidence(report, "flows", evaluation.flow_judgements());
  if (!evaluation.window_judgements().empty()) {
    add_confidence(report, "full windows", evaluation.window_judgements());
  }
  if (!result.mistakes.empty()) {
    report.section("Confident mistakes");
    report.paragraph("The wrong answers that the model was surest of, one a flow.");
    add_windows(report, model, result.mistakes);
  }
  if (!result.examples.empty()) {
    report.section("Windows by class");
    add_windows(report, model, result.examples);
  }
}

}  // namespace

std::string percent_text(double share) {
  return fmt::format("{:.2f}%", 100 * share);
}

std::string percent_text(const Interval& interval) {
  return fmt::format("{:.2f} to {:.2f}", 100 * interval.low, 100 * interval.high);
}

HtmlReport evaluation_report(const Model& model, const SourceEvaluation& result,
                             const std::string& data, const BootstrapOptions& bootstrap) {
  HtmlReport report("flowmark: " + model.task + " model judged",
                    fmt::format("{} (SHA-256 {}), on {}", model.path, model.sha256, data));
  report.section("Summary");
  HtmlReport::Table table;
  table.text_columns = 2;
  table.rows = {{"model", fmt::format("{}, {} parameters", model.engine->kind(), model.parameters)},
                {"reads", model.input.to_json()},
                {"classes", fmt::format("{}", fmt::join(model.classes, ", "))},
                {"flows judged", std::to_string(result.counts.flows)},
                {"too short", std::to_string(result.counts.thin_flows)},
                {"left out", std::to_string(result.counts.left_out)}};
  report.table(table);
  if (result.single) {
    add_single(report, model, result, bootstrap);
  }
  if (result.multi) {
    report_sets(report, *result.multi, bootstrap);
  }
  return report;
}

}  // namespace flowmark

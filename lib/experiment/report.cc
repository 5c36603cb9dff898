// What an experiment found, for terminals, documents, machines and browsers.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "evaluate/confusion.h"
#include "experiment/run.h"
#include "report/evaluation.h"
#include "report/plot.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;
using Row = ResultTable::Row;

const std::vector<std::string> kHead = {
    "", "ours", "+-", "95% interval", "accuracy", "published", "train / test windows"};

std::string published_text(const Row& row) {
  std::string text = row.published ? fmt::format("{:.1f}%", 100 * *row.published) : "-";
  if (row.published_hamming) {
    text += fmt::format(", Hamming {:.1f}%", 100 * *row.published_hamming);
  }
  return text;
}

/// The columns of kHead.
std::vector<std::string> columns(const Row& row) {
  if (!row.lacks.empty()) {
    return {row.name, "lacking: " + row.lacks, "", "", "", published_text(row), ""};
  }
  if (row.result == nullptr) {
    return {row.name, percent_text(row.ours), "", "", "", published_text(row), ""};
  }
  const CellResult& result = *row.result;
  return {row.name,
          percent_text(row.ours),
          result.repeats > 1 ? fmt::format("{:.2f}", 100 * result.deviation) : "",
          percent_text(Interval{result.low, result.high}),
          row.multi_label ? fmt::format("Hamming {}", percent_text(result.hamming))
                          : percent_text(result.accuracy),
          published_text(row),
          fmt::format("{} / {} of {} groups", result.train_windows, result.test_windows,
                      result.test_groups)};
}

Row summary_row(const ExperimentSummary& summary,
                const std::map<std::string, const CellResult*>& by_id) {
  Row row;
  row.name = summary.row;
  row.published = summary.published;
  size_t found = 0;
  size_t wanted = 0;
  for (const std::string& id : summary.cells) {
    const auto place = by_id.find(id);
    if (place == by_id.end()) continue;
    ++wanted;
    if (!place->second->lacks.empty()) continue;
    ++found;
    const double value = place->second->balanced;
    row.ours = summary.kind == ExperimentSummary::Kind::best ? std::max(row.ours, value)
                                                             : row.ours + value;
  }
  if (found == 0) {
    row.lacks = wanted == 0 ? "none of its cells was run" : "the data has none of its cells";
    return row;
  }
  if (summary.kind == ExperimentSummary::Kind::mean) {
    row.ours /= static_cast<double>(found);
    row.name += fmt::format(" ({} of {})", found, summary.cells.size());
  }
  return row;
}

}  // namespace

std::vector<ResultTable> result_tables(const ExperimentPlan& plan,
                                       const std::vector<CellResult>& results) {
  std::map<std::string, const CellResult*> by_id;
  for (const CellResult& result : results) {
    by_id[result.id] = &result;
  }
  std::vector<ResultTable> tables;
  const auto table_of = [&](const std::string& heading) -> ResultTable& {
    const auto place = std::find_if(tables.begin(), tables.end(), [&](const ResultTable& table) {
      return table.heading == heading;
    });
    return place != tables.end() ? *place : tables.emplace_back(ResultTable{heading, {}});
  };
  for (const ExperimentCell& cell : plan.cells) {
    const auto place = by_id.find(cell.id);
    if (place == by_id.end()) continue;
    const CellResult& result = *place->second;
    table_of(cell.table)
        .rows.push_back({cell.row, &result, result.lacks, result.balanced, cell.published,
                         cell.published_hamming, cell.task == ExperimentCell::Task::multi_label});
  }
  for (const ExperimentSummary& summary : plan.summaries) {
    Row row = summary_row(summary, by_id);
    if (row.lacks != "none of its cells was run") {
      table_of(summary.table).rows.push_back(std::move(row));
    }
  }
  return tables;
}

std::string results_text(const std::vector<ResultTable>& tables) {
  std::string text;
  for (const ResultTable& table : tables) {
    size_t width = 20;
    for (const Row& row : table.rows) {
      width = std::max(width, row.name.size());
    }
    text += fmt::format("\n{}\n{:<{}} {:>8} {:>6} {:>16} {:>14} {:>11}  {}\n", table.heading, "",
                        width, kHead[1], kHead[2], kHead[3], kHead[4], kHead[5], kHead[6]);
    for (const Row& row : table.rows) {
      const auto of = columns(row);
      text += row.lacks.empty()
                  ? fmt::format("{:<{}} {:>8} {:>6} {:>16} {:>14} {:>11}  {}\n", of[0], width,
                                of[1], of[2], of[3], of[4], of[5], of[6])
                  : fmt::format("{:<{}} {} (published: {})\n", of[0], width, of[1], of[5]);
    }
  }
  return text;
}

std::string results_markdown(const std::vector<ResultTable>& tables) {
  std::string text;
  for (const ResultTable& table : tables) {
    text += fmt::format("### {}\n\n| {} |\n|---|---:|---:|---:|---:|---:|---|\n", table.heading,
                        fmt::join(kHead, " | "));
    for (const Row& row : table.rows) {
      text += fmt::format("| {} |\n", fmt::join(columns(row), " | "));
    }
    text += '\n';
  }
  return text;
}

Json results_json(const ExperimentPlan& plan, const ExperimentOptions& options,
                  const std::vector<CellResult>& results) {
  std::map<std::string, const CellResult*> by_id;
  for (const CellResult& result : results) {
    by_id[result.id] = &result;
  }
  Json out{{"experiment", plan.name},
           {"title", plan.title},
           {"note", plan.note},
           {"split", options.split},
           {"seed", options.seed},
           {"repeats", options.repeats},
           {"max_windows", options.max_windows},
           {"cells", Json::array()},
           {"summaries", Json::array()}};
  for (const ExperimentCell& cell : plan.cells) {
    const auto place = by_id.find(cell.id);
    if (place == by_id.end()) continue;
    Json entry{{"id", cell.id}, {"table", cell.table}, {"row", cell.row}};
    entry["learner"] = cell.learner;
    entry["input"] = Json::parse(cell.spec.to_json());
    entry["train_on"] = cell.train_on;
    entry["test_on"] = cell.test_on;
    if (cell.published) entry["published"] = *cell.published;
    if (cell.published_hamming) entry["published_hamming_loss"] = *cell.published_hamming;
    entry.update(place->second->to_json());
    out["cells"].push_back(entry);
  }
  for (const ExperimentSummary& summary : plan.summaries) {
    const Row row = summary_row(summary, by_id);
    Json entry{{"table", summary.table}, {"row", row.name}};
    if (row.lacks.empty()) {
      entry["value"] = row.ours;
    } else {
      entry["lacks"] = row.lacks;
    }
    if (row.published) entry["published"] = *row.published;
    out["summaries"].push_back(entry);
  }
  return out;
}

HtmlReport results_report(const ExperimentPlan& plan, const std::vector<CellResult>& results,
                          const std::string& how) {
  HtmlReport report("flowmark experiment " + plan.name, plan.title);
  report.section("What this is");
  report.paragraph(plan.note);
  report.paragraph(how);
  report.paragraph(
      "Ours: the mean over the classes of the share that is right (balanced accuracy), averaged "
      "over the repeats, with their standard deviation and a bootstrap interval over test groups.");
  const auto tables = result_tables(plan, results);
  for (const ResultTable& table : tables) {
    report.section(table.heading);
    HtmlReport::Table html;
    html.head = kHead;
    std::vector<ComparedRow> compared;
    for (const Row& row : table.rows) {
      html.rows.push_back(columns(row));
      if (row.lacks.empty()) {
        const bool interval = row.result != nullptr;
        compared.push_back({row.name, row.ours, interval ? row.result->low : row.ours,
                            interval ? row.result->high : row.ours, row.published.has_value(),
                            row.published.value_or(0)});
      }
    }
    if (!compared.empty()) {
      report.figure(svg_comparison(compared, table.heading),
                    "Dots: ours with intervals. Bars: published.");
    }
    report.table(html);
  }
  report.section("Confusion matrices");
  for (const ExperimentCell& cell : plan.cells) {
    for (const CellResult& result : results) {
      if (result.id != cell.id || result.confusion.empty()) continue;
      Confusion confusion(result.classes);
      for (uint32_t t = 0; t < result.classes.size(); ++t) {
        for (uint32_t a = 0; a < result.classes.size(); ++a) {
          confusion.add(t, a, result.confusion[t * result.classes.size() + a]);
        }
      }
      report.figure(svg_confusion(confusion, cell.table + ": " + cell.row),
                    fmt::format("Test windows of {} repeats.", result.repeats));
    }
  }
  return report;
}

}  // namespace flowmark

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "experiment/experiment.h"
#include "report/html.h"

namespace flowmark {

/// True if a cell's id is chosen: no patterns, or one of them (with * and ?) fits all of it or its
/// beginning up to a '/', the experiment's own name left out or not: "category", "vs-all/voip/*".
bool chosen(const std::string& id, const std::vector<std::string>& only);

struct RunHooks {
  std::function<void(const ExperimentCell& cell, size_t done, size_t all)> before;
  /// `kept`: it was in the folder already.
  std::function<void(const ExperimentCell& cell, const CellResult& result, bool kept)> after;
};

/// Runs the chosen cells and writes each to `folder`/cells as soon as it is done; what is there
/// already, from the same data and options, is not computed again. Results in the order of the
/// plan. Throws Error: no cell is chosen, the folder cannot be written.
std::vector<CellResult> run_experiment(const ExperimentPlan& plan, const ExperimentData& data,
                                       const ExperimentOptions& options,
                                       const std::filesystem::path& folder,
                                       const std::vector<std::string>& only,
                                       const RunHooks& hooks = {});

/// The rows of one table: what was measured beside what is published.
struct ResultTable {
  std::string heading;
  struct Row {
    std::string name;
    const CellResult* result = nullptr;  ///< null of summaries
    std::string lacks;                   ///< why there is no figure
    double ours = 0;                     ///< balanced accuracy; multi-label: exact match
    std::optional<double> published;
    std::optional<double> published_hamming;
    bool multi_label = false;
  };
  std::vector<Row> rows;
};
/// In the order of the plan, each table's summaries behind its cells. Holds on to `results`.
std::vector<ResultTable> result_tables(const ExperimentPlan& plan,
                                       const std::vector<CellResult>& results);

std::string results_text(const std::vector<ResultTable>& tables);
std::string results_markdown(const std::vector<ResultTable>& tables);
nlohmann::ordered_json results_json(const ExperimentPlan& plan, const ExperimentOptions& options,
                                    const std::vector<CellResult>& results);
/// `how`: the command and the data, for the page's head.
HtmlReport results_report(const ExperimentPlan& plan, const std::vector<CellResult>& results,
                          const std::string& how);

}  // namespace flowmark

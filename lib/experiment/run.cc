#include "experiment/run.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "experiment/cell_files.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

/// A result kept from before, if it is of the same data and options.
std::optional<CellResult> kept_result(const CellFiles& files, const std::string& id,
                                      uint64_t digest) {
  try {
    if (const auto json = files.read(id, digest)) return CellResult::from_json(*json);
  } catch (const nlohmann::json::exception&) {
    // Damaged: it is computed again and replaced.
  }
  return std::nullopt;
}

/// Cells of the same windows one after the other, else in the order of the plan.
std::vector<size_t> running_order(const std::vector<ExperimentCell>& cells,
                                  const std::vector<size_t>& wanted) {
  std::map<std::string, std::vector<size_t>> by_windows;
  std::vector<std::string> keys;
  for (const size_t i : wanted) {
    const std::string key = fmt::format("{} {}", cells[i].spec.to_json(),
                                        cells[i].recorded_background ? 0 : cells[i].background_pps);
    auto& members = by_windows[key];
    if (members.empty()) {
      keys.push_back(key);
    }
    members.push_back(i);
  }
  std::vector<size_t> order;
  for (const std::string& key : keys) {
    const auto& members = by_windows[key];
    order.insert(order.end(), members.begin(), members.end());
  }
  return order;
}

}  // namespace

Json CellResult::to_json() const {
  Json json{{"id", id}};
  if (!lacks.empty()) {
    json["lacks"] = lacks;
    return json;
  }
  json.update(Json{{"classes", classes},
                   {"accuracy", accuracy},
                   {"balanced_accuracy", balanced},
                   {"deviation", deviation},
                   {"interval", {low, high}},
                   {"hamming_loss", hamming},
                   {"repeats", repeats},
                   {"train_windows", train_windows},
                   {"test_windows", test_windows},
                   {"test_groups", test_groups},
                   {"confusion", confusion},
                   {"seconds", seconds}});
  return json;
}

CellResult CellResult::from_json(const Json& json) {
  CellResult result;
  result.id = json.at("id");
  if (json.contains("lacks")) {
    result.lacks = json.at("lacks");
    return result;
  }
  result.classes = json.at("classes").get<std::vector<std::string>>();
  result.accuracy = json.at("accuracy");
  result.balanced = json.at("balanced_accuracy");
  result.deviation = json.at("deviation");
  result.low = json.at("interval").at(0);
  result.high = json.at("interval").at(1);
  result.hamming = json.at("hamming_loss");
  result.repeats = json.at("repeats");
  result.train_windows = json.at("train_windows");
  result.test_windows = json.at("test_windows");
  result.test_groups = json.at("test_groups");
  result.confusion = json.at("confusion").get<std::vector<uint64_t>>();
  result.seconds = json.at("seconds");
  return result;
}

bool chosen(const std::string& id, const std::vector<std::string>& only) {
  const size_t slash = id.find('/');
  const std::string rest = slash == std::string::npos ? id : id.substr(slash + 1);
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& pattern) {
           return fnmatch(pattern.c_str(), id.c_str(), 0) == 0 ||
                  fnmatch(pattern.c_str(), rest.c_str(), 0) == 0 ||
                  fnmatch((pattern + "/*").c_str(), rest.c_str(), 0) == 0;
         });
}

std::vector<CellResult> run_experiment(const ExperimentPlan& plan, const ExperimentData& data,
                                       const ExperimentOptions& options,
                                       const std::filesystem::path& folder,
                                       const std::vector<std::string>& only,
                                       const RunHooks& hooks) {
  std::vector<size_t> wanted;
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    if (chosen(plan.cells[i].id, only)) {
      wanted.push_back(i);
    }
  }
  if (wanted.empty()) {
    fail("no cell of {} is called '{}' (--list shows them)", plan.name, fmt::join(only, "', '"));
  }
  const CellFiles files(folder);
  CellRunner runner(data, options);
  const uint64_t data_digest = data.digest();
  std::map<size_t, CellResult> results;
  std::map<uint64_t, CellResult> by_digest;  // the same training stands in several tables
  for (const size_t i : running_order(plan.cells, wanted)) {
    const ExperimentCell& cell = plan.cells[i];
    if (hooks.before) hooks.before(cell, results.size(), wanted.size());
    const uint64_t digest = cell_digest(cell, options, data_digest);
    const auto kept = kept_result(files, cell.id, digest);
    const auto same = by_digest.find(digest);
    CellResult result = kept ? *kept : same != by_digest.end() ? same->second : runner.run(cell);
    result.id = cell.id;
    by_digest.emplace(digest, result);
    if (!kept) files.write(cell.id, digest, result.to_json());
    if (hooks.after) hooks.after(cell, result, kept.has_value());
    results[i] = result;
  }
  std::vector<CellResult> in_order;
  for (auto& [i, result] : results) {
    in_order.push_back(std::move(result));
  }
  return in_order;
}

}  // namespace flowmark

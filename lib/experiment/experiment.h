#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiment/data.h"
#include "learn/learners.h"

namespace flowmark {

/// One training and test of an experiment: an entry of its table.
struct ExperimentCell {
  enum class Task : uint8_t {
    category,         ///< which kind of traffic
    technique,        ///< plain, vpn or tor
    encryption,       ///< as the data names it: openvpn, wireguard, ...
    application,      ///< which application
    new_application,  ///< the category of `target`, an application kept out of training
    class_vs_all,     ///< category `target` against the others in equal shares
    multi_label,      ///< which categories are in a tunnel at once
  };

  std::string id;     ///< "leroux/plain/combined/logistic": also its file's name
  std::string table;  ///< heading of the table it stands in
  std::string row;    ///< its name there
  Task task = Task::category;
  std::string target;    ///< a category or an application, see Task
  std::string train_on;  ///< technique of the training recordings; empty: all
  std::string test_on;   ///< of the test recordings
  FeatureSpec spec;      ///< values are set by the learner where it is a histogram
  std::string learner;   ///< "naive-bayes", "logistic", "forest", "cnn"
  double background_pps = 0;
  bool recorded_background = false;  ///< recordings made with it, instead of laying it over others
  std::optional<double> published;   ///< the paper's accuracy; multi-label: exact match
  std::optional<double> published_hamming;  ///< multi-label
};

/// A figure that follows from several cells.
struct ExperimentSummary {
  enum class Kind : uint8_t { best, mean };
  std::string table;
  std::string row;
  Kind kind = Kind::best;
  std::vector<std::string> cells;  ///< ids
  std::optional<double> published;
};

/// An experiment of a paper, as data.
struct ExperimentPlan {
  std::string name;   ///< "leroux"
  std::string title;  ///< with the paper
  std::string note;   ///< what the published figures were measured on
  std::vector<ExperimentCell> cells;
  std::vector<ExperimentSummary> summaries;
};

struct PlanOptions {
  std::string learner = "cnn";  ///< of the FlowPic experiment
  uint32_t window_packets = 1024;
  double block_s = 60;
  ValueKind values = ValueKind::count;  ///< of pictures
};

/// Leroux et al., "Fingerprinting encrypted network traffic types using machine learning", NOMS
/// 2018: three models on three feature sets for each technique; background traffic; several kinds
/// at once.
ExperimentPlan leroux_plan(const ExperimentData& data, const PlanOptions& options);
/// Shapira & Shavitt, "FlowPic: Encrypted Internet Traffic Classification is as Easy as Image
/// Recognition", INFOCOM workshops 2019.
ExperimentPlan flowpic_plan(const ExperimentData& data, const PlanOptions& options);

/// The learners' options as the experiments begin with them.
Learners experiment_learners();

struct ExperimentOptions {
  /// "window" (as the papers: windows of one flow on both sides), "flow", "capture", "group".
  std::string split = "flow";
  double test = 0.3;         ///< share of the groups of each class, unless the data lays it down
  double validation = 0.15;  ///< of those left
  uint32_t train_per_class = 0;  ///< > 0: so many groups of each class, all others for the test
  uint32_t repeats = 3;          ///< with seeds seed, seed + 1, ...
  uint64_t seed = 1;
  uint32_t max_windows = 2000;  ///< of a class in training, and in the test; drawn at random
  uint32_t mixtures = 300;      ///< multi-label: for training; half as many for the test
  /// The learners with their options. One that has no use for validation rows gets none: they join
  /// the training.
  Learners learners = experiment_learners();
  WindowRules rules;
};
/// "group" if every recording has one, else "flow".
std::string default_experiment_split(const ExperimentData& data);
/// Less of everything, for a first look.
void make_quick(ExperimentOptions& options);

/// What became of a cell.
struct CellResult {
  std::string id;
  std::string lacks;  ///< why the data cannot give it; empty: it was computed
  std::vector<std::string> classes;
  std::vector<uint64_t> confusion;  ///< [truth][answer], over all repeats; not of multi-label
  double accuracy = 0;              ///< multi-label: exact match
  double balanced = 0;              ///< mean recall; multi-label: the same as accuracy
  double hamming = 0;               ///< multi-label
  double deviation = 0;             ///< of `balanced` over the repeats
  double low = 0;                   ///< of `balanced`: bootstrap over groups
  double high = 0;
  uint32_t repeats = 0;
  uint64_t train_windows = 0;  ///< of a repeat, about
  uint64_t test_windows = 0;
  uint32_t test_groups = 0;
  double seconds = 0;

  nlohmann::ordered_json to_json() const;
  static CellResult from_json(const nlohmann::ordered_json& json);
};

/// A number for everything the cell's result depends on: the same for cells that stand in several
/// tables.
uint64_t cell_digest(const ExperimentCell& cell, const ExperimentOptions& options,
                     uint64_t data_digest);

/// Trains and tests cells over the same data; keeps the windows last cut, so that cells of one
/// specification should follow each other.
class CellRunner {
 public:
  CellRunner(const ExperimentData& data, const ExperimentOptions& options)
      : data_(data), options_(options) {}
  /// Throws Error when options are wrong; what the data lacks is a result.
  CellResult run(const ExperimentCell& cell);

 private:
  const std::vector<RecordedWindow>& windows(const ExperimentCell& cell);

  const ExperimentData& data_;
  const ExperimentOptions options_;
  std::string cached_;
  std::vector<RecordedWindow> windows_;
};

}  // namespace flowmark

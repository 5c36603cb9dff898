#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "data/manifest.h"
#include "evaluate/confusion.h"
#include "feature/feature_spec.h"
#include "learn/learners.h"
#include "report/html.h"

namespace flowmark {

/// The board of generalisation: a model is trained on all sources but one and judged on that one,
/// in turn. A flow's source is its attribute `source`. Flows with the attribute `leave_out_by`
/// ("technique network") are left out by the values of these keys instead: a lab is one source,
/// what it varies is several.

struct BoardOptions {
  FeatureSpec spec;
  std::string learner = "forest";
  Learners learners;
  /// Within a class every source counts the same (data/balance.h): the key that names it. Empty:
  /// every window counts the same.
  std::string balance_by = "source";
  uint32_t max_flows = 200;  ///< of a class and source, and of a class in a test; drawn at random
  uint32_t max_windows = 3000;  ///< of a class in a training, drawn at random
  uint32_t flow_windows = 8;    ///< full windows of a flow, spread evenly over it
  double validation = 0.15;     ///< share of what is trained on, dealt by session (else flow)
  /// Whole sources are for validation instead of sessions, so that the model is calibrated, and its
  /// confidence chosen, where it was not trained.
  bool validate_by_source = false;
  double target_accuracy = 0.9;  ///< that the confidence is chosen for on validation data
  uint32_t neighbours = 5;       ///< of the baseline
  uint64_t seed = 1;
};
/// Less of everything, for a first look.
void make_quick(BoardOptions& options);

/// The windows of all flows that are kept, and what the figures depend on.
struct BoardData {
  ExampleSet examples;
  uint16_t early = 0;   ///< index of the prefix of kEarlyPackets
  uint64_t digest = 0;  ///< changes with any window, label or attribute
};
inline constexpr uint32_t kEarlyPackets = 16;

/// Reads the sources, draws the flows and their windows. Throws Error naming file and flow: a flow
/// without source, a class without windows.
BoardData load_board_data(const std::vector<DataSource>& sources, const BoardOptions& options);

/// What is left out together.
struct BoardUnit {
  std::string axis;   ///< "source", or the source's first level and a key: "lab technique"
  std::string value;  ///< "requet/a", "tor"
  std::vector<uint32_t> flows;  ///< indices into ExampleSet::flows

  /// "sources/lab technique/tor"
  std::string id() const;
};
/// Sources first, then axes and values by name.
std::vector<BoardUnit> board_units(const ExampleSet& examples);

/// Answers for the flows of a unit at one moment, by class.
struct BoardScore {
  std::vector<uint64_t> confusion;  ///< [truth][answer], flows
  double calibration_error = 0;     ///< expected, 0 to 1
  double answered = 0;              ///< share at or above the confidence
  double answered_accuracy = 0;     ///< share that is right of those
};

/// What leaves marked as voice or video call, of all flows or of those that are answered.
struct BoardCalls {
  uint64_t flows_called = 0, flows_right = 0, packets_called = 0, packets_right = 0;
};

/// What became of a unit.
struct BoardResult {
  std::string axis;
  std::string value;
  std::string lacks;                 ///< why it cannot be judged; the rest is then without meaning
  std::vector<std::string> classes;  ///< of the model
  uint64_t train_windows = 0;
  uint64_t flows = 0;       ///< judged
  double confidence = 0;    ///< below which the model abstains
  BoardScore early, whole;  ///< after kEarlyPackets, and all of the flow
  BoardScore early_neighbours, whole_neighbours;
  BoardCalls calls, answered_calls;  ///< by all of the flow
  double seconds = 0;

  nlohmann::ordered_json to_json() const;
  static BoardResult from_json(const nlohmann::ordered_json& json);
};

/// The mean recall of the classes that the unit has.
double balanced_by_class(const BoardResult& result, const BoardScore& score);
/// The same of treatments: live (voip, video-call, gaming), film (streaming), interactive
/// (browsing, chat, remote-desktop), bulk (file-transfer, p2p). Another class is a treatment of its
/// own.
double balanced_by_treatment(const BoardResult& result, const BoardScore& score);
std::string treatment_of(const std::string& class_name);

/// Trains without the unit, and judges the model and its neighbours on it. Throws Error: options.
BoardResult run_board_unit(const BoardData& data, const BoardUnit& unit,
                           const BoardOptions& options);

struct BoardHooks {
  std::function<void(const BoardUnit& unit, size_t done, size_t all)> before;
  /// `kept`: it was in the folder already.
  std::function<void(const BoardResult& result, bool kept)> after;
};
/// Runs the units that `only` chooses (as chosen() in experiment/run.h) and keeps each in
/// `folder`/cells as soon as it is done; what is there already, from the same data and options, is
/// not computed again. Throws Error: none is chosen, the folder cannot be written.
std::vector<BoardResult> run_board(const BoardData& data, const BoardOptions& options,
                                   const std::filesystem::path& folder,
                                   const std::vector<std::string>& only,
                                   const BoardHooks& hooks = {});

/// `how`: the data and the options, for the head.
nlohmann::ordered_json board_json(const std::vector<BoardResult>& results, const std::string& how);
/// A table for each axis, its mean below.
std::string board_markdown(const std::vector<BoardResult>& results);
/// One row a unit that was judged: dots for the model and the neighbours. An SVG element; empty if
/// none was.
std::string board_plot(const std::vector<BoardResult>& results);
HtmlReport board_report(const std::vector<BoardResult>& results, const std::string& how);

}  // namespace flowmark

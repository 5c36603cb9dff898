#include "learn/training_result.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace flowmark {
namespace {

/// Which answers are to be believed.
std::string confidence_text(const TrainingResult& result) {
  const double target_percent = 100 * result.target_accuracy;
  std::string text;
  for (size_t c = 0; c < result.thresholds.size(); ++c) {
    const LabelThreshold& of = result.thresholds[c];
    text += fmt::format(
        "{}{}: said to be there above {:.3f}; {:.2f}% sure above {:.3f}, which finds {:.2f}% of it "
        "on validation data\n",
        c == 0 ? "\n" : "", result.model->classes[c], of.threshold, target_percent, of.sure,
        100 * of.found);
  }
  if (const auto& chosen = result.abstention) {
    text += fmt::format(
        "\nconfidence {:.3f}: on validation data {:.2f}% of the windows get an answer, of which "
        "{:.2f}% are right{}\n",
        chosen->threshold, 100 * chosen->coverage, 100 * chosen->accuracy,
        chosen->reached ? "" : fmt::format(" (no confidence reaches {:.2f}%)", target_percent));
  }
  for (size_t c = 0; c < result.most_disagreement.size(); ++c) {
    text += fmt::format("{}{} {:.3f}",
                        c == 0 ? "resembles no class where trees disagree more than: " : ", ",
                        result.model->classes[c], result.most_disagreement[c]);
  }
  if (!result.most_disagreement.empty()) text += "\n";
  return text;
}

}  // namespace

nlohmann::ordered_json to_json(std::span<const LabelThreshold> thresholds,
                               const std::vector<std::string>& labels) {
  nlohmann::ordered_json out;
  for (size_t c = 0; c < thresholds.size(); ++c) {
    out[labels[c]] = {{"threshold", thresholds[c].threshold},
                      {"sure", thresholds[c].sure},
                      {"found", thresholds[c].found}};
  }
  return out;
}

nlohmann::ordered_json PartResult::to_json() const {
  return single ? single->to_json() : multi->to_json();
}

std::string PartResult::to_text() const {
  return single ? single->to_text() : multi->to_text();
}

nlohmann::ordered_json TrainingResult::to_json() const {
  auto json = nlohmann::ordered_json::parse(card);
  json["out"] = out.string();
  json["sha256"] = model->sha256;
  json["round_trip"] = round_trip;
  json["trials"] = nlohmann::ordered_json::parse(trials);
  return json;
}

std::string TrainingResult::to_text() const {
  std::string text;
  if (interrupted) {
    text += "\nInterrupted: this is the best model so far.";
    if (!state.empty()) {
      text += fmt::format(" The same command with --resume goes on from {}.", state.string());
    }
    text += "\n";
  }
  if (test) {
    text += "\nOn test data:\n" + test.to_text();
  } else if (validation) {
    text += "\nOn validation data, by which the model was chosen:\n" + validation.to_text();
  } else {
    text += "\nNo data was set aside: how right the model is, is not known (flowmark eval).\n";
  }
  text += confidence_text(*this);
  text += fmt::format(
      "\n{}: {} parameters, {} golden windows, largest difference to the trained probabilities "
      "{:.1e}\n",
      out.string(), model->parameters, model->golden_windows, round_trip);
  return text;
}

}  // namespace flowmark

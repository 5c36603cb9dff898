#include "train/evaluation.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <memory>

#include "base/error.h"

namespace flowmark {
namespace {

uint32_t likeliest(std::span<const float> probabilities) {
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  return static_cast<uint32_t>(best - probabilities.begin());
}

Answer ask(const Model& model, EngineScratch& scratch, const ExampleInfo& info,
           std::span<const SparseValue> window) {
  const auto probabilities = model.engine->run(scratch, window);
  return {info, {probabilities.begin(), probabilities.end()}};
}

}  // namespace

Evaluation::Evaluation(std::vector<std::string> classes, std::vector<FlowPrefix> prefixes)
    : windows_(classes), flows_(classes) {
  for (const FlowPrefix& prefix : prefixes) {
    at_prefixes_.push_back({prefix, Confusion(classes), 0, 0});
  }
}

void Evaluation::add_flow(uint32_t truth, std::span<const Answer> answers) {
  std::vector<float> tiles(windows_.classes().size(), 0);
  std::vector<float> longest(tiles.size(), 0);
  uint16_t longest_prefix = 0;
  bool any_tile = false;
  for (const Answer& answer : answers) {
    const uint32_t top = likeliest(answer.probabilities);
    const auto confidence = static_cast<double>(answer.probabilities[top]);
    const bool tile = answer.info.prefix == ExampleInfo::kTile;
    if (tile) {
      any_tile = true;
      windows_.add(truth, top);
      window_confidence_ += confidence;
    } else {
      AtPrefix& at = at_prefixes_.at(answer.info.prefix);
      at.confusion.add(truth, top);
      at.reached += answer.info.repeat ? 0 : 1;
      at.mean_confidence += confidence;
      if (answer.info.prefix > longest_prefix) {  // the other direction's may come later
        longest_prefix = answer.info.prefix;
        std::fill(longest.begin(), longest.end(), 0.0F);
      }
      if (answer.info.prefix < longest_prefix) {
        continue;
      }
    }
    std::vector<float>& sum = tile ? tiles : longest;
    std::transform(sum.begin(), sum.end(), answer.probabilities.begin(), sum.begin(),
                   std::plus<float>());
  }
  if (!answers.empty()) {
    flows_.add(truth, likeliest(any_tile ? tiles : longest));
  }
}

double Evaluation::mean_confidence() const noexcept {
  if (windows_.total() > 0) {
    return window_confidence_ / static_cast<double>(windows_.total());
  }
  if (at_prefixes_.empty() || at_prefixes_.back().confusion.total() == 0) {
    return 0;
  }
  return at_prefixes_.back().mean_confidence /
         static_cast<double>(at_prefixes_.back().confusion.total());
}

nlohmann::ordered_json Evaluation::to_json() const {
  nlohmann::ordered_json out;
  out["flows"] = flows_.to_json();
  out["windows"] = windows_.to_json();
  out["mean_confidence"] = mean_confidence();
  out["prefixes"] = nlohmann::ordered_json::array();
  for (const AtPrefix& at : at_prefixes_) {
    const auto total = static_cast<double>(std::max<uint64_t>(at.confusion.total(), 1));
    nlohmann::ordered_json entry;
    if (at.prefix.packets > 0) {
      entry["packets"] = at.prefix.packets;
    } else {
      entry["seconds"] = static_cast<double>(at.prefix.us) / static_cast<double>(kUsPerSecond);
    }
    entry["count"] = at.confusion.total();
    entry["reached"] = at.reached;
    entry["accuracy"] = at.confusion.accuracy();
    entry["balanced_accuracy"] = at.confusion.balanced_accuracy();
    entry["mean_confidence"] = at.mean_confidence / total;
    for (size_t c = 0; c < at.confusion.classes().size(); ++c) {
      entry["recall"][at.confusion.classes()[c]] = at.confusion.recall(c);
    }
    out["prefixes"].push_back(entry);
  }
  return out;
}

std::string Evaluation::to_text() const {
  std::string text;
  if (windows_.total() > 0) {
    text += fmt::format("full windows: {} of {} flows; accuracy {:.2f}%, balanced {:.2f}%\n{}",
                        windows_.total(), flows_.total(), 100 * windows_.accuracy(),
                        100 * windows_.balanced_accuracy(), windows_.to_table());
  }
  text += fmt::format("\nflows, their windows averaged: {}; accuracy {:.2f}%, balanced {:.2f}%\n{}",
                      flows_.total(), 100 * flows_.accuracy(), 100 * flows_.balanced_accuracy(),
                      flows_.to_table());
  if (!at_prefixes_.empty()) {
    text += "\nafter          windows  reached  accuracy  balanced  confidence\n";
  }
  for (const AtPrefix& at : at_prefixes_) {
    const auto total = static_cast<double>(std::max<uint64_t>(at.confusion.total(), 1));
    text += fmt::format("{:<13} {:>8} {:>8} {:>8.2f}% {:>8.2f}% {:>10.3f}\n", to_string(at.prefix),
                        at.confusion.total(), at.reached, 100 * at.confusion.accuracy(),
                        100 * at.confusion.balanced_accuracy(), at.mean_confidence / total);
  }
  return text;
}

Evaluation evaluate_rows(const Model& model, const ExampleSet& examples,
                         std::span<const uint32_t> rows) {
  Evaluation evaluation(examples.classes, examples.prefixes);
  const auto scratch = model.engine->make_scratch();
  std::vector<Answer> answers;
  for (size_t i = 0; i < rows.size(); ++i) {
    const ExampleInfo& info = examples.info(rows[i]);
    answers.push_back(ask(model, *scratch, info, examples.row(rows[i])));
    if (i + 1 == rows.size() || examples.info(rows[i + 1]).flow != info.flow) {
      evaluation.add_flow(info.class_index, answers);
      answers.clear();
    }
  }
  return evaluation;
}

Evaluation evaluate_sources(const Model& model, const std::vector<DataSource>& sources,
                            const CutOptions& cut, LoadCounts& counts) {
  if (model.multilabel) {
    fail("{}: a multi-label model: it has no single class to be judged by", model.path);
  }
  Evaluation evaluation(model.classes, cut.prefixes);
  tbb::enumerable_thread_specific<std::unique_ptr<EngineScratch>> scratches(
      [&] { return model.engine->make_scratch(); });
  counts = {};
  counts.left_out = map_labelled_flows(
      sources,
      [&](uint32_t source, const std::string& class_name, const RecordedFlow& flow) -> Deliver {
        const auto place = std::find(model.classes.begin(), model.classes.end(), class_name);
        if (place == model.classes.end()) {
          fail("{}: flow {} of {} is of class '{}', which {} does not know (it knows: {})",
               sources[source].where, flow.name, sources[source].path.string(), class_name,
               model.path, fmt::join(model.classes, ", "));
        }
        std::vector<Answer> answers;
        EngineScratch& scratch = *scratches.local();
        cut_examples(flow, model.input, cut,
                     [&](const ExampleInfo& info, const OfflineWindow& window) {
                       answers.push_back(ask(model, scratch, info, window.features));
                     });
        return [&, truth = static_cast<uint32_t>(place - model.classes.begin()),
                answers = std::move(answers)] {
          evaluation.add_flow(truth, answers);
          ++(answers.empty() ? counts.thin_flows : counts.flows);
        };
      });
  if (evaluation.flows().total() == 0) {
    fail("no flow to judge by: {} were too short, {} left out", counts.thin_flows, counts.left_out);
  }
  return evaluation;
}

}  // namespace flowmark

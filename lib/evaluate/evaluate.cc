// Asking a model and judging its answers.

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "data/label_sets.h"
#include "evaluate/evaluate_sources.h"

namespace flowmark {
namespace {

Answer ask(const Model& model, EngineScratch& scratch, const ExampleInfo& info,
           std::span<const SparseValue> window) {
  const auto probabilities = model.engine->run(scratch, window);
  return {info, {probabilities.begin(), probabilities.end()}, is_unfamiliar(model, scratch)};
}

/// A flow's answers on their way from a worker to the evaluation.
struct AskedFlow {
  std::string group;   ///< empty: its own
  uint64_t truth = 0;  ///< class, or set of classes
  std::vector<Answer> answers;
  std::optional<ShownWindow> example;
  std::optional<ShownWindow> mistake;
};

/// Takes flows as they are delivered, one at a time.
class Judge {
 public:
  Judge(const Model& model, const EvaluationOptions& options) : model_(model), options_(options) {
    if (model.multilabel) {
      result_.multi.emplace(model.classes, options.cut.prefixes, model.label_thresholds);
    } else {
      result_.single.emplace(model.classes, options.cut.prefixes);
    }
    shown_.resize(model.classes.size());
  }

  void take(AskedFlow& flow) {
    if (flow.answers.empty()) {
      ++result_.counts.thin_flows;
      return;
    }
    ++result_.counts.flows;
    const uint32_t group = groups_.of(flow.group);
    if (model_.multilabel) {
      result_.multi->add_flow(flow.truth, flow.answers, group);
      return;
    }
    const auto truth = static_cast<uint32_t>(flow.truth);
    result_.single->add_flow(truth, flow.answers, group);
    if (flow.example && shown_[truth].size() < options_.shown_per_class) {
      shown_[truth].push_back(std::move(*flow.example));
    }
    if (flow.mistake) {
      keep_mistake(std::move(*flow.mistake));
    }
  }

  SourceEvaluation finish(uint64_t left_out) {
    result_.counts.left_out = left_out;
    require_flows(result_.counts);
    for (auto& windows : shown_) {
      std::move(windows.begin(), windows.end(), std::back_inserter(result_.examples));
    }
    return std::move(result_);
  }

 private:
  void keep_mistake(ShownWindow mistake) {
    auto& kept = result_.mistakes;
    const auto place = std::upper_bound(
        kept.begin(), kept.end(), mistake,
        [](const ShownWindow& a, const ShownWindow& b) { return a.confidence > b.confidence; });
    kept.insert(place, std::move(mistake));
    if (kept.size() > options_.shown_mistakes) {
      kept.pop_back();
    }
  }

  const Model& model_;
  const EvaluationOptions& options_;
  SourceEvaluation result_;
  GroupNumbers groups_;
  std::vector<std::vector<ShownWindow>> shown_;
};

/// Keeps what is worth showing of one flow's windows.
void keep_shown(AskedFlow& flow, const RecordedFlow& recorded, const Answer& answer,
                const OfflineWindow& window, const EvaluationOptions& options) {
  const auto top = std::max_element(answer.probabilities.begin(), answer.probabilities.end());
  const auto said = static_cast<uint32_t>(top - answer.probabilities.begin());
  const auto truth = static_cast<uint32_t>(flow.truth);
  const auto shown = [&] { return ShownWindow{recorded.name, truth, said, *top, window}; };
  // The longest prefix, or the first full window.
  const bool full = answer.info.prefix == ExampleInfo::kTile;
  if (options.shown_per_class > 0 && (!flow.example || !full || window.number == 0)) {
    flow.example = shown();
  }
  if (options.shown_mistakes > 0 && said != truth &&
      (!flow.mistake || flow.mistake->confidence < *top)) {
    flow.mistake = shown();
  }
}

}  // namespace

std::string bootstrap_group(const DataSource& source, const RecordedFlow& flow,
                            const std::string& by) {
  if (by == "flow") {
    return "";
  }
  if (by == "file") {
    return source.path.string();
  }
  const auto all = source.attributes_of(flow);
  const auto found = all.find(by.empty() ? "session" : by);
  if (found == all.end() && by.empty()) {
    return "";
  }
  if (found == all.end()) {
    fail("{}: flow {} has no key '{}', by which intervals are to be drawn", source.where, flow.name,
         by);
  }
  return found->second;
}

uint32_t class_of_flow(const Model& model, const DataSource& source, const RecordedFlow& flow,
                       const std::string& class_name) {
  const auto place = std::find(model.classes.begin(), model.classes.end(), class_name);
  if (place == model.classes.end()) {
    fail("{}: flow {} of {} is of class '{}', which {} does not know (it knows: {})", source.where,
         flow.name, source.path.string(), class_name, model.path, fmt::join(model.classes, ", "));
  }
  return static_cast<uint32_t>(place - model.classes.begin());
}

void require_flows(const LoadCounts& counts) {
  if (counts.flows == 0) {
    fail("no flow to judge by: {} were too short, {} left out, by their split too",
         counts.thin_flows, counts.left_out);
  }
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

SourceEvaluation evaluate_sources(const Model& model, const std::vector<DataSource>& sources,
                                  const EvaluationOptions& options) {
  Judge judge(model, options);
  tbb::enumerable_thread_specific<std::unique_ptr<EngineScratch>> scratches(
      [&] { return model.engine->make_scratch(); });
  const uint64_t left_out = map_labelled_flows(
      sources,
      [&](uint32_t source, const std::string& class_name, const RecordedFlow& flow) -> Deliver {
        auto asked = std::make_shared<AskedFlow>();
        asked->group = bootstrap_group(sources[source], flow, options.group_by);
        asked->truth = model.multilabel
                           ? label_set(class_name, model.classes,
                                       fmt::format("{}: flow {} of {}", sources[source].where,
                                                   flow.name, sources[source].path.string()))
                           : class_of_flow(model, sources[source], flow, class_name);
        EngineScratch& scratch = *scratches.local();
        cut_examples(flow, model.input, options.cut,
                     [&](const ExampleInfo& info, const OfflineWindow& window) {
                       asked->answers.push_back(ask(model, scratch, info, window.features));
                       if (!model.multilabel) {
                         keep_shown(*asked, flow, asked->answers.back(), window, options);
                       }
                     });
        return [&judge, asked] { judge.take(*asked); };
      });
  return judge.finish(left_out);
}

}  // namespace flowmark

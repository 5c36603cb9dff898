#include "evaluate/evaluate_vote.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/error.h"

namespace flowmark {
namespace {

std::vector<float> mean(std::span<const std::vector<float>> of) {
  std::vector<float> sum(of[0].size(), 0);
  for (const std::vector<float>& one : of) {
    std::transform(sum.begin(), sum.end(), one.begin(), sum.begin(), std::plus<float>());
  }
  for (float& value : sum) value /= static_cast<float>(of.size());
  return sum;
}

/// One voter: its model, and where its classes stand in the order of the vote's.
struct Voter {
  const Model* model;
  std::vector<size_t> place;

  Answer ask(EngineScratch& scratch, const ExampleInfo& info,
             std::span<const SparseValue> window) const {
    const auto probabilities = model->engine->run(scratch, window);
    Answer answer{info, std::vector<float>(probabilities.size())};
    for (size_t c = 0; c < place.size(); ++c) answer.probabilities[place[c]] = probabilities[c];
    return answer;
  }
};

std::vector<Voter> voters_of(std::span<const std::shared_ptr<const Model>> models) {
  if (models.size() < 2) {
    fail("a vote needs two models or more, there are {}", models.size());
  }
  std::vector<Voter> voters;
  const auto& classes = models[0]->classes;
  for (const auto& model : models) {
    if (model->multilabel) {
      fail("{}: a multi-label model; only models of one class each vote", model->path);
    }
    Voter voter{model.get(), {}};
    for (const std::string& name : model->classes) {
      const auto found = std::find(classes.begin(), classes.end(), name);
      if (found != classes.end()) {
        voter.place.push_back(static_cast<size_t>(found - classes.begin()));
      }
    }
    if (voter.place.size() != classes.size() || model->classes.size() != classes.size()) {
      fail("{}: its classes ({}) are not those of {} ({}): they cannot vote", model->path,
           fmt::join(model->classes, ", "), models[0]->path, fmt::join(classes, ", "));
    }
    voters.push_back(std::move(voter));
  }
  return voters;
}

/// A flow's answers on their way from a worker to the evaluations.
struct VotedFlow {
  std::string group;  ///< empty: its own
  uint32_t truth = 0;
  std::vector<std::vector<Answer>> answers;  ///< by voter
};

class VoteJudge {
 public:
  VoteJudge(std::span<const std::shared_ptr<const Model>> models, const EvaluationOptions& options)
      : result_{{models[0]->classes, options.cut.prefixes}, {}, {}} {
    result_.voters.resize(models.size(), {models[0]->classes, options.cut.prefixes});
  }

  void take(const VotedFlow& flow) {
    if (std::all_of(flow.answers.begin(), flow.answers.end(),
                    [](const std::vector<Answer>& answers) { return answers.empty(); })) {
      ++result_.counts.thin_flows;
      return;
    }
    ++result_.counts.flows;
    const uint32_t group = groups_.of(flow.group);
    for (size_t v = 0; v < flow.answers.size(); ++v) {
      result_.voters[v].add_flow(flow.truth, flow.answers[v], group);
    }
    const FlowVote vote = vote_on_flow(flow.answers);
    result_.vote.add_vote(flow.truth, vote.prefixes, vote.probabilities, group);
  }

  VoteEvaluation finish(uint64_t left_out) {
    result_.counts.left_out = left_out;
    require_flows(result_.counts);
    return std::move(result_);
  }

 private:
  VoteEvaluation result_;
  GroupNumbers groups_;
};

}  // namespace

FlowVote vote_on_flow(std::span<const std::vector<Answer>> voters) {
  FlowVote vote;
  std::set<uint16_t> prefixes;
  for (const Answer& answer : voters[0]) prefixes.insert(answer.info.prefix);
  prefixes.erase(ExampleInfo::kTile);
  for (const uint16_t prefix : prefixes) {
    std::vector<std::vector<float>> said;
    Answer together;
    together.info.prefix = prefix;
    together.info.repeat = true;
    for (const std::vector<Answer>& answers : voters) {
      std::vector<float> of_model = mean_of_prefix(answers, prefix);
      if (of_model.empty()) break;
      said.push_back(std::move(of_model));
      together.info.repeat &= std::all_of(
          answers.begin(), answers.end(),
          [&](const Answer& answer) { return answer.info.prefix != prefix || answer.info.repeat; });
    }
    if (said.size() == voters.size()) {
      together.probabilities = mean(said);
      vote.prefixes.push_back(std::move(together));
    }
  }
  std::vector<std::vector<float>> said;
  for (const std::vector<Answer>& answers : voters) {
    if (!answers.empty()) said.push_back(mean_of_flow(answers));
  }
  vote.probabilities = mean(said);
  return vote;
}

VoteEvaluation evaluate_vote(std::span<const std::shared_ptr<const Model>> models,
                             const std::vector<DataSource>& sources,
                             const EvaluationOptions& options) {
  const std::vector<Voter> voters = voters_of(models);
  VoteJudge judge(models, options);
  using Scratches = std::vector<std::unique_ptr<EngineScratch>>;
  tbb::enumerable_thread_specific<Scratches> scratches([&] {
    Scratches all;
    for (const Voter& voter : voters) all.push_back(voter.model->engine->make_scratch());
    return all;
  });
  const uint64_t left_out = map_labelled_flows(
      sources,
      [&](uint32_t source, const std::string& class_name, const RecordedFlow& flow) -> Deliver {
        auto asked = std::make_shared<VotedFlow>();
        asked->group = bootstrap_group(sources[source], flow, options.group_by);
        asked->truth = class_of_flow(*voters[0].model, sources[source], flow, class_name);
        asked->answers.resize(voters.size());
        for (size_t v = 0; v < voters.size(); ++v) {
          cut_examples(flow, voters[v].model->input, options.cut,
                       [&](const ExampleInfo& info, const OfflineWindow& window) {
                         asked->answers[v].push_back(
                             voters[v].ask(*scratches.local()[v], info, window.features));
                       });
        }
        return [&judge, asked] { judge.take(*asked); };
      });
  return judge.finish(left_out);
}

}  // namespace flowmark

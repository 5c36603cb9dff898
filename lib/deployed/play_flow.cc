#include "deployed/play_flow.h"

#include <array>

#include "base/block_pool.h"
#include "base/error.h"
#include "deployed/flow_frames.h"
#include "runtime/model_store.h"
#include "runtime/wiring.h"

namespace flowmark {
namespace {

/// A flow of its own, and those that it becomes after silences, one after the other.
constexpr uint32_t kTableFlows = 16;
constexpr uint64_t kWindowBytes = 32 * BlockPool::kMaxBlock;
constexpr size_t kDscpByte = 14 + 1;  // of a frame of FlowFrames

/// The standing verdicts of the one flow there is.
class StandingVerdict final : public VerdictSink {
 public:
  explicit StandingVerdict(const ModelSet& models) : models_(models.models()) {
    classes_.fill(kNoClass);
  }

  void on_verdict(const VerdictEvent& event) noexcept override {
    classes_[event.model] = event.final ? kNoClass : event.class_index;
  }

  /// That of the last model that marks and has one, as Verdicts::mark_of().
  std::string_view class_name() const {
    for (size_t slot = models_.size(); slot-- > 0;) {
      if (!models_[slot].marks || classes_[slot] == kNoClass) continue;
      return models_[slot].model->classes[classes_[slot]];
    }
    return {};
  }

 private:
  const std::vector<ActiveModel>& models_;
  std::array<uint8_t, kMaxModels> classes_{};
};

}  // namespace

Deployment deployment_of(const Settings& settings, bool admits) {
  Settings own = settings;
  own.policies.clear();
  Deployment deployment;
  deployment.models = load_models(own, 1);
  for (const ActiveModel& model : deployment.models->models()) {
    if (!model.model->multilabel) continue;
    fail("{}: gives several labels at once: recorded flows have one each", model.model->path);
  }
  deployment.options = classifier_options(own, 1, true);
  deployment.options.table.capacity = kTableFlows;
  deployment.options.window_memory_bytes = kWindowBytes;
  deployment.options.inside.clear();
  deployment.options.direction = DirectionRule::lan_port;
  deployment.options.lan_port = FlowFrames::kLanPort;
  deployment.options.parse = {};
  deployment.options.live_budget = nullptr;
  deployment.marking = own.marking;
  deployment.admits = admits;
  return deployment;
}

void play_flow(const RecordedFlow& flow, const Deployment& deployment,
               const std::function<void(const PlayedPacket&)>& take) {
  ClassifierOptions options = deployment.options;
  if (deployment.admits) {
    options.live_budget = std::make_shared<LiveBudget>(live_limits(deployment.marking));
  }
  const auto counters = std::make_unique<WorkerCounters>();
  StandingVerdict standing(*deployment.models);
  Classifier classifier(options, *counters, &standing);
  classifier.use_models(deployment.models.get());
  FlowFrames frames(flow);
  for (const FlowPacket& packet : flow.packets) {
    std::array<Packet, 1> burst{frames.frame(packet)};
    classifier.process(burst, {});
    take({.time_us = packet.time_us,
          .size = packet.size,
          .direction = packet.direction,
          .mark = static_cast<Dscp>(burst[0].data[kDscpByte] >> 2),
          .class_name = standing.class_name()});
    classifier.infer(UINT64_MAX);
    classifier.expire(packet.time_us);
  }
  classifier.use_models(nullptr);
}

}  // namespace flowmark

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "classify/classifier.h"
#include "settings/settings.h"

namespace flowmark {

/// What a daemon runs, for playing recorded flows: models, their policies, marks, timeouts.
struct Deployment {
  std::shared_ptr<const ModelSet> models;
  ClassifierOptions options;  ///< without a budget of live marks; see play_flow()
  MarkingSettings marking;    ///< what each class is to get
  bool admits = true;         ///< flows with a live mark are admitted first (mark/admission.h)
};

/// The deployment of a configuration. Operator's policies are left out: recorded flows have neither
/// the addresses nor the VLANs that they go by. Throws Error: see load_models(); a multi-label
/// model, which no single label judges.
Deployment deployment_of(const Settings& settings, bool admits);

/// A packet as it left.
struct PlayedPacket {
  TimeUs time_us = 0;
  uint16_t size = 0;  ///< recorded
  Direction direction = Direction::up;
  Dscp mark = dscp::kDefault;
  /// The standing verdict of the model that marks the flow; empty: none.
  std::string_view class_name;
};

/// Sends a flow through a classifier of its own, as Worker::run() does at low load: due windows are
/// read before the next packet comes. The flow has the link, the host and the budget of live marks
/// to itself. A silence longer than the timeouts ends it, as live. Deterministic; any thread.
void play_flow(const RecordedFlow& flow, const Deployment& deployment,
               const std::function<void(const PlayedPacket&)>& take);

}  // namespace flowmark

#include "daemon/flowmarkd/loss_watch.h"

namespace flowmark {
namespace {

constexpr uint64_t kFewPackets = 1000;
constexpr double kHeavy = 0.01;
constexpr double kLight = 0.005;  // below `kHeavy`, so that a share near it is told once

}  // namespace

LossWatch::Turn LossWatch::look(const Counts& now) {
  const uint64_t lost = now.lost - before_.lost;
  const uint64_t all = now.received - before_.received + lost;
  if (all < kFewPackets) return Turn::none;
  before_ = now;
  share_ = static_cast<double>(lost) / static_cast<double>(all);
  if (!heavy_ && share_ >= kHeavy) {
    heavy_ = true;
    return Turn::began;
  }
  if (heavy_ && share_ < kLight) {
    heavy_ = false;
    return Turn::ended;
  }
  return Turn::none;
}

}  // namespace flowmark

#include "window/served_windows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "flow/flow_facts.h"
#include "window/flow_windows.h"

namespace flowmark {
namespace {

/// More than one flow's windows ever need, while blocks are copied to larger ones too.
constexpr size_t kServedPoolBytes = 32 * BlockPool::kMaxBlock;

/// One live flow with one model.
class ServedFlow {
 public:
  ServedFlow(const FeatureSpec& spec, const AskPolicy& policy, const FlowFacts& facts)
      : spec_(spec), policy_(policy), facts_(facts), plan_({spec}), pool_(kServedPoolBytes) {
    begin();
  }
  ~ServedFlow() { FlowWindows::destroy(windows_, plan_, pool_); }
  ServedFlow(const ServedFlow&) = delete;
  ServedFlow& operator=(const ServedFlow&) = delete;

  /// The flow has ended: the next packet is another one's first.
  void restart() {
    FlowWindows::destroy(windows_, plan_, pool_);
    begin();
  }

  /// A window if the packet makes one due.
  std::optional<OfflineWindow> add(const FlowPacket& packet) {
    const auto side = static_cast<size_t>(packet.direction);
    if (total() == 0) start_us_ = packet.time_us;
    ++packets_[side];
    const PacketRecord record = make_record(static_cast<uint32_t>(packet.time_us), packet.size,
                                            packet.direction, packet.pure_ack);
    if (windows_->append(record, plan_, pool_) == AppendResult::out_of_memory) {
      fail("no memory for the windows of a flow");
    }
    if (total() == 1) return {};  // no conversation yet: a live flow has no windows either
    return ask(packet);
  }

 private:
  void begin() {
    windows_ = FlowWindows::create(plan_, pool_, facts_);
    packets_ = {};
    schedules_.fill(AskSchedule::first(policy_));
  }
  uint32_t total() const noexcept { return packets_[0] + packets_[1]; }

  std::optional<OfflineWindow> ask(const FlowPacket& packet) {
    const bool has_sides = spec_.has_directions();
    const auto side = has_sides ? static_cast<size_t>(packet.direction) : 0;
    const uint32_t packets = has_sides ? packets_[side] : total();
    const int64_t age_ms = AskSchedule::age_ms(start_us_, packet.time_us);
    if (!schedules_[side].is_due(packets, age_ms)) return {};
    schedules_[side].ask(packets, age_ms, policy_);

    OfflineWindow window;
    window.packets = windows_->packets_in_window(0, packet.direction, plan_);
    // Pictures may have thinned out, e.g. after a pause.
    if (window.packets < std::min(policy_.min_packets, total())) return {};
    windows_->features(0, packet.direction, plan_, window.features);
    window.side = !has_sides                          ? OfflineWindow::Side::both
                  : packet.direction == Direction::up ? OfflineWindow::Side::up
                                                      : OfflineWindow::Side::down;
    window.span_us = span_of(packet, has_sides);
    window.start_us = packet.time_us - window.span_us;
    return window;
  }

  /// From the first packet of the window that the ring still holds to the newest one.
  TimeUs span_of(const FlowPacket& newest, bool has_sides) const {
    const auto [older, newer] = windows_->records();
    const auto now_us = newer.empty() ? older.back().time_us : newer.back().time_us;
    uint32_t left = spec_.window_packets() > 0 ? spec_.window_packets() : UINT32_MAX;
    uint32_t span_us = 0;
    for (const auto& part : {newer, older}) {
      for (size_t i = part.size(); i-- > 0 && left > 0;) {
        if (has_sides && part[i].dir() != newest.direction) continue;
        const uint32_t age_us = now_us - part[i].time_us;
        if (spec_.window_us() > 0 && age_us >= spec_.window_us()) return span_us;
        span_us = age_us;
        --left;
      }
    }
    return span_us;
  }

  const FeatureSpec& spec_;
  const AskPolicy& policy_;
  FlowFacts facts_;
  WindowPlan plan_;
  BlockPool pool_;
  FlowWindows* windows_ = nullptr;
  std::array<AskSchedule, 2> schedules_;
  std::array<uint32_t, 2> packets_{};
  TimeUs start_us_ = 0;
};

}  // namespace

void WindowThinner::add(OfflineWindow&& window) {
  const size_t first = most_ - most_ / 2;
  if (most_ == 0 || kept_.size() < first) {
    kept_.push_back(std::move(window));
    return;
  }
  if (most_ < 2 || late_++ % stride_ != 0) return;
  kept_.push_back(std::move(window));
  if (kept_.size() <= most_) return;
  // Every second one of the late ones goes.
  size_t to = first;
  for (size_t from = first; from < kept_.size(); from += 2) {
    if (to != from) kept_[to] = std::move(kept_[from]);
    ++to;
  }
  kept_.resize(to);
  stride_ *= 2;
}

void cut_served_windows(const RecordedFlow& flow, const FeatureSpec& spec,
                        const ServedOptions& options, const TakeWindow& take) {
  spec.check("feature specification");
  ServedFlow served(spec, options.policy, facts_of(flow));
  WindowThinner thinner(options.most_windows);
  TimeUs now_us = 0;
  uint32_t number = 0;
  FlowLife life;
  for (FlowPacket packet : flow.packets) {
    const TimeUs before_us = std::exchange(now_us, std::max(now_us, packet.time_us));
    packet.time_us = now_us;
    if (life.packets > 0 && life.has_ended(idle_ms(before_us, now_us), options.timeouts)) {
      served.restart();
      life = {};
    }
    life.packets += life.packets < 2;
    std::optional<OfflineWindow> window = served.add(packet);
    if (!window) continue;
    window->number = number++;
    thinner.add(std::move(*window));
  }
  for (const OfflineWindow& window : thinner.kept()) take(window);
}

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "classify/flow_event.h"
#include "classify/host_groups.h"
#include "classify/host_usage.h"
#include "classify/model_set.h"
#include "classify/prepared_models.h"
#include "classify/verdict_event.h"
#include "flow/flow_table.h"
#include "mark/live_budget.h"
#include "net/fragment_table.h"
#include "net/parse.h"
#include "net/prefix.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// How "upstream" is told where the inside prefixes, which come first, do not decide.
enum class DirectionRule : uint8_t {
  lan_port,      ///< packets received on port `lan_port` are upstream (inline)
  first_sender,  ///< whoever began the flow by its first packet, see source_began() (mirror,
                 ///< replay)
};

struct ClassifierOptions {
  FlowTable::Options table;
  uint64_t window_memory_bytes = 256ull << 20;
  bool prefault = false;  ///< touches this memory at once, so that no page faults between packets
  bool windows_at_once = false;  ///< a flow gets windows with its first packet, not its second
  DirectionRule direction = DirectionRule::first_sender;
  uint16_t lan_port = 0;
  std::vector<Prefix> inside;
  ParseOptions parse;
  /// Who may have a live mark; shared by the classifiers of all workers. nullptr: every flow may,
  /// but those of ICMP.
  std::shared_ptr<LiveBudget> live_budget;
  std::vector<HostGroup> host_groups;  ///< whose bytes are counted together
  uint32_t host_records = 0;           ///< pairs of host and class whose bytes are kept; 0: none
  uint32_t due_capacity = 4096;  ///< windows waiting for inference; beyond, the oldest is dropped
};

/// One worker's classifier: parse, flows, windows, verdicts, marks. Everything it touches is its
/// own; memory is reserved at construction. process() and infer() are the packet path. Live and
/// replay differ only in who calls them.
class Classifier final : private FlowRemovalListener {
 public:
  static constexpr uint32_t kMaxBurst = FlowTable::kMaxBurst;

  /// The sinks may be nullptr.
  Classifier(const ClassifierOptions& options, WorkerCounters& counters, VerdictSink* sink,
             FlowSink* flow_sink = nullptr);
  ~Classifier();

  /// The models to use from now on. Flows keep windows whose specification stays; the others are
  /// rebuilt from their last packets at the next touch. Called between bursts; allocates and frees
  /// nothing: the memory of the models before is in `prepared` afterwards.
  void use_models(PreparedModels& prepared) noexcept;
  /// The same, prepared here and now: not for the packet path. nullptr: no models. Throws what
  /// PreparedModels() throws, and then goes on as before.
  void use_models(const ModelSet* models);

  /// A burst of at most kMaxBurst packets with ascending times: classified and, where the verdict
  /// says so, marked in place. `marked[i]` says whether packet i was changed (may be empty).
  void process(std::span<Packet> packets, std::span<bool> marked) noexcept;

  /// Works on due windows for about `budget_ns`; UINT64_MAX: until none is left. Returns whether
  /// any is left.
  bool infer(uint64_t budget_ns) noexcept;

  /// Expires flows; call once a burst and when idle. Looks at as many entries as it takes to go
  /// round the table in a second, at most kMaxExpireWalk.
  void expire(TimeUs now_us) noexcept;
  /// The same for so many entries.
  void expire(TimeUs now_us, uint32_t entries) noexcept;
  static constexpr uint32_t kMaxExpireWalk = 256;

  /// Ends all flows, each with a final event.
  void finish() noexcept;

  const FlowTable& flows() const noexcept;
  /// Any thread; nullptr without host_records.
  const HostUsage* hosts() const noexcept;
  /// Of a flow so far, both directions; of one without windows at most 255 (worker thread only).
  uint32_t packets(FlowId id) const noexcept;
  /// The policy that a flow is under, or kNoPolicy; so too while nothing but its first packet was
  /// seen, or it waits to be moved to other models (worker thread only).
  PolicyPlace policy_of(FlowId id) const noexcept;
  /// The standing verdict of a flow for a model slot, for `ctl explain` (worker thread only).
  struct Standing {
    uint8_t class_index = kNoClass;
    uint32_t labels = 0;  ///< of a multi-label model: bits of all classes that stand
    uint32_t windows = 0;
    bool is_asked = true;                  ///< its condition holds, or it has none
    std::span<const float> probabilities;  ///< voted
  };
  Standing standing(FlowId id, size_t model) const noexcept;

 private:
  void on_remove(FlowId id, FlowEntry& entry, Removal reason) noexcept override;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowmark

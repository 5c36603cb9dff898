#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "actuator/mark_keeper.h"
#include "actuator/messages.h"
#include "daemon/flowmark-nft/nft_context.h"
#include "daemon/flowmark-nft/nft_elements.h"
#include "daemon/netlink/netlink.h"

namespace flowmark {

/// The maps flows4 and flows6 of an nft table, whose elements have timeouts: they vanish by
/// themselves when nobody renews them. Changes of one batch are one transaction. One thread.
class NftStore final : public MarkStore {
 public:
  struct Limits {
    size_t max_flows = 1'000'000;  ///< of each map that this program makes
    uint32_t timeout_s = 600;      ///< of an element; renewed at half of it
  };

  /// Makes the table and the maps where they are missing. Throws Error with nft's message.
  NftStore(NftLanguage language, Limits limits, ActuatorCounters& counters, Messages& messages);

  void set(const FlowTuple& flow, Dscp dscp) override;
  void clear(const FlowTuple& flow) override;
  bool commit(Clock::time_point now) override;
  void reconcile(const MarkedFlows& flows) override;

 private:
  struct Held {
    Dscp dscp;
    Clock::time_point renew_at;
  };
  using Changes = std::unordered_map<FlowTuple, std::optional<Dscp>>;

  void make_missing();
  void renew_due(Clock::time_point now);
  /// Runs the changes; false where nft refused some. `message` gets its reason.
  bool apply(const Changes& changes, Clock::time_point now, std::string& message);
  bool apply_batch(const Changes& batch, Clock::time_point now, std::string& message);
  /// The chains that the batch jumps to. Empty, or nft's message.
  std::string make_missing_chains(const Changes& batch);
  /// 0, or the errno of what the kernel refuses.
  int request(const Changes& batch);
  void note(const Changes& batch, Clock::time_point now);

  NftLanguage language_;
  Limits limits_;
  ActuatorCounters& counters_;
  Messages& messages_;
  NftContext nft_;
  Netlink netlink_;
  std::unordered_map<FlowTuple, Held> held_;  ///< what the maps hold, as far as we know
  Changes waiting_;
  std::set<Dscp> chains_;  ///< that are there
  bool is_stale_ = false;  ///< the maps are not what held_ says
  Clock::time_point next_renewal_{};
  Clock::time_point next_attempt_{};
};

}  // namespace flowmark

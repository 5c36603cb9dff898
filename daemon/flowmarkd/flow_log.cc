#include "daemon/flowmarkd/flow_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "mark/dscp.h"

namespace flowmark {

void FlowLog::take(const VerdictEvent& event, const ModelNames& names) {
  const auto found = by_key_.find(event.key);
  if (event.final) {
    if (found != by_key_.end()) {
      flows_.erase(found->second);
      by_key_.erase(found);
    }
    return;
  }
  if (found != by_key_.end()) {
    flows_.splice(flows_.begin(), flows_, found->second);
  } else {
    if (flows_.size() == capacity_) {
      by_key_.erase(flows_.back().key);
      flows_.pop_back();
    }
    flows_.push_front({});
    flows_.front().key = event.key;
    by_key_[event.key] = flows_.begin();
  }
  if (event.model >= kMaxModels) return;
  Flow& flow = flows_.front();
  flow.bytes = event.bytes;
  flow.verdicts[event.model] =
      Verdict{names.model_name(event.model),
              names.verdict_name(event.model, event.class_index, event.labels), event};
}

nlohmann::ordered_json FlowLog::top(size_t most) const {
  std::vector<const Flow*> order;
  for (const Flow& flow : flows_) order.push_back(&flow);
  most = std::min(most, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
                    [](const Flow* a, const Flow* b) { return a->bytes > b->bytes; });
  auto list = nlohmann::ordered_json::array();
  for (size_t i = 0; i < most; ++i) {
    const Flow& flow = *order[i];
    nlohmann::ordered_json row;
    auto verdicts = nlohmann::ordered_json::array();
    for (const auto& verdict : flow.verdicts) {
      if (!verdict) continue;
      const VerdictEvent& event = verdict->event;
      row["flow"] = to_string(flow.key, event.up_is_a);
      row["packets"] = event.packets;
      row["bytes"] = event.bytes;
      row["mark"] = event.mark == kNoMark ? nlohmann::ordered_json()
                                          : nlohmann::ordered_json(dscp_name(event.mark));
      verdicts.push_back({{"model", verdict->model},
                          {"class", verdict->class_name},
                          {"confidence", event.confidence},
                          {"provisional", event.provisional},
                          {"time_us", event.time_us}});
    }
    row["verdicts"] = verdicts;
    list.push_back(row);
  }
  return list;
}

}  // namespace flowmark

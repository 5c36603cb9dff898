#include "daemon/flowmark-exec/line_queue.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace flowmark {

void LineQueue::begin_snapshot() {
  for (auto& [flow, known] : known_) known.in_snapshot = false;
}

void LineQueue::take(const StreamLine& line, std::string_view text) {
  const auto at = known_.find(line.flow);
  if (line.kind == StreamLine::Kind::end) {
    if (at == known_.end()) return;
    known_.erase(at);
    push(line.flow, text);
  } else if (at == known_.end() && known_.size() >= max_flows_) {
    ++counters_.left_out;
  } else {
    Known& known = known_[line.flow];
    const bool is_news =
        at == known_.end() || known.class_name != line.class_name || known.dscp != line.dscp;
    known = {line.class_name, line.dscp, true};
    if (is_news) push(line.flow, text);
  }
  counters_.flows = known_.size();
}

void LineQueue::end_snapshot() {
  std::erase_if(known_, [this](const auto& entry) {
    if (!entry.second.in_snapshot) push(entry.first, gone_line(entry.first));
    return !entry.second.in_snapshot;
  });
  counters_.flows = known_.size();
}

void LineQueue::push(const FlowTuple& flow, std::string_view text) {
  const auto [at, is_new] = places_.try_emplace(flow);
  if (is_new) {
    at->second = lines_.insert(lines_.end(), {flow, std::string(text)});
  } else {
    at->second->text = text;
    ++counters_.replaced;
  }
}

std::string LineQueue::pop(size_t most) {
  std::string text;
  for (size_t i = 0; i < most && !lines_.empty(); ++i) {
    text += lines_.front().text + "\n";
    places_.erase(lines_.front().flow);
    lines_.pop_front();
  }
  return text;
}

std::string gone_line(const FlowTuple& flow) {
  nlohmann::ordered_json line;
  line["type"] = "end";
  line["flow"] = {{"protocol", flow.protocol},
                  {"source", to_string(flow.source)},
                  {"source_port", flow.source_port},
                  {"destination", to_string(flow.destination)},
                  {"destination_port", flow.destination_port},
                  {"vlan", nullptr}};
  if (flow.vlan != FlowTuple::kNoVlan) line["flow"]["vlan"] = flow.vlan;
  line["reason"] = "gone";
  return line.dump();
}

}  // namespace flowmark

#include "deployed/live_marks.h"

#include <set>

#include "base/keyed_random.h"
#include "mark/live_mark.h"

namespace flowmark {
namespace {

LiveMarkUse use_in(const FlowOutcome& flow, Dscp mark) {
  LiveMarkUse use;
  for (const auto& [marks, packets] : flow.marks) {
    const auto [wanted, left] = marks;
    if (wanted == mark) use.wanted += packets;
    if (left != mark) continue;
    use.left += packets;
    if (wanted == mark) {
      use.seen += packets;
    } else {
      use.of_others += packets;
      if (live_mark_of(wanted) != LiveMark::none) use.of_live += packets;
    }
  }
  use.wanted_flows = use.wanted > 0;
  use.seen_flows = use.seen > 0;
  use.left_flows = use.left > 0;
  use.of_others_flows = use.of_others > 0;
  return use;
}

}  // namespace

void LiveMarkUse::add(const LiveMarkUse& other) {
  wanted += other.wanted;
  seen += other.seen;
  left += other.left;
  of_others += other.of_others;
  of_live += other.of_live;
  wanted_flows += other.wanted_flows;
  seen_flows += other.seen_flows;
  left_flows += other.left_flows;
  of_others_flows += other.of_others_flows;
}

void LiveMarkUses::add(const FlowOutcome& flow, const std::string& group) {
  std::set<Dscp> live;
  for (const auto& [marks, packets] : flow.marks) {
    for (const Dscp mark : {marks.first, marks.second}) {
      if (live_mark_of(mark) != LiveMark::none) live.insert(mark);
    }
  }
  for (const Dscp mark : live) uses_[mark][group].add(use_in(flow, mark));
}

std::vector<LiveMarkUses::Row> LiveMarkUses::rows(const BootstrapOptions& options) const {
  std::vector<Row> rows;
  for (auto of_mark = uses_.rbegin(); of_mark != uses_.rend(); ++of_mark) {
    Row& row = rows.emplace_back();
    row.mark = of_mark->first;
    std::vector<LiveMarkUse> groups;
    for (const auto& [group, use] : of_mark->second) {
      row.use.add(use);
      groups.push_back(use);
    }
    std::vector<double> recalls, false_shares;
    const KeyedRandom random(options.seed);
    for (uint32_t replicate = 0; replicate < options.replicates; ++replicate) {
      const KeyedRandom draw = random.sub(replicate);
      LiveMarkUse sum;
      for (size_t i = 0; i < groups.size(); ++i) sum.add(groups[draw.bits(i) % groups.size()]);
      recalls.push_back(sum.recall());
      false_shares.push_back(sum.false_share());
    }
    if (recalls.empty()) continue;
    row.recall = percentile_interval(recalls, options.level);
    row.false_share = percentile_interval(false_shares, options.level);
  }
  return rows;
}

}  // namespace flowmark

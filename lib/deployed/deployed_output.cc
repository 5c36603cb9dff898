// A DeployedEvaluation as tables and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "deployed/deployed_evaluation.h"
#include "mark/dscp.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;
using Counts = std::array<uint64_t, kFates>;

struct Spread {
  double packets_median = 0, packets_p90 = 0, seconds_median = 0, seconds_p90 = 0;
};

Spread spread_of(const std::vector<Moment>& moments) {
  std::vector<double> packets, seconds;
  for (const Moment& moment : moments) {
    packets.push_back(static_cast<double>(moment.packets));
    seconds.push_back(static_cast<double>(moment.us) / static_cast<double>(kUsPerSecond));
  }
  std::ranges::sort(packets);
  std::ranges::sort(seconds);
  return {quantile_of(packets, 0.5), quantile_of(packets, 0.9), quantile_of(seconds, 0.5),
          quantile_of(seconds, 0.9)};
}

std::string shares(const Counts& counts) {
  const uint64_t sum = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  std::string text;
  for (const uint64_t count : counts) {
    text += fmt::format(" {:6.2f}", 100 * share(count, sum));
  }
  return text;
}

std::string tally_row(const std::string& name, const DeployedTally& tally) {
  const uint64_t flows = std::accumulate(tally.flows.begin(), tally.flows.end(), uint64_t{0});
  return fmt::format("{:<19} {:>7} |{} |{} |{} |{} |{}\n", name, flows, shares(tally.flows),
                     shares(tally.by_class.packets), shares(tally.by_class.bytes),
                     shares(tally.by_treatment.packets), shares(tally.by_treatment.bytes));
}

std::string moments_row(const std::string& name, const char* what,
                        const std::vector<Moment>& moments) {
  if (moments.empty()) return fmt::format("{:<18} {:<12} {:>8}\n", name, what, 0);
  const Spread spread = spread_of(moments);
  return fmt::format("{:<18} {:<12} {:>8} {:>9.0f} {:>9.0f} {:>9.2f} {:>9.2f}\n", name, what,
                     moments.size(), spread.packets_median, spread.packets_p90,
                     spread.seconds_median, spread.seconds_p90);
}

std::string moments_rows(const std::string& name, const DeployedTally& tally) {
  return moments_row(name, "first right", tally.first_right) +
         moments_row(name, "first wrong", tally.first_wrong) +
         moments_row(name, "last wrong", tally.last_wrong);
}

std::string live_text(const LiveMarkUses::Row& row, bool has_intervals) {
  const LiveMarkUse& use = row.use;
  const std::string name = dscp_name(row.mark);
  const auto interval = [&](const Interval& given) {
    return has_intervals ? " (" + given.to_text() + ")" : std::string();
  };
  return fmt::format(
      "of all packets of {0} classes left as {0}:      {1:6.2f}%{2} of {3}; flows {4} of {5}\n"
      "of all that left as {0} were of other classes: {6:6.2f}%{7} of {8}; flows {9} of {10}; of "
      "other live classes {11:.2f}%\n",
      name, 100 * use.recall(), interval(row.recall), use.wanted, use.seen_flows, use.wanted_flows,
      100 * use.false_share(), interval(row.false_share), use.left, use.of_others_flows,
      use.left_flows, 100 * share(use.of_live, use.left));
}

std::string matrix_text(const std::map<std::pair<Dscp, Dscp>, uint64_t>& marks) {
  std::set<Dscp> wanted, left;
  for (const auto& [pair, packets] : marks) {
    wanted.insert(pair.first);
    left.insert(pair.second);
  }
  std::string text = fmt::format("{:<18}", "packets: wanted");
  for (const Dscp mark : left) text += fmt::format(" {:>12}", "left " + dscp_name(mark));
  text += "\n";
  for (const Dscp row : wanted) {
    text += fmt::format("{:<18}", dscp_name(row));
    for (const Dscp column : left) {
      const auto found = marks.find({row, column});
      text += fmt::format(" {:>12}", found == marks.end() ? 0 : found->second);
    }
    text += "\n";
  }
  return text;
}

Json counts_json(const Counts& counts) {
  return {{"right", counts[0]}, {"wrong", counts[1]}, {"none", counts[2]}};
}

Json moments_json(const std::vector<Moment>& moments) {
  Json out{{"flows", moments.size()}};
  if (moments.empty()) return out;
  const Spread spread = spread_of(moments);
  out["packets_median"] = spread.packets_median;
  out["packets_p90"] = spread.packets_p90;
  out["seconds_median"] = spread.seconds_median;
  out["seconds_p90"] = spread.seconds_p90;
  return out;
}

Json tally_json(const DeployedTally& tally) {
  return {{"flows", counts_json(tally.flows)},
          {"packets", counts_json(tally.by_class.packets)},
          {"bytes", counts_json(tally.by_class.bytes)},
          {"treated_packets", counts_json(tally.by_treatment.packets)},
          {"treated_bytes", counts_json(tally.by_treatment.bytes)},
          {"first_right", moments_json(tally.first_right)},
          {"first_wrong", moments_json(tally.first_wrong)},
          {"last_wrong", moments_json(tally.last_wrong)}};
}

Json live_json(const LiveMarkUses::Row& row, bool has_intervals) {
  const LiveMarkUse& use = row.use;
  Json out{{"mark", dscp_name(row.mark)},
           {"wanted_packets", use.wanted},
           {"seen_packets", use.seen},
           {"seen_share", use.recall()},
           {"left_packets", use.left},
           {"of_others_packets", use.of_others},
           {"of_others_share", use.false_share()},
           {"of_other_live_packets", use.of_live},
           {"wanted_flows", use.wanted_flows},
           {"seen_flows", use.seen_flows},
           {"left_flows", use.left_flows},
           {"of_others_flows", use.of_others_flows}};
  if (!has_intervals) return out;
  out["seen_share_interval"] = row.recall.to_json();
  out["of_others_share_interval"] = row.false_share.to_json();
  return out;
}

}  // namespace

std::string DeployedEvaluation::to_text() const {
  std::string text = fmt::format("{} flows played\n\n", flows_);
  for (const LiveMarkUses::Row& row : live_marks()) text += live_text(row, options_.replicates > 0);
  text += fmt::format("\n{:<19} {:>7} |{:^21} |{:^21} |{:^21} |{:^21} |{:^21}\n",
                      "%: right wrong none", "flows", "flows, at the end", "packets by class",
                      "bytes by class", "packets by mark", "bytes by mark");
  text += tally_row("all", all_);
  for (const auto& [name, tally] : classes_) text += tally_row(name, tally);
  text += fmt::format("\n{:<18} {:<12} {:>8} {:>9} {:>9} {:>9} {:>9}\n", "by class", "", "flows",
                      "packets", "p90", "seconds", "p90");
  text += moments_rows("all", all_);
  for (const auto& [name, tally] : classes_) text += moments_rows(name, tally);
  return text + "\n" + matrix_text(marks_);
}

nlohmann::ordered_json DeployedEvaluation::to_json() const {
  Json out{{"flows", flows_}, {"live_marks", Json::array()}, {"all", tally_json(all_)}};
  for (const LiveMarkUses::Row& row : live_marks()) {
    out["live_marks"].push_back(live_json(row, options_.replicates > 0));
  }
  for (const auto& [name, tally] : classes_) out["classes"][name] = tally_json(tally);
  for (const auto& [pair, packets] : marks_) {
    out["packets_by_mark"].push_back({{"wanted", dscp_name(pair.first)},
                                      {"left", dscp_name(pair.second)},
                                      {"packets", packets}});
  }
  return out;
}

}  // namespace flowmark

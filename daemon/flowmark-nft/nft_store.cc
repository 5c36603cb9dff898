#include "daemon/flowmark-nft/nft_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "daemon/flowmark-nft/nft_transaction.h"

namespace flowmark {
namespace {

// Of one transaction. Its messages fit into the default of a socket's send buffer.
constexpr size_t kBatch = 1000;
constexpr std::chrono::seconds kAfterFailure{1};
// How often the elements are looked through for those to renew, in parts of the timeout.
constexpr int kLooksPerTimeout = 20;
constexpr auto kMaps = std::to_array<const char*>({"flows4", "flows6"});

}  // namespace

NftStore::NftStore(NftLanguage language, Limits limits, ActuatorCounters& counters,
                   Messages& messages)
    : language_(std::move(language)), limits_(limits), counters_(counters), messages_(messages) {
  make_missing();
}

void NftStore::make_missing() {
  std::string commands;
  if (nft_.list("list table " + language_.table(), false).empty())
    commands += language_.make_table();
  for (const char* map : kMaps) {
    const std::string listing =
        nft_.list(fmt::format("list map {} {}", language_.table(), map), false);
    if (listing.empty()) {
      commands += language_.make_map(map, limits_.max_flows);
    } else {
      language_.check_map(map, listing);
    }
  }
  if (const std::string message = commands.empty() ? "" : nft_.run(commands); !message.empty()) {
    fail("the table {} cannot be made: {} (needs the capability NET_ADMIN)", language_.table(),
         message);
  }
  chains_.clear();
}

void NftStore::set(const FlowTuple& flow, Dscp dscp) {
  if (has_ports(flow)) {
    waiting_[flow] = dscp;
  } else {
    ++counters_.left_out;
  }
}

void NftStore::clear(const FlowTuple& flow) {
  if (has_ports(flow)) waiting_[flow] = std::nullopt;
}

bool NftStore::commit(Clock::time_point now) {
  if (is_stale_) {  // reconcile() knows better than what waits
    waiting_.clear();
    return now < next_attempt_;
  }
  if (now >= next_renewal_) renew_due(now);
  std::string message;
  is_stale_ = !apply(std::exchange(waiting_, {}), now, message);
  if (is_stale_) {
    messages_.say_rarely("stale", message + "; compares the maps with the flows that live");
  }
  return !is_stale_;
}

void NftStore::renew_due(Clock::time_point now) {
  const std::chrono::seconds timeout(limits_.timeout_s);
  next_renewal_ =
      now + std::max<Clock::duration>(timeout / kLooksPerTimeout, std::chrono::seconds(1));
  for (const auto& [flow, held] : held_) {
    if (held.renew_at <= now) waiting_.try_emplace(flow, held.dscp);
  }
}

bool NftStore::apply(const Changes& changes, Clock::time_point now, std::string& message) {
  Changes batch;
  bool is_good = true;
  for (const auto& change : changes) {
    batch.insert(change);
    if (batch.size() < kBatch) continue;
    is_good = apply_batch(batch, now, message) && is_good;
    batch.clear();
  }
  return apply_batch(batch, now, message) && is_good;
}

bool NftStore::apply_batch(const Changes& batch, Clock::time_point now, std::string& message) {
  if (batch.empty()) return true;
  const std::string refusal = make_missing_chains(batch);
  const int error = refusal.empty() ? request(batch) : 0;
  if (refusal.empty() && error == 0) {
    note(batch, now);
    return true;
  }
  message = refusal.empty()
                ? fmt::format("the kernel refuses changes of the maps: {}", strerror(error))
                : refusal;
  chains_.clear();
  return false;
}

std::string NftStore::make_missing_chains(const Changes& batch) {
  std::string commands;
  for (const auto& [flow, dscp] : batch) {
    if (!dscp || language_.value() != NftValue::dscp || !chains_.insert(*dscp).second) continue;
    const std::string chain = language_.table() + " " + NftLanguage::chain_name(*dscp);
    if (nft_.list("list chain " + chain, false).empty()) commands += language_.make_chain(*dscp);
  }
  return commands.empty() ? "" : nft_.run(commands);
}

int NftStore::request(const Changes& batch) {
  NftTransaction transaction(language_);
  for (const auto& [flow, dscp] : batch) {
    if (held_.contains(flow)) transaction.remove(flow);
    if (dscp) transaction.add(flow, *dscp, limits_.timeout_s);
  }
  std::vector<uint8_t> messages = transaction.messages();
  const std::vector<int> answers = netlink_.request(messages);
  const auto refused = std::ranges::find_if(answers, [](int error) { return error != 0; });
  return refused == answers.end() ? 0 : *refused;
}

void NftStore::note(const Changes& batch, Clock::time_point now) {
  const auto renew_at = now + std::chrono::milliseconds(limits_.timeout_s * 500ULL);
  for (const auto& [flow, dscp] : batch) {
    if (!dscp) {
      counters_.cleared += held_.erase(flow);
      continue;
    }
    const auto [at, is_new] = held_.try_emplace(flow, Held{*dscp, renew_at});
    if (is_new || at->second.dscp != *dscp) ++counters_.set;
    at->second = {*dscp, renew_at};
  }
}

void NftStore::reconcile(const MarkedFlows& flows) {
  const Clock::time_point now = Clock::now();
  waiting_.clear();
  make_missing();
  NftElements elements;
  for (const char* map : kMaps) {
    const std::string listing =
        nft_.list(fmt::format("list map {} {}", language_.table(), map), true);
    if (!listing.empty()) language_.read_listing(listing, elements);
  }
  held_.clear();
  Changes changes;
  for (const auto& [flow, element] : elements) {
    const auto wanted = flows.find(flow);
    // 255: no DSCP, so that a foreign value counts as another one.
    const auto half = std::chrono::milliseconds(limits_.timeout_s * 500ULL);
    held_[flow] = {element.dscp.value_or(255),
                   now + std::chrono::seconds(element.expires_s) - half};
    if (wanted == flows.end()) changes[flow] = std::nullopt;
  }
  for (const auto& [flow, dscp] : flows) {
    const auto at = held_.find(flow);
    if (has_ports(flow) && (at == held_.end() || at->second.dscp != dscp)) changes[flow] = dscp;
  }
  std::string message;
  is_stale_ = !apply(changes, now, message);
  if (!is_stale_) return;
  ++counters_.failed;
  next_attempt_ = now + kAfterFailure;
  messages_.say_rarely("refused", message);
}

}  // namespace flowmark

#include "daemon/flowmark-conntrack/conntrack_store.h"

#include <fmt/format.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

// Of one system call: the answers fit into the socket's buffer many times over.
constexpr size_t kBatch = 256;
constexpr int kAllEntries = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;

}  // namespace

ConntrackStore::ConntrackStore(const MarkLayout& layout, ActuatorCounters& counters,
                               Messages& messages)
    : layout_(layout), counters_(counters), messages_(messages), requests_(layout.mask()) {
  // An entry that cannot be there (port 0 of the address 0): ENOENT says that changes are allowed.
  FlowTuple nobody;
  nobody.source[10] = nobody.source[11] = 0xff;
  nobody.destination = nobody.source;
  nobody.protocol = IPPROTO_UDP;
  std::vector<uint8_t> message;
  requests_.append(message, nobody, 0);
  const int error = netlink_.request(message).front();
  if (error != 0 && error != ENOENT) {
    fail(
        "connection tracking cannot be changed: {} (needs the capability NET_ADMIN and a kernel "
        "with "
        "CONFIG_NF_CT_NETLINK)",
        strerror(error));
  }
}

void ConntrackStore::set(const FlowTuple& flow, Dscp dscp) {
  if (!has_ports(flow)) {
    ++counters_.left_out;
    return;
  }
  waiting_[flow] = layout_.value(dscp);
}

void ConntrackStore::clear(const FlowTuple& flow) {
  if (has_ports(flow)) waiting_[flow] = 0;
}

bool ConntrackStore::commit(Clock::time_point) {
  std::vector<Change> changes;
  changes.reserve(waiting_.size());
  for (const auto& [flow, value] : waiting_) changes.push_back({flow, value});
  waiting_.clear();
  std::vector<Change> others = apply(changes);
  // Seen on the outer side of NAT, or begun by the other side: the entry has the tuple the other
  // way.
  for (Change& change : others) change.flow = reversed(change.flow);
  for (const Change& change : apply(others)) {
    if (change.value != 0) ++counters_.missing;  // an entry that has gone needs no clearing
  }
  return true;
}

std::vector<ConntrackStore::Change> ConntrackStore::apply(const std::vector<Change>& changes) {
  std::vector<Change> left;
  std::vector<uint8_t> messages;
  for (size_t begin = 0; begin < changes.size(); begin += kBatch) {
    const size_t size = std::min(kBatch, changes.size() - begin);
    messages.clear();
    for (size_t i = 0; i < size; ++i) {
      requests_.append(messages, changes[begin + i].flow, changes[begin + i].value);
    }
    const std::vector<int> answers = netlink_.request(messages);
    for (size_t i = 0; i < size; ++i) {
      const Change& change = changes[begin + i];
      if (answers[i] == 0) {
        count(change);
      } else if (answers[i] == ENOENT) {
        left.push_back(change);
      } else {
        ++counters_.failed;
        messages_.say_rarely("refused", fmt::format("{}: the mark cannot be set: {}",
                                                    to_string(change.flow), strerror(answers[i])));
      }
    }
  }
  return left;
}

void ConntrackStore::count(const Change& change) {
  ++(change.value != 0 ? counters_.set : counters_.cleared);
}

uint32_t ConntrackStore::wanted(const ConntrackEntry& entry, const MarkedFlows& flows,
                                size_t& found) const {
  for (const FlowTuple& name : names_of(entry)) {
    if (const auto at = flows.find(name); at != flows.end()) {
      ++found;
      return layout_.value(at->second);
    }
  }
  return 0;
}

void ConntrackStore::reconcile(const MarkedFlows& flows) {
  waiting_.clear();
  std::vector<uint8_t> message(MNL_SOCKET_BUFFER_SIZE);
  nlmsghdr& request = Netlink::begin_message(message.data(), kAllEntries, NLM_F_DUMP, AF_UNSPEC);
  std::vector<Change> changes;
  size_t found = 0;
  netlink_.dump(request, [&](const nlmsghdr& entry_message) {
    const auto entry = parse_entry(entry_message);
    if (!entry) return;
    const uint32_t value = wanted(*entry, flows, found);
    if ((entry->mark & layout_.mask()) != value) changes.push_back({entry->original, value});
  });
  const auto with_ports = static_cast<size_t>(
      std::ranges::count_if(flows, [](const auto& flow) { return has_ports(flow.first); }));
  counters_.missing = with_ports - std::min(with_ports, found);
  apply(changes);  // what has gone since the dump needs no mark
}

}  // namespace flowmark

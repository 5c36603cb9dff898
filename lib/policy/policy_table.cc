#include "policy/policy_table.h"

#include <array>
#include <bit>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr unsigned kAddressBits = 128;
constexpr unsigned kMappedBits = 96;
constexpr RangeKey kFirstIpv4{0, uint64_t{0xffff} << 32};
constexpr RangeKey kLastIpv4{0, (uint64_t{0xffff} << 32) | UINT32_MAX};

/// The key with all bits from `bits` on set.
RangeKey last_of(RangeKey key, unsigned bits) noexcept {
  constexpr unsigned kHalf = kAddressBits / 2;
  if (bits < kHalf) key.high |= UINT64_MAX >> bits;
  if (bits < kAddressBits) key.low |= bits <= kHalf ? UINT64_MAX : UINT64_MAX >> (bits - kHalf);
  return key;
}

/// As Prefix::contains() has it, an IPv6 prefix contains no IPv4 address.
void add_prefix(RangeIndex& index, size_t rule, const Prefix& prefix) {
  const RangeKey first = RangeKey::of(prefix.address);
  const RangeKey last = last_of(first, prefix.bits);
  if (prefix.bits >= kMappedBits || last < kFirstIpv4 || first > kLastIpv4) {
    index.add(rule, first, last);
    return;
  }
  index.add(rule, first, {kFirstIpv4.high, kFirstIpv4.low - 1});
  index.add(rule, {kLastIpv4.high, kLastIpv4.low + 1}, last);
}

void add(RangeIndex& index, size_t rule, const std::vector<Prefix>& prefixes) {
  for (const Prefix& prefix : prefixes) add_prefix(index, rule, prefix);
}

void add(RangeIndex& index, size_t rule, const std::vector<NumberRange>& ranges) {
  for (const NumberRange& range : ranges) {
    index.add(rule, RangeKey::of(range.first), RangeKey::of(range.last));
  }
}

void add(RangeIndex& index, size_t rule, uint8_t number) {
  index.add(rule, RangeKey::of(uint16_t{number}), RangeKey::of(uint16_t{number}));
}

/// Bits of all fields that must hold.
class Fields {
 public:
  void need(const RangeIndex& index, RangeKey key) noexcept { need_either(index, key, key); }
  /// One of two values is enough.
  void need_either(const RangeIndex& index, RangeKey key, RangeKey other) noexcept {
    if (index.is_used()) fields_[count_++] = {index.find(key), index.find(other)};
  }
  uint64_t word(size_t place) const noexcept {
    uint64_t bits = UINT64_MAX;
    for (size_t i = 0; i < count_; ++i) bits &= fields_[i].first[place] | fields_[i].second[place];
    return bits;
  }

 private:
  static constexpr size_t kMost = 9;
  std::array<std::pair<const uint64_t*, const uint64_t*>, kMost> fields_{};
  size_t count_ = 0;
};

}  // namespace

PolicyTable::PolicyTable(std::vector<FlowPolicy> policies) : policies_(std::move(policies)) {
  if (policies_.size() > kMostPolicies) {
    fail("policies: {} are given; at most {} are possible", policies_.size(), kMostPolicies);
  }
  for (size_t rule = 0; rule < policies_.size(); ++rule) {
    const FlowPolicy& policy = policies_[rule];
    add(hosts_, rule, policy.hosts);
    add(inside_, rule, policy.inside);
    add(outside_, rule, policy.outside);
    add(ports_, rule, policy.ports);
    add(inside_ports_, rule, policy.inside_ports);
    add(outside_ports_, rule, policy.outside_ports);
    add(vlans_, rule, policy.vlans);
    for (const uint8_t protocol : policy.protocols) add(protocols_, rule, protocol);
    if (policy.openers) add(openers_, rule, static_cast<uint8_t>(*policy.openers));
  }
  for (RangeIndex* index : {&hosts_, &inside_, &outside_, &ports_, &inside_ports_, &outside_ports_,
                            &vlans_, &protocols_, &openers_}) {
    index->finish(policies_.size());
  }
}

PolicyPlace PolicyTable::find(const PolicySubject& flow) const noexcept {
  const RangeKey inside = RangeKey::of(flow.inside), outside = RangeKey::of(flow.outside);
  const RangeKey inside_port = RangeKey::of(flow.inside_port);
  const RangeKey outside_port = RangeKey::of(flow.outside_port);
  Fields fields;
  fields.need_either(hosts_, inside, outside);
  fields.need(inside_, inside);
  fields.need(outside_, outside);
  fields.need_either(ports_, inside_port, outside_port);
  fields.need(inside_ports_, inside_port);
  fields.need(outside_ports_, outside_port);
  fields.need(vlans_, RangeKey::of(flow.vlan));
  fields.need(protocols_, RangeKey::of(uint16_t{flow.protocol}));
  fields.need(openers_, RangeKey::of(static_cast<uint16_t>(flow.opener)));
  const size_t words = RangeIndex::words(policies_.size());
  for (size_t place = 0; place < words; ++place) {
    const uint64_t bits = fields.word(place);
    if (bits == 0) continue;
    return static_cast<PolicyPlace>(place * 64 + static_cast<size_t>(std::countr_zero(bits)));
  }
  return kNoPolicy;
}

}  // namespace flowmark

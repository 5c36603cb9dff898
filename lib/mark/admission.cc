#include "mark/admission.h"

#include <algorithm>
#include <bit>

namespace flowmark {
namespace {

/// No flow reserves less: 64 kbit/s, so that the first words of a call need no second reservation.
constexpr uint64_t kLeastRate = 8000;
/// How often a flow gives back what it did not need.
constexpr TimeUs kPeriodUs = kUsPerSecond;
/// Of what it did not need it gives back an eighth at a time: half of it in five seconds.
constexpr uint64_t kGivenBack = 8;
/// Flows that are silent for as long are forgotten, the refused ones not before their time is over.
constexpr TimeUs kForgetUs = 10 * kUsPerSecond;

uint64_t per_second(uint64_t bytes, TimeUs elapsed_us) noexcept {
  return bytes * static_cast<uint64_t>(kUsPerSecond) / static_cast<uint64_t>(elapsed_us);
}

/// What a flow that uses so many bytes a second reserves: an eighth more.
uint64_t rate_for(uint64_t used_per_second) noexcept {
  return std::max(used_per_second + used_per_second / 8, kLeastRate);
}

/// Time since `since_us`, which a clock that stepped back moves.
TimeUs elapsed(TimeUs& since_us, TimeUs now_us) noexcept {
  since_us = std::min(since_us, now_us);
  return now_us - since_us;
}

}  // namespace

Admission::Admission(uint32_t flows, LiveBudget* budget, WorkerCounters& counters)
    : budget_(budget), counters_(counters) {
  if (budget_ != nullptr) records_.resize(std::bit_ceil(std::max(flows, kWays)));
}

Admission::~Admission() {
  for (Record& record : records_) release(record, record.rate);
}

Admission::Answer Admission::ask(const Packet& packet) noexcept {
  if (!is_asked_for(packet)) return Answer::admitted;
  Record* const record = find(packet);
  if (record == nullptr) return demote(Refusal::no_room);
  record->seen_us = packet.time_us;
  if (record->caps_epoch != caps_epoch_ || record->group != packet.caps.group) [[unlikely]] {
    Refusal reason{};
    if (!follow_caps(*record, packet.caps, reason)) return refuse(*record, packet, reason);
  }
  switch (record->state) {
    case State::measuring:
      return measure(*record, packet);
    case State::admitted:
      return keep(*record, packet);
    case State::refused:
      break;
  }
  if (elapsed(record->since_us, packet.time_us) < budget_->limits().hold_us) {
    return demote(record->reason);
  }
  measure_from(*record, packet.time_us);
  return measure(*record, packet);
}

bool Admission::is_asked_for(const Packet& packet) const noexcept {
  if (budget_ == nullptr) return false;
  const bool has_caps = packet.mark == LiveMark::expedited && packet.caps.has_any();
  return has_caps || budget_->limits().limits(packet.mark);
}

Admission::Answer Admission::count_past(const Packet& packet, const Past& past) noexcept {
  Record* const record = find(packet);
  if (record == nullptr || record->state != State::measuring) return Answer::measuring;
  const TimeUs age_us = record->since_us - past.began_us;
  if (age_us <= 0 || age_us > kYoungUs) return Answer::measuring;
  record->since_us = past.began_us;
  record->bytes += past.bytes;
  return judge(*record, packet);
}

// The flow's record; a new one takes the place of a flow that is not admitted. nullptr: all are.
Admission::Record* Admission::find(const Packet& packet) noexcept {
  const uint64_t flow = packet.flow | 1;
  const size_t sets = records_.size() / kWays;
  const std::span set(records_.data() + (packet.flow >> 16) % sets * kWays, kWays);
  Record* place = nullptr;
  for (Record& record : set) {
    if (record.flow == flow) {
      if (record.mark != packet.mark) [[unlikely]] {
        release(record, record.rate);
        start(record, packet);
      }
      return &record;
    }
    const auto goes_before = [](const Record& a, const Record& b) {
      if ((a.flow == 0) != (b.flow == 0)) return a.flow == 0;
      if (a.state != b.state) return a.state == State::refused;
      return a.seen_us < b.seen_us;
    };
    const bool may_go = record.flow == 0 || record.state != State::admitted;
    if (may_go && (place == nullptr || goes_before(record, *place))) place = &record;
  }
  if (place != nullptr) start(*place, packet);
  return place;
}

void Admission::start(Record& record, const Packet& packet) noexcept {
  record = Record{};
  record.flow = packet.flow | 1;
  record.host = budget_->host_of(*packet.host);
  record.mark = packet.mark;
  record.group = packet.caps.group;
  record.caps_epoch = caps_epoch_;
  measure_from(record, packet.time_us);
}

void Admission::measure_from(Record& record, TimeUs now_us) noexcept {
  record.state = State::measuring;
  record.since_us = now_us;
  record.bytes = 0;
  record.bucket.start(highest_rate(record.mark), now_us);
}

Admission::Answer Admission::measure(Record& record, const Packet& packet) noexcept {
  const uint64_t highest = highest_rate(record.mark);
  record.bytes += packet.bytes;
  if (!record.bucket.take(packet.bytes, highest, packet.time_us)) {
    return refuse(record, packet, Refusal::flow_rate);
  }
  return judge(record, packet);
}

// Whether the flow was measured for long enough, and what comes of it.
Admission::Answer Admission::judge(Record& record, const Packet& packet) noexcept {
  const uint64_t highest = highest_rate(record.mark);
  const TimeUs measured_us = elapsed(record.since_us, packet.time_us);
  if (measured_us < kMeasureUs) return Answer::measuring;
  const uint64_t used = per_second(record.bytes, measured_us);
  if (used > highest) return refuse(record, packet, Refusal::flow_rate);
  Refusal reason{};
  if (!reserve(record, std::min(rate_for(used), highest), packet.caps, reason)) {
    return refuse(record, packet, reason);
  }
  record.state = State::admitted;
  record.bytes = 0;
  record.since_us = packet.time_us;
  record.bucket.start(record.rate, packet.time_us);
  counters_.admitted_flows.add();
  return keep(record, packet);
}

Admission::Answer Admission::keep(Record& record, const Packet& packet) noexcept {
  if (elapsed(record.since_us, packet.time_us) >= kPeriodUs) settle(record, packet.time_us);
  record.bytes += packet.bytes;
  if (record.bucket.take(packet.bytes, record.rate, packet.time_us)) [[likely]] {
    return Answer::admitted;
  }
  Refusal reason{};
  if (grow(record, packet, reason)) return Answer::admitted;
  return refuse(record, packet, reason);
}

Admission::Answer Admission::refuse(Record& record, const Packet& packet, Refusal reason) noexcept {
  release(record, record.rate);
  record.state = State::refused;
  record.since_us = packet.time_us;
  record.reason = reason;
  counters_.refused_flows[static_cast<size_t>(reason)].add();
  return demote(reason);
}

Admission::Answer Admission::demote(Refusal reason) noexcept {
  counters_.demoted[static_cast<size_t>(reason)].add();
  return Answer::refused;
}

// Reserves as much more as the packet needs, in large steps, and lets it pass.
bool Admission::grow(Record& record, const Packet& packet, Refusal& reason) noexcept {
  const uint64_t lacking = record.bucket.lacks(packet.bytes);
  const uint64_t rate = record.rate;
  const uint64_t step = std::max({rate / 4, kLeastRate, 4 * (lacking + 1)});
  const uint64_t to = std::min(rate + step, highest_rate(record.mark));
  if (TokenBucket::burst_bytes(to) < TokenBucket::burst_bytes(rate) + lacking) {
    reason = Refusal::flow_rate;
    return false;
  }
  if (!reserve(record, to - rate, packet.caps, reason)) return false;
  record.bucket.change_rate(rate, to);
  return record.bucket.take(packet.bytes, to, packet.time_us);
}

// What the flow has reserved it reserves anew: in another group, or under other caps. A flow that
// is not admitted has nothing.
bool Admission::follow_caps(Record& record, const LiveCaps& caps, Refusal& reason) noexcept {
  const uint64_t rate = record.rate;
  release(record, rate);
  record.group = caps.group;
  record.caps_epoch = caps_epoch_;
  return rate == 0 || reserve(record, rate, caps, reason);
}

bool Admission::reserve(Record& record, uint64_t more, const LiveCaps& caps,
                        Refusal& reason) noexcept {
  if (record.mark == LiveMark::expedited) {
    const LiveBudget::Answer answer = budget_->reserve(record.host, more, caps);
    if (answer != LiveBudget::Answer::granted) {
      reason = answer == LiveBudget::Answer::host_full    ? Refusal::host_share
               : answer == LiveBudget::Answer::group_full ? Refusal::policy_share
                                                          : Refusal::link_share;
      return false;
    }
    reserved_ += more;
    counters_.reserved_rate.set(reserved_);
  }
  record.rate += static_cast<uint32_t>(more);
  return true;
}

void Admission::release(Record& record, uint64_t less) noexcept {
  record.rate -= static_cast<uint32_t>(less);
  if (record.mark != LiveMark::expedited || less == 0) return;
  budget_->release(record.host, less, record.group);
  reserved_ -= less;
  counters_.reserved_rate.set(reserved_);
}

// A period is over: gives back a part of what the flow did not need in it.
void Admission::settle(Record& record, TimeUs now_us) noexcept {
  const uint64_t needed = rate_for(per_second(record.bytes, now_us - record.since_us));
  const uint64_t rate = record.rate;
  if (rate > needed) {
    const uint64_t less = (rate - needed + kGivenBack - 1) / kGivenBack;
    release(record, less);
    record.bucket.change_rate(rate, rate - less);
  }
  record.bytes = 0;
  record.since_us = now_us;
}

void Admission::expire(TimeUs now_us, uint32_t records) noexcept {
  if (records_.empty()) return;
  const TimeUs forget_us = std::max(kForgetUs, budget_->limits().hold_us);
  for (; records > 0; --records) {
    Record& record = records_[walk_];
    walk_ = (walk_ + 1) % this->records();
    if (record.flow == 0) continue;
    if (now_us - record.seen_us >= forget_us) {
      release(record, record.rate);
      record = Record{};
    } else if (record.state == State::admitted && now_us - record.since_us >= kPeriodUs) {
      settle(record, now_us);
    }
  }
}

uint64_t Admission::highest_rate(LiveMark mark) const noexcept {
  const uint64_t limit = budget_->limits().flow_rate(mark);
  return limit == 0 ? UINT32_MAX : std::min<uint64_t>(limit, UINT32_MAX);
}

}  // namespace flowmark

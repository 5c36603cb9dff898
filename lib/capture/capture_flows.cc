#include <algorithm>
#include <exception>
#include <unordered_map>

#include "base/error.h"
#include "capture/capture_clock.h"
#include "capture/reader.h"
#include "capture/sequence_file.h"
#include "flow/flow_life.h"
#include "net/fragment_table.h"

namespace flowmark {
namespace {

struct KeyHash {
  size_t operator()(const FlowKey& key) const noexcept { return hash(key); }
};

class FlowCollector {
 public:
  explicit FlowCollector(const FlowReadOptions& options) : options_(options) {}

  void add(const Packet& packet) {
    const TimeUs time_us = clock_.advance(packet.time_us);
    ParsedPacket parsed;
    parse(packet, options_.parse, parsed);
    if (parsed.status != ParseStatus::ok) {
      if (parsed.status == ParseStatus::truncated) note_cut_off(packet);
      return;
    }
    fragments_.resolve(parsed, time_us);
    Conversation& conversation = conversation_of(parsed, time_us);
    const bool up = parsed.from_a == conversation.up_is_a;
    conversation.flow.packets.push_back({.time_us = time_us,
                                         .size = parsed.ip_length,
                                         .direction = up ? Direction::up : Direction::down,
                                         .pure_ack = parsed.pure_ack});
    conversation.is_closing = closes(parsed.tcp_flags, conversation.is_closing);
  }

  bool empty() const noexcept { return flows_.empty(); }

  /// Packets whose headers reach past what was captured of them, and the bytes of the longest.
  uint64_t cut_off() const noexcept { return cut_off_; }
  uint32_t longest_cut() const noexcept { return longest_cut_; }

  void deliver(const std::function<void(RecordedFlow&&)>& take) {
    index_.clear();
    for (Conversation& conversation : flows_) {
      take(std::move(conversation.flow));
      conversation.flow = RecordedFlow{};
    }
    flows_.clear();
  }

 private:
  struct Conversation {
    RecordedFlow flow;
    bool up_is_a = true;
    bool is_closing = false;
  };

  /// The conversation that the packet belongs to: the newest of its key, unless that has ended.
  Conversation& conversation_of(const ParsedPacket& parsed, TimeUs now_us) {
    const auto [found, fresh] = index_.try_emplace(parsed.key, flows_.size());
    if (!fresh && has_ended(flows_[found->second], now_us)) found->second = flows_.size();
    if (found->second == flows_.size()) flows_.push_back(start(parsed));
    return flows_[found->second];
  }

  bool has_ended(const Conversation& conversation, TimeUs now_us) const noexcept {
    const std::vector<FlowPacket>& packets = conversation.flow.packets;
    const FlowLife life{.packets = packets.size() > 1 ? 2U : 1U,
                        .is_closing = conversation.is_closing};
    return life.has_ended(idle_ms(packets.back().time_us, now_us), options_.timeouts);
  }

  Conversation start(const ParsedPacket& first) const {
    const bool a_inside = contains(options_.inside, first.key.a);
    const bool b_inside = contains(options_.inside, first.key.b);
    Conversation conversation;
    conversation.up_is_a = a_inside != b_inside ? a_inside : first.from_a == source_began(first);
    conversation.flow.name = to_string(first.key, conversation.up_is_a);
    return conversation;
  }

  void note_cut_off(const Packet& packet) noexcept {
    if (packet.head_length >= packet.wire_length) return;  // as short on the wire
    ++cut_off_;
    longest_cut_ = std::max(longest_cut_, packet.head_length);
  }

  const FlowReadOptions& options_;
  CaptureClock clock_;
  FragmentTable fragments_;
  std::unordered_map<FlowKey, size_t, KeyHash> index_;
  std::vector<Conversation> flows_;
  uint64_t cut_off_ = 0;
  uint32_t longest_cut_ = 0;
};

}  // namespace

void read_capture_flows(const std::filesystem::path& path, const FlowReadOptions& options,
                        const std::function<void(RecordedFlow&&)>& take) {
  CaptureReader reader(path);
  FlowCollector flows(options);
  std::exception_ptr damage;
  try {
    for (Packet packet; reader.next(packet);) flows.add(packet);
  } catch (const Error&) {
    damage = std::current_exception();
  }
  const bool nothing = flows.empty();
  flows.deliver(take);
  if (flows.cut_off() > 0) {
    const std::string told =
        cut_off_text(path, flows.cut_off(), reader.packets_read(), flows.longest_cut());
    if (nothing && !damage) throw Error(told);
    options.warn(told);
  }
  if (damage) std::rethrow_exception(damage);
}

}  // namespace flowmark

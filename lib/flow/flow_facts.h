#pragma once

#include <cstdint>

namespace flowmark {

struct FlowKey;
struct RecordedFlow;

/// What carries a flow's packets. A protocol without a name here is `other`.
enum class Transport : uint8_t { unknown, udp, tcp, esp, other };

/// What is known of a flow with its first packet and stays.
struct FlowFacts {
  Transport transport = Transport::unknown;
};

/// Of a live flow.
FlowFacts facts_of(const FlowKey& key) noexcept;

/// Of a recorded flow: its attribute "transport" (udp, tcp, esp or other), else the protocol in a
/// name as captures give them, "tcp 10.0.0.1:40000 192.0.2.1:443", also with one word before it.
/// Otherwise, and for another word in the attribute, the transport is unknown.
FlowFacts facts_of(const RecordedFlow& flow);

}  // namespace flowmark

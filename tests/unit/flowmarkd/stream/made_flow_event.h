#pragma once

#include <cstdint>

#include "classify/flow_event.h"

namespace flowmark::testing {

/// The flow udp 10.0.0.1:`port` 192.0.2.1:5004 with the verdict of class 0, marked EF.
inline FlowEvent made_flow_event(uint16_t port, FlowEvent::Kind kind = FlowEvent::Kind::changed) {
  FlowEvent event;
  event.key.a = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
  event.key.b = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  event.key.a_port = be16_t(port);
  event.key.b_port = be16_t(5004);
  event.key.protocol = 17;
  event.kind = kind;
  event.time_us = 1'700'000'000'500'000;
  event.start_us = 1'700'000'000'000'000;
  event.last_us = 1'700'000'000'400'000;
  event.packets = {20, 19};
  event.bytes = {4000, 3800};
  event.generation = 2;
  event.class_index = 0;
  event.confidence = 0.98F;
  event.mark = 46;
  event.mark_to_lan = 46;
  event.live = LiveState::admitted;
  return event;
}

}  // namespace flowmark::testing

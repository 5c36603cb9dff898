#pragma once

#include <string>

#include "net/flow_key.h"

namespace flowmark {

/// A flow as to_string(FlowKey) writes it, either end first: "udp 10.0.0.1:5004 192.0.2.1:5004",
/// "tcp [2001:db8::1]:443 [2001:db8::2]:40000", "esp 10.0.0.1 192.0.2.1". Throws Error naming the
/// part that is wrong.
FlowKey parse_flow(const std::string& text);

}  // namespace flowmark

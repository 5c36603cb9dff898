#include "runtime/flow_text.h"

#include <cstring>
#include <sstream>

#include "base/error.h"
#include "base/read_number.h"
#include "net/endpoints.h"
#include "net/prefix.h"

namespace flowmark {
namespace {

struct Endpoint {
  IpAddress address{};
  be16_t port{};
};

uint8_t parse_protocol(const std::string& text) {
  for (unsigned number = 0; number < 256; ++number) {
    if (text == protocol_name(static_cast<uint8_t>(number))) return static_cast<uint8_t>(number);
  }
  fail("flow: value {}: expected a protocol: tcp, udp, icmp, esp, ... or its number", text);
}

be16_t parse_port(const std::string& text) {
  uint16_t port = 0;
  if (!read_number(text, port)) {
    fail("flow: value {}: expected a port 0 to 65535", text);
  }
  return be16_t(port);
}

// 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80
Endpoint parse_endpoint(const std::string& text) {
  Endpoint endpoint;
  std::string address = text;
  const size_t bracket = text.rfind("]:");
  const size_t colon = text.find(':');
  if (text.starts_with('[') && bracket != std::string::npos) {
    address = text.substr(1, bracket - 1);
    endpoint.port = parse_port(text.substr(bracket + 2));
  } else if (colon != std::string::npos && colon == text.rfind(':')) {
    address = text.substr(0, colon);
    endpoint.port = parse_port(text.substr(colon + 1));
  }
  if (address.find('/') != std::string::npos) {
    fail("flow: value {}: expected an address, not a range", text);
  }
  endpoint.address = Prefix::parse(address).address;
  return endpoint;
}

}  // namespace

FlowKey parse_flow(const std::string& text) {
  std::istringstream words(text);
  std::string protocol, first, second, more;
  if (!(words >> protocol >> first >> second) || words >> more) {
    fail(
        "flow: value {}: expected PROTOCOL ADDRESS:PORT ADDRESS:PORT as 'flowmark ctl flows' "
        "shows it",
        text);
  }
  FlowKey key;
  key.protocol = parse_protocol(protocol);
  const Endpoint from = parse_endpoint(first), to = parse_endpoint(second);
  uint8_t addresses[2 * sizeof(IpAddress)];
  std::memcpy(addresses, from.address.data(), sizeof(IpAddress));
  std::memcpy(addresses + sizeof(IpAddress), to.address.data(), sizeof(IpAddress));
  order_endpoints6(addresses, from.port, to.port, key);
  return key;
}

}  // namespace flowmark

#include "flow/flow_facts.h"

#include <gtest/gtest.h>

#include "flow/recorded_flow.h"
#include "net/flow_key.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

Transport of_protocol(uint8_t protocol) {
  FlowKey key;
  key.protocol = protocol;
  return facts_of(key).transport;
}

Transport of_name(const std::string& name) {
  return facts_of(RecordedFlow{name, "", {}}).transport;
}

TEST(FlowFacts, AKeySaysItsTransport) {
  EXPECT_EQ(of_protocol(kProtoUdp), Transport::udp);
  EXPECT_EQ(of_protocol(kProtoTcp), Transport::tcp);
  EXPECT_EQ(of_protocol(kProtoEsp), Transport::esp);
  EXPECT_EQ(of_protocol(kProtoGre), Transport::other);
}

TEST(FlowFacts, TheNameThatACaptureGivesSaysTheSame) {
  for (const uint8_t protocol : {kProtoUdp, kProtoTcp, kProtoEsp, kProtoIcmp, uint8_t{253}}) {
    FlowKey key;
    key.protocol = protocol;
    key.a[15] = 1;  // ::1
    EXPECT_EQ(of_name(to_string(key)), facts_of(key).transport) << to_string(key);
    key.zone = 3;
    EXPECT_EQ(of_name(to_string(key)), facts_of(key).transport) << to_string(key);
  }
  EXPECT_EQ(of_name("vpn_skype.pcap udp 10.0.0.1:4000 192.0.2.1:53"), Transport::udp);
}

TEST(FlowFacts, OtherNamesSayNothing) {
  for (const char* name : {"", "17", "tcp", "tcp flow 7", "a call by tcp 10.0.0.1:1 10.0.0.2:2"}) {
    EXPECT_EQ(of_name(name), Transport::unknown) << name;
  }
}

TEST(FlowFacts, TheAttributeCounts) {
  RecordedFlow flow{"tcp 10.0.0.1:4000 192.0.2.1:53", "", {}, {{"transport", "esp"}}};
  EXPECT_EQ(facts_of(flow).transport, Transport::esp);
  flow.attributes["transport"] = "other";
  EXPECT_EQ(facts_of(flow).transport, Transport::other);
  flow.attributes["transport"] = "pigeons";
  EXPECT_EQ(facts_of(flow).transport, Transport::unknown);
}

}  // namespace
}  // namespace flowmark

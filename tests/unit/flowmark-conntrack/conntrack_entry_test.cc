#include "daemon/flowmark-conntrack/conntrack_entry.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cstring>

#include "net/prefix.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

FlowTuple tuple(const std::string& source, uint16_t source_port, const std::string& destination,
                uint16_t destination_port) {
  FlowTuple flow;
  flow.source = Prefix::parse(source).address;
  flow.destination = Prefix::parse(destination).address;
  flow.source_port = source_port;
  flow.destination_port = destination_port;
  flow.protocol = kProtoUdp;
  return flow;
}

bool knows(const ConntrackEntry& entry, const FlowTuple& flow) {
  return std::ranges::count(names_of(entry), flow) > 0;
}

TEST(ConntrackEntry, IsKnownByTheTuplesOfBothSidesFromEitherEnd) {
  const FlowTuple inner = tuple("10.9.1.2", 40000, "10.9.2.2", 5004);
  const FlowTuple outer = tuple("10.9.2.1", 50000, "10.9.2.2", 5004);
  const ConntrackEntry entry{inner, reversed(outer), 0};
  EXPECT_TRUE(knows(entry, inner));
  EXPECT_TRUE(knows(entry, outer));
  EXPECT_TRUE(knows(entry, reversed(inner)));
  EXPECT_TRUE(knows(entry, reversed(outer)));
  EXPECT_FALSE(knows(entry, tuple("10.9.1.2", 50000, "10.9.2.2", 5004)));
}

/// A request is a message like those that the kernel sends, without the reply's side.
TEST(MarkRequests, SayTupleMarkAndMask) {
  for (const FlowTuple& flow : {tuple("10.9.1.2", 40000, "10.9.2.2", 5004),
                                tuple("2001:db8::1", 40000, "2001:db8::2", 5004)}) {
    MarkRequests requests(0xff000000);
    std::vector<uint8_t> messages;
    requests.append(messages, flow, 0xb9000000);
    const auto* header = reinterpret_cast<const nlmsghdr*>(messages.data());
    ASSERT_EQ(header->nlmsg_len, messages.size());
    nf_conntrack* entry = nfct_new();
    ASSERT_EQ(nfct_nlmsg_parse(header, entry), 0);
    EXPECT_EQ(nfct_get_attr_u32(entry, ATTR_MARK), 0xb9000000U);
    EXPECT_EQ(ntohs(nfct_get_attr_u16(entry, ATTR_ORIG_PORT_SRC)), 40000);
    EXPECT_EQ(nfct_get_attr_u8(entry, ATTR_ORIG_L4PROTO), kProtoUdp);
    nfct_destroy(entry);
    // The mask is the last attribute.
    uint32_t mask = 0;
    std::memcpy(&mask, messages.data() + messages.size() - sizeof mask, sizeof mask);
    EXPECT_EQ(ntohl(mask), 0xff000000U);
  }
}

TEST(MarkRequests, AnAddressOfTheLastRequestDoesNotStay) {
  MarkRequests requests(0xff);
  std::vector<uint8_t> used, fresh;
  requests.append(used, tuple("10.9.1.2", 1, "10.9.2.2", 2), 1);
  used.clear();
  requests.append(used, tuple("10.8.0.1", 3, "10.8.0.2", 4), 0);
  MarkRequests(0xff).append(fresh, tuple("10.8.0.1", 3, "10.8.0.2", 4), 0);
  EXPECT_EQ(used, fresh);
}

}  // namespace
}  // namespace flowmark

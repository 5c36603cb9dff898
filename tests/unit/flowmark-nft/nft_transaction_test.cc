#include "daemon/flowmark-nft/nft_transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <map>
#include <string>
#include <vector>

#include "net/prefix.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::Pair;

FlowTuple udp_flow(const std::string& source, const std::string& destination,
                   uint16_t port = 5004) {
  FlowTuple flow;
  flow.source = Prefix::parse(source).address;
  flow.destination = Prefix::parse(destination).address;
  flow.source_port = 40000;
  flow.destination_port = port;
  flow.protocol = 17;
  return flow;
}

/// What a message says, read back by libnftnl.
struct Change {
  int type;  ///< NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, or of the batch
  int family;
  bool is_acknowledged;
  std::string table, map;
  std::map<std::string, std::string> elements;  ///< key to value and timeout
};

std::string hex(const void* data, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i)
    text += fmt::format("{:02x}", static_cast<const uint8_t*>(data)[i]);
  return text;
}

int read_element(nftnl_set_elem* element, void* elements) {
  uint32_t size = 0;
  const void* key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);
  std::string& value =
      (*static_cast<std::map<std::string, std::string>*>(elements))[hex(key, size)];
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_CHAIN)) {
    const auto verdict = static_cast<int>(nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_VERDICT));
    value = fmt::format("{} {}", verdict, nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN));
  } else if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_DATA)) {
    const void* data = nftnl_set_elem_get(element, NFTNL_SET_ELEM_DATA, &size);
    uint32_t mark = 0;
    if (size == sizeof mark) std::memcpy(&mark, data, sizeof mark);
    value = fmt::format("{:#x}", mark);
  }
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_TIMEOUT))
    value += fmt::format(" {} ms", nftnl_set_elem_get_u64(element, NFTNL_SET_ELEM_TIMEOUT));
  return 0;
}

std::vector<Change> read_back(const std::vector<uint8_t>& messages) {
  std::vector<Change> changes;
  int left = static_cast<int>(messages.size());
  const auto* header = reinterpret_cast<const nlmsghdr*>(messages.data());
  for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
    const auto* general = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(header));
    Change change{header->nlmsg_type & 0xff,
                  general->nfgen_family,
                  (header->nlmsg_flags & NLM_F_ACK) != 0,
                  "",
                  "",
                  {}};
    if (header->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES) {
      nftnl_set* set = nftnl_set_alloc();
      EXPECT_EQ(nftnl_set_elems_nlmsg_parse(header, set), 0);
      change.table = nftnl_set_get_str(set, NFTNL_SET_TABLE);
      change.map = nftnl_set_get_str(set, NFTNL_SET_NAME);
      nftnl_set_elem_foreach(set, read_element, &change.elements);
      nftnl_set_free(set);
    }
    changes.push_back(change);
  }
  EXPECT_EQ(left, 0);
  return changes;
}

// libnftnl does not read the lists of several elements that it writes.
int count_element(const nlattr*, void* count) {
  ++*static_cast<size_t*>(count);
  return MNL_CB_OK;
}

int count_listed(const nlattr* attribute, void* count) {
  if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS) return MNL_CB_OK;
  return mnl_attr_parse_nested(attribute, count_element, count);
}

/// Messages, and elements in them.
std::pair<size_t, size_t> sizes(const std::vector<uint8_t>& messages) {
  size_t count = 0;
  size_t elements = 0;
  int left = static_cast<int>(messages.size());
  const auto* header = reinterpret_cast<const nlmsghdr*>(messages.data());
  for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
    ++count;
    mnl_attr_parse(header, sizeof(nfgenmsg), count_listed, &elements);
  }
  return {count, elements};
}

TEST(NftTransaction, WritesEachVersionOfIpIntoItsMapAndRemovesFirst) {
  const NftLanguage marks("inet flowmark", NftValue::mark, MarkLayout());
  NftTransaction transaction(marks);
  transaction.add(udp_flow("10.9.1.2", "10.9.2.2"), 46, 600);
  transaction.remove(udp_flow("10.9.1.2", "10.9.2.2"));
  transaction.remove(udp_flow("2001:db8::1", "2001:db8::2"));
  const std::vector<Change> changes = read_back(transaction.messages());
  ASSERT_EQ(changes.size(), 5U);
  EXPECT_EQ(changes[0].type, NFNL_MSG_BATCH_BEGIN);
  EXPECT_FALSE(changes[0].is_acknowledged);
  const std::string key =
      "0a090102"
      "0a090202"
      "11000000"
      "9c400000"
      "138c0000";
  EXPECT_EQ(changes[1].type, NFT_MSG_DELSETELEM);
  EXPECT_EQ(changes[1].table, "flowmark");
  EXPECT_EQ(changes[1].map, "flows4");
  EXPECT_EQ(changes[1].family, 1) << "inet";
  EXPECT_THAT(changes[1].elements, ElementsAre(Pair(key, "")));
  EXPECT_EQ(changes[2].map, "flows6");
  EXPECT_THAT(changes[2].elements, ElementsAre(Pair("20010db8000000000000000000000001"
                                                    "20010db8000000000000000000000002"
                                                    "11000000"
                                                    "9c400000"
                                                    "138c0000",
                                                    "")));
  EXPECT_EQ(changes[3].type, NFT_MSG_NEWSETELEM);
  EXPECT_TRUE(changes[3].is_acknowledged);
  EXPECT_THAT(changes[3].elements, ElementsAre(Pair(key, "0xb9000000 600000 ms")));
  EXPECT_EQ(changes[4].type, NFNL_MSG_BATCH_END);
}

TEST(NftTransaction, JumpsToTheChainOfTheDscp) {
  const NftLanguage jumps("ip6 flowmark", NftValue::dscp, MarkLayout());
  NftTransaction transaction(jumps);
  transaction.add(udp_flow("2001:db8::1", "2001:db8::2"), 46, 60);
  const std::vector<Change> changes = read_back(transaction.messages());
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[1].family, 10) << "ip6";
  ASSERT_EQ(changes[1].elements.size(), 1U);
  EXPECT_EQ(changes[1].elements.begin()->second, fmt::format("{} dscp_46 60000 ms", NFT_JUMP));
}

// A list of elements holds 64 KiB at most.
TEST(NftTransaction, SpreadsManyElementsOverMessages) {
  const NftLanguage marks("inet flowmark", NftValue::mark, MarkLayout());
  NftTransaction transaction(marks);
  for (uint16_t port = 1; port <= 3000; ++port)
    transaction.add(udp_flow("10.9.1.2", "10.9.2.2", port), 46, 600);
  const auto [messages, elements] = sizes(transaction.messages());
  EXPECT_EQ(elements, 3000U);
  EXPECT_GT(messages, 4U);
}

}  // namespace
}  // namespace flowmark

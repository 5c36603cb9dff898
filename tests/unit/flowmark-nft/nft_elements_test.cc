#include "daemon/flowmark-nft/nft_elements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "actuator/usage_error.h"
#include "base/error.h"
#include "net/prefix.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

FlowTuple udp(const std::string& source, const std::string& destination) {
  FlowTuple flow;
  flow.source = Prefix::parse(source).address;
  flow.destination = Prefix::parse(destination).address;
  flow.source_port = 40000;
  flow.destination_port = 5004;
  flow.protocol = 17;
  return flow;
}

const FlowTuple kCall = udp("10.9.1.2", "10.9.2.2");
const FlowTuple kCall6 = udp("2001:db8::1", "2001:db8::2");

// As nft 1.0.6 writes it.
constexpr const char* kListing =
    R"({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"map": {"family": "inet", "name": "flows4",
    "table": "flowmark", "elem": [
    [{"elem": {"val": {"concat": ["10.9.1.2", "10.9.2.2", "udp", 40000, 5004]}, "timeout": 600,
      "expires": 99}}, 3103784960],
    [{"concat": ["10.9.1.2", "10.9.2.3", 17, 40000, 5004]}, 5],
    [{"elem": {"val": "10.0.0.1", "expires": 9}}, 1]]}}]})";

TEST(NftLanguage, ReadsAListing) {
  NftElements elements;
  const NftLanguage marks("inet flowmark", NftValue::mark, MarkLayout());
  marks.read_listing(
      R"({"nftables": [{"map": {"name": "flows4", "type": ["ipv4_addr"], "map": "mark"}}]})",
      elements);
  EXPECT_THAT(elements, IsEmpty());
  const std::string two =
      std::string(kListing).substr(0, std::string(kListing).rfind(",\n    [{\"elem\"")) + "]}}]}";
  marks.read_listing(two, elements);
  ASSERT_EQ(elements.size(), 2U);
  EXPECT_EQ(elements.at(kCall).dscp, Dscp{46});
  EXPECT_EQ(elements.at(kCall).expires_s, 99U);
  const FlowTuple other = udp("10.9.1.2", "10.9.2.3");
  EXPECT_EQ(elements.at(other).dscp, std::nullopt) << "a value that is not ours";
}

TEST(NftLanguage, ReadsJumps) {
  NftElements elements;
  NftLanguage("inet flowmark", NftValue::dscp, MarkLayout())
      .read_listing(R"({"nftables": [{"map": {"elem": [[{"elem": {"val": {"concat": ["2001:db8::1",
        "2001:db8::2", "udp", 40000, 5004]}, "expires": 7}}, {"jump": {"target": "dscp_46"}}]]}}]})",
                    elements);
  EXPECT_EQ(elements.at(kCall6).dscp, Dscp{46});
}

TEST(NftLanguage, AListingOfAnotherFormIsAnError) {
  NftElements elements;
  const NftLanguage marks("inet flowmark", NftValue::mark, MarkLayout());
  for (const char* text : {"", "{", "{}", kListing}) {
    EXPECT_THROW(marks.read_listing(text, elements), Error) << text;
  }
}

TEST(NftLanguage, KnowsTheTableAsTheKernelDoes) {
  const NftLanguage language("bridge my_Table2", NftValue::mark, MarkLayout());
  EXPECT_EQ(language.family(), 7U);
  EXPECT_EQ(language.table_name(), "my_Table2");
}

TEST(NftLanguage, RefusesWhatIsNoTable) {
  for (const char* table : {"flowmark", "inet", "inet ", "inet flow mark", "inet f; flush ruleset",
                            "arp flows", "inet 4flows", "inet _flows", "inet flow-mark", ""}) {
    try {
      NftLanguage(table, NftValue::mark, MarkLayout());
      FAIL() << table;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr("expected a family and a name"));
    }
  }
}

}  // namespace
}  // namespace flowmark

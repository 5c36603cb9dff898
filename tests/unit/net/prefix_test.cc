#include "net/prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

IpAddress address(const std::string& text) {
  return Prefix::parse(text).address;
}

TEST(Prefix, Ipv4CountsFromTheMappedPart) {
  const Prefix prefix = Prefix::parse("10.20.0.0/14");
  EXPECT_EQ(prefix.bits, 96 + 14);
  EXPECT_TRUE(prefix.contains(address("10.20.0.0")));
  EXPECT_TRUE(prefix.contains(address("10.23.255.255")));
  EXPECT_FALSE(prefix.contains(address("10.24.0.0")));
  EXPECT_FALSE(prefix.contains(address("10.19.255.255")));
}

TEST(Prefix, Ipv6) {
  const Prefix prefix = Prefix::parse("2001:db8:8000::/33");
  EXPECT_EQ(prefix.bits, 33);
  EXPECT_TRUE(prefix.contains(address("2001:db8:8000::")));
  EXPECT_TRUE(prefix.contains(address("2001:db8:ffff::1")));
  EXPECT_FALSE(prefix.contains(address("2001:db8:7fff::1")));
}

TEST(Prefix, PlainAddressIsAHost) {
  EXPECT_EQ(Prefix::parse("192.0.2.1").bits, 128);
  EXPECT_TRUE(Prefix::parse("192.0.2.1").contains(address("192.0.2.1")));
  EXPECT_FALSE(Prefix::parse("192.0.2.1").contains(address("192.0.2.0")));
  EXPECT_EQ(Prefix::parse("::1").bits, 128);
}

TEST(Prefix, ZeroLengthIsAllOfOneFamily) {
  EXPECT_TRUE(Prefix::parse("0.0.0.0/0").contains(address("255.255.255.255")));
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0").contains(address("2001:db8::1")));
  EXPECT_TRUE(Prefix::parse("::/0").contains(address("2001:db8::1")));
  EXPECT_FALSE(Prefix::parse("::/0").contains(address("10.0.0.1")));
}

TEST(Prefix, EveryLength) {
  for (int bits = 0; bits <= 32; ++bits) {
    const Prefix prefix = Prefix::parse("0.0.0.0/" + std::to_string(bits));
    for (int set = 0; set < 32; ++set) {
      IpAddress other = address("0.0.0.0");
      other[12 + static_cast<size_t>(set) / 8] = static_cast<uint8_t>(0x80 >> (set % 8));
      EXPECT_EQ(prefix.contains(other), set >= bits) << bits << " " << set;
    }
  }
}

TEST(Prefix, ListContainsIfAnyDoes) {
  const std::vector<Prefix> list = {Prefix::parse("10.0.0.0/8"), Prefix::parse("fd00::/8")};
  EXPECT_TRUE(contains(list, address("10.1.2.3")));
  EXPECT_TRUE(contains(list, address("fd12::1")));
  EXPECT_FALSE(contains(list, address("192.0.2.1")));
  EXPECT_FALSE(contains({}, address("10.1.2.3")));
}

TEST(Prefix, ErrorsNameTheTextAndWhatWouldBeRight) {
  for (const char* bad :
       {"", "/8", "10.0.0/8", "10.0.0.0.0/8", "2001:db8:::1", "host", " 10.0.0.1", "10.0.0.256"}) {
    EXPECT_THAT([&] { Prefix::parse(bad); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr(std::string("'") + bad + "'"), HasSubstr("10.0.0.0/8"))));
  }
  for (const char* bad : {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
                          "10.0.0.0/99999999999", "10.0.0.0/255.0.0.0"}) {
    EXPECT_THAT([&] { Prefix::parse(bad); }, ThrowsMessage<Error>(HasSubstr("from 0 to 32")));
  }
  EXPECT_THAT([] { Prefix::parse("::/129"); }, ThrowsMessage<Error>(HasSubstr("from 0 to 128")));
  EXPECT_THAT([] { Prefix::parse("10.1.2.3/8"); }, ThrowsMessage<Error>(HasSubstr("10.0.0.0/8")));
  EXPECT_THAT([] { Prefix::parse("2001:db8::1/32"); },
              ThrowsMessage<Error>(HasSubstr("2001:db8::/32")));
}

}  // namespace
}  // namespace flowmark

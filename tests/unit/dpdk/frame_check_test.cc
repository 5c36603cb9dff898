// Which frames count as cut off, and which fit a link.
#include "dpdk/frame_check.h"

#include <gtest/gtest.h>

#include <vector>

namespace flowmark {
namespace {

/// A frame of `length` bytes with these VLAN tags, then this type and IP or PPPoE header.
std::vector<uint8_t> frame(size_t length, const std::vector<uint16_t>& tags, uint16_t type,
                           const std::vector<uint8_t>& header) {
  std::vector<uint8_t> bytes(12);
  const auto put = [&bytes](uint16_t value) {
    bytes.push_back(static_cast<uint8_t>(value >> 8));
    bytes.push_back(static_cast<uint8_t>(value));
  };
  for (const uint16_t tag : tags) {
    put(tag);
    put(5);
  }
  put(type);
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(length);
  return bytes;
}

std::vector<uint8_t> ipv4(uint16_t total) {
  return {0x45, 0, static_cast<uint8_t>(total >> 8), static_cast<uint8_t>(total)};
}

std::vector<uint8_t> ipv6(uint16_t payload) {
  return {0x60, 0, 0, 0, static_cast<uint8_t>(payload >> 8), static_cast<uint8_t>(payload)};
}

std::vector<uint8_t> pppoe(uint16_t payload) {
  return {0x11, 0, 0, 1, static_cast<uint8_t>(payload >> 8), static_cast<uint8_t>(payload)};
}

TEST(FrameCheck, TheIpHeaderTellsWhetherTheEndIsThere) {
  EXPECT_FALSE(may_be_cut_off(frame(1982, {}, 0x0800, ipv4(1968))));
  EXPECT_TRUE(may_be_cut_off(frame(1982, {}, 0x0800, ipv4(1969))));
  EXPECT_FALSE(may_be_cut_off(frame(1982, {}, 0x86dd, ipv6(1928))));
  EXPECT_TRUE(may_be_cut_off(frame(1982, {}, 0x86dd, ipv6(1929))));
  EXPECT_FALSE(may_be_cut_off(frame(1982, {}, 0x8864, pppoe(1962))));
  EXPECT_TRUE(may_be_cut_off(frame(1982, {}, 0x8864, pppoe(1963))));
}

TEST(FrameCheck, LooksBehindVlanTags) {
  EXPECT_FALSE(may_be_cut_off(frame(1986, {0x8100}, 0x0800, ipv4(1968))));
  EXPECT_TRUE(may_be_cut_off(frame(1986, {0x8100}, 0x0800, ipv4(1969))));
  EXPECT_FALSE(may_be_cut_off(frame(1990, {0x88a8, 0x8100}, 0x86dd, ipv6(1928))));
  EXPECT_TRUE(may_be_cut_off(frame(1990, {0x88a8, 0x8100}, 0x86dd, ipv6(1929))));
}

TEST(FrameCheck, WhatDoesNotTellItsLengthMayBeCutOff) {
  EXPECT_TRUE(may_be_cut_off(frame(1982, {}, 0x0806, {})));
  EXPECT_TRUE(may_be_cut_off(frame(1982, {}, 0x0800, ipv4(0)))) << "segments put together";
  EXPECT_TRUE(may_be_cut_off(frame(1982, {}, 0x86dd, ipv6(0)))) << "a jumbogram";
}

TEST(FrameCheck, ShortFramesAreNotReadBeyondTheirEnd) {
  const auto whole = frame(64, {0x8100, 0x8100}, 0x0800, ipv4(40));
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::vector<uint8_t> bytes(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(length));
    if (length < 62) {
      EXPECT_TRUE(may_be_cut_off(bytes)) << length;
    }
  }
}

TEST(FrameCheck, ATaggedFrameMayBeFourBytesLonger) {
  const auto plain = frame(64, {}, 0x0800, {}), tagged = frame(64, {0x8100}, 0x0800, {});
  EXPECT_TRUE(fits_link(plain.data(), 1514, 1514));
  EXPECT_FALSE(fits_link(plain.data(), 1515, 1514));
  EXPECT_TRUE(fits_link(tagged.data(), 1518, 1514));
  EXPECT_FALSE(fits_link(tagged.data(), 1519, 1514));
  EXPECT_FALSE(fits_link(tagged.data(), 60, 0)) << "the link is down";
}

}  // namespace
}  // namespace flowmark

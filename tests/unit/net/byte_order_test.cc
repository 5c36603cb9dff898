#include "net/byte_order.h"

#include <gtest/gtest.h>

#include <array>

namespace flowmark {
namespace {

TEST(BigEndian, StandsOnTheWireBigEndFirst) {
  const be16_t port(0x1234);
  const be32_t id(0x12345678);
  std::array<uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &port, 2);
  EXPECT_EQ(bytes[0], 0x12);
  EXPECT_EQ(bytes[1], 0x34);
  std::memcpy(bytes.data(), &id, 4);
  EXPECT_EQ(bytes, (std::array<uint8_t, 4>{0x12, 0x34, 0x56, 0x78}));
  EXPECT_EQ(port.host(), 0x1234);
  EXPECT_EQ(id.host(), 0x12345678u);
  EXPECT_EQ(be16_t{}.host(), 0);
}

TEST(BigEndian, LoadsAndStoresAnywhere) {
  std::array<uint8_t, 7> bytes = {0xff, 0x80, 0x01, 0xfe, 0x7f, 0, 0};
  EXPECT_EQ(load_be16(bytes.data() + 1), 0x8001);
  EXPECT_EQ(load_be32(bytes.data() + 1), 0x8001fe7fu);
  store_be16(bytes.data() + 5, 0xa55a);
  EXPECT_EQ(bytes[5], 0xa5);
  EXPECT_EQ(bytes[6], 0x5a);
}

}  // namespace
}  // namespace flowmark

#include "classify/host_usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using ::testing::ElementsAre;
using testing::histogram_spec;
using testing::size_model;

IpAddress host(uint8_t number) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, number};
}

const HostUse* find(const std::vector<HostUse>& uses, const IpAddress& address, ClassTag tag) {
  const auto found = std::ranges::find_if(
      uses, [&](const HostUse& use) { return use.host == address && use.tag == tag; });
  return found == uses.end() ? nullptr : &*found;
}

TEST(ClassTag, DiffersWhereNamesDo) {
  EXPECT_EQ(class_tag("category", "voip"), class_tag("category", "voip"));
  EXPECT_NE(class_tag("category", "voip"), class_tag("category", "chat"));
  EXPECT_NE(class_tag("a", "bc"), class_tag("ab", "c"));
  EXPECT_NE(class_tag("", ""), kNoTag);
}

TEST(HostUsage, AddsUpByHostAndClass) {
  HostUsage usage(64, {});
  usage.add(host(1), 2, {100, 10}, 3);
  usage.add(host(1), 2, {50, 5}, 2);
  usage.add(host(1), 3, {7, 0}, 1);
  usage.add(host(2), kNoTag, {1, 1}, 2);
  const auto uses = usage.read();
  ASSERT_EQ(uses.size(), 3U);
  const HostUse* first = find(uses, host(1), 2);
  ASSERT_NE(first, nullptr);
  EXPECT_THAT(first->bytes, ElementsAre(150U, 15U));
  EXPECT_EQ(first->packets, 5U);
  EXPECT_EQ(first->may_lack_bytes, 0U);
  EXPECT_NE(find(uses, host(2), kNoTag), nullptr);
}

TEST(HostUsage, TheSmallestGivesWayAndTheHeavyStay) {
  HostUsage usage(4, {});
  for (uint8_t number = 1; number <= 3; ++number) {
    usage.add(host(number), kNoTag, {1'000'000, 0}, 1);
  }
  for (int round = 0; round < 10; ++round) {
    for (uint8_t number = 4; number <= 50; ++number) usage.add(host(number), kNoTag, {100, 0}, 1);
  }
  const auto uses = usage.read();
  EXPECT_EQ(uses.size(), 4U);
  for (uint8_t number = 1; number <= 3; ++number) {
    const HostUse* use = find(uses, host(number), kNoTag);
    ASSERT_NE(use, nullptr);
    EXPECT_EQ(use->bytes[0], 1'000'000U);
  }
  const HostUse* last = find(uses, host(50), kNoTag);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->bytes[0], 100U);
  EXPECT_EQ(last->may_lack_bytes, 46'900U) << "what its record had seen before";
}

// What is kept and what may be missing never fall short of what a host used (Space-Saving's bound).
TEST(HostUsage, TellsHowMuchMayBeMissing) {
  HostUsage usage(16, {});
  std::array<uint64_t, 200> used{};
  uint32_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 1664525 + 1013904223;
    const auto number = static_cast<uint8_t>((random >> 24) % used.size());
    const uint64_t bytes = 1 + (random >> 16) % 1000;
    used[number] += bytes;
    usage.add(host(number), kNoTag, {bytes, 0}, 1);
  }
  const auto uses = usage.read();
  ASSERT_EQ(uses.size(), 16U);
  for (const HostUse& use : uses) {
    const uint64_t truth = used[use.host[15]];
    EXPECT_LE(use.bytes[0], truth);
    EXPECT_GE(use.bytes[0] + use.may_lack_bytes, truth);
  }
}

// A host's tag is its number, and its bytes are a multiple of it: a torn record would differ.
TEST(HostUsage, AReaderNeverSeesHalfOfARecord) {
  HostUsage usage(4, {});
  std::atomic<bool> seen{false};
  std::thread writer([&] {
    for (int i = 0; i < 100'000 || !seen; ++i) {
      const auto number = static_cast<uint8_t>(1 + i % 200);
      usage.add(host(number), number, {number, 0}, 1);
    }
  });
  for (int i = 0; i < 2000 || !seen; ++i) {
    for (const HostUse& use : usage.read()) {
      const uint8_t number = use.host[15];
      EXPECT_EQ(use.tag, number);
      EXPECT_EQ(use.bytes[0] % number, 0U);
      seen = true;
    }
  }
  writer.join();
}

class HostsOfFlowsTest : public ClassifierFixture {
 protected:
  HostsOfFlowsTest() {
    options_.host_records = 64;
    options_.direction = DirectionRule::lan_port;
  }

  void exchange() {
    const testing::UdpFrame frame{.ip_length = 1000};
    for (int i = 0; i < 4; ++i) send(frame);
    for (int i = 0; i < 10; ++i) send(frame.reversed(), 10'000, 1);
    classifier().finish();
  }

  ActiveModel model_ = active(size_model(histogram_spec()));
  ClassTag tag_ = class_tag(model_.name, model_.model->classes[1]);  ///< of the verdict on it
};

TEST_F(HostsOfFlowsTest, BytesCountForTheInsideHostUnderTheClassTheyCameWith) {
  use({model_});
  exchange();
  const auto uses = classifier().hosts()->read();
  ASSERT_EQ(uses.size(), 2U);
  const HostUse* before = find(uses, host(1), kNoTag);
  const HostUse* after = find(uses, host(1), tag_);
  ASSERT_NE(before, nullptr);
  ASSERT_NE(after, nullptr);
  EXPECT_THAT(before->bytes, ElementsAre(4000U, 0U));
  EXPECT_THAT(after->bytes, ElementsAre(0U, 10'000U));
  EXPECT_EQ(after->packets, 10U);
}

TEST_F(HostsOfFlowsTest, TheFirstGroupThatHasTheHostCountsItsBytes) {
  options_.host_groups = {{"guests", {Prefix::parse("10.0.1.0/24")}},
                          {"office", {Prefix::parse("10.0.0.0/24")}},
                          {"all", {Prefix::parse("0.0.0.0/0")}}};
  use({model_});
  exchange();
  EXPECT_EQ(counters_->group_bytes_up[1].get(), 4000U);
  EXPECT_EQ(counters_->group_bytes_down[1].get(), 10'000U);
  EXPECT_EQ(counters_->models[0].group_bytes[1 * kMaxClasses + 1].get(), 10'000U);
  for (const size_t other : {0, 2}) {
    EXPECT_EQ(counters_->group_bytes_up[other].get(), 0U);
    EXPECT_EQ(counters_->models[0].group_bytes[other * kMaxClasses + 1].get(), 0U);
  }
}

TEST_F(HostsOfFlowsTest, AFlowKeepsItsGroupUnderOtherModels) {
  options_.host_groups = {{"office", {Prefix::parse("10.0.0.0/24")}}};
  use({model_});
  const testing::UdpFrame frame{.ip_length = 1000};
  for (int i = 0; i < 4; ++i) send(frame);
  use({active(size_model(histogram_spec()))});
  exchange();
  EXPECT_EQ(counters_->group_bytes_up[0].get(), 8000U);
}

TEST_F(HostsOfFlowsTest, AModelOfTheSameNamesGoesOnWithTheSameRecord) {
  use({model_});
  exchange();
  use({active(size_model(histogram_spec()))});
  exchange();
  const auto uses = classifier().hosts()->read();
  EXPECT_EQ(uses.size(), 2U);
  EXPECT_EQ(find(uses, host(1), tag_)->packets, 20U);
}

TEST_F(HostsOfFlowsTest, WithoutRecordsNothingIsKept) {
  options_.host_records = 0;
  use({model_});
  exchange();
  EXPECT_EQ(classifier().hosts(), nullptr);
}

}  // namespace
}  // namespace flowmark

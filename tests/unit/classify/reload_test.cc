// What becomes of flows when other models are loaded.
#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::UdpFrame;

class ReloadTest : public ClassifierFixture {
 protected:
  void grow_flow() {
    for (int i = 0; i < 20; ++i) send({.ip_length = 200});
    events_.all.clear();
  }
};

TEST_F(ReloadTest, NewModelsOfTheSameFormGoOnWithTheWindows) {
  use({active(size_model(histogram_spec()))});
  grow_flow();
  use({active(size_model(histogram_spec(), 100))});                // now 200 bytes are large
  EXPECT_EQ(dscp_of(send({.ip_length = 200})), dscp::kExpedited);  // the old mark stands meanwhile
  EXPECT_EQ(dscp_of(send({.ip_length = 200})), dscp::kAf11);
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].generation, 2U);
  EXPECT_EQ(events_.all[0].packets, 21U);
}

TEST_F(ReloadTest, NewModelsOfAnotherFormRebuildTheWindows) {
  use({active(size_model(histogram_spec()))});
  grow_flow();
  ActiveModel model = active(size_model(picture_spec(), 100));
  model.policy.min_packets = 20;  // reached only if the old packets count
  use({model});
  send({.ip_length = 200});
  EXPECT_EQ(dscp_of(send({.ip_length = 200})), dscp::kAf11);
  classifier().finish();
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

TEST_F(ReloadTest, TwiceWithinOneFlowAndBackAgain) {
  use({active(size_model(histogram_spec()))});
  grow_flow();
  use({active(size_model(picture_spec()))});
  use({active(size_model(histogram_spec(32)))});
  for (int i = 0; i < 3; ++i) send({.ip_length = 200});
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 3; ++i) send({.ip_length = 200});
  EXPECT_EQ(events_.all.back().generation, 4U);
  classifier().finish();
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

TEST_F(ReloadTest, CountersOfASlotStartAnewOnlyForOtherClasses) {
  use({active(size_model(histogram_spec()))});
  grow_flow();
  EXPECT_EQ(counters_->models[0].verdicts[0].get(), 1U);
  use({active(size_model(histogram_spec()))});
  EXPECT_EQ(counters_->models[0].verdicts[0].get(), 1U);
  EXPECT_EQ(counters_->models[0].flows_now[0].get(), 0U);
  classifier().use_models(nullptr);
  EXPECT_EQ(counters_->models[0].verdicts[0].get(), 1U);
  use({active(size_model(histogram_spec(), 500, {"tiny", "huge"}))});
  EXPECT_EQ(counters_->models[0].verdicts[0].get(), 0U);
}

TEST_F(ReloadTest, ManyFlowsAreMovedAFewAtATime) {
  use({active(size_model(histogram_spec()))});
  std::vector<std::vector<uint8_t>> frames;
  for (uint16_t port = 1; port <= 64; ++port)
    frames.push_back(UdpFrame{.source_port = port}.bytes());
  const auto burst = [&] {
    std::vector<Packet> packets;
    now_us_ += 1000;
    for (auto& frame : frames) packets.push_back(testing::packet_of(frame, now_us_));
    classifier().process(packets, {});
    classifier().infer(UINT64_MAX);
  };
  for (int i = 0; i < 10; ++i) burst();
  events_.all.clear();
  use({active(size_model(histogram_spec(), 100))});
  for (int i = 0; i < 40; ++i) burst();
  EXPECT_EQ(events_.all.size(), 64U);
}

}  // namespace
}  // namespace flowmark

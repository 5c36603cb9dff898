#include "feature/joint/joint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "feature/joint/joint_reader.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

FeatureSpec joint_from(const std::string& json) {
  return FeatureSpec::from_json(json, "here");
}

/// Two parts: pictures of 2 x 3 in both directions, sizes by gaps in 2 x 2 x 2 cells.
FeatureSpec small_joint() {
  return joint_from(R"({"kind":"joint","parts":[
      {"kind":"flowpic","window_s":10,"time_bins":2,"size_bins":3},
      {"kind":"size_iat","window_packets":2,"size":{"bins":2,"min":100,"max":10000},
       "iat_us":{"bins":2,"min":1,"max":10000}}]})");
}

std::string joint_error_of(const std::string& json) {
  try {
    joint_from(json);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Pictures: columns of 5 s, rows of 500 bytes; up in elements 0 to 5, down in 6 to 11. Histogram of
// the newest two packets from 12 on: below and from 1000 bytes, below and from 100 us, up then
// down.
TEST(Joint, PartsStandOneBehindTheOther) {
  const RecordedFlow flow{"",
                          "",
                          {{1'000'000, 600, Direction::up, false},
                           {7'000'000, 1400, Direction::up, false},
                           {7'000'050, 100, Direction::down, false}}};
  std::vector<OfflineWindow> windows;
  TilingOptions options;
  options.prefix_packets = 3;
  small_joint().feature().cut(flow, options,
                              [&](const OfflineWindow& window) { windows.push_back(window); });
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].side, OfflineWindow::Side::both);
  EXPECT_EQ(windows[0].packets, 3U) << "those of the part that has most";
  EXPECT_THAT(
      windows[0].features,
      ElementsAre(SparseValue{1 * 2 + 0, 1}, SparseValue{2 * 2 + 1, 1}, SparseValue{6 + 0, 1},
                  SparseValue{12 + 1 * 2 + 1, 1}, SparseValue{12 + 2 * 2 + 0, 1}));
}

TEST(Joint, ItsLimitsAreThoseOfTheLongestParts) {
  const FeatureSpec spec = small_joint();
  EXPECT_EQ(spec.length(), 2U * 6 + 8);
  EXPECT_FALSE(spec.has_directions());
  EXPECT_FALSE(spec.image());
  EXPECT_EQ(spec.window_us(), 10 * kUsPerSecond);
  EXPECT_EQ(spec.window_packets(), 2U);
  EXPECT_FALSE(spec.is_full(kUsPerSecond, 1000)) << "the pictures are not full";
  EXPECT_TRUE(spec.is_full(10 * kUsPerSecond, 2));
}

TEST(Joint, APartWithoutLimitsDoesNotKeepItFromFilling) {
  const FeatureSpec spec = joint_from(
      R"({"kind":"joint","parts":[{"kind":"flow_numbers"},{"kind":"size_iat","window_packets":9}]})");
  EXPECT_FALSE(spec.is_full(0, 8));
  EXPECT_TRUE(spec.is_full(0, 9));
  EXPECT_FALSE(joint_from(R"({"kind":"joint","parts":[{"kind":"flow_numbers"}]})").is_full(1, 9));
}

TEST(Joint, ItsJsonFormComesBack) {
  for (const FeatureSpec& spec : {small_joint(), joint_from(R"({"kind":"joint"})")}) {
    EXPECT_EQ(joint_from(spec.to_json()), spec) << spec.to_json();
  }
  EXPECT_EQ(joint_from(R"({"kind":"joint","parts":[{"kind":"flow_numbers","first":3}]})").to_json(),
            R"({"kind":"joint","parts":[{"kind":"flow_numbers","window_s":0,"first":3}]})");
  EXPECT_EQ(joint_from(R"({"kind":"joint"})").length(), 2U * 16 * 16 + 2 * 2 * 8 * 8 + 65);
}

TEST(Joint, MistakesAreNamedWithTheirPart) {
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":{}})"), HasSubstr("parts is not a list"));
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":[]})"),
              HasSubstr("here: number of parts: 0 is out of range, allowed is 1 to 8"));
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":[7]})"),
              HasSubstr("parts[0]: 7 is not a JSON"));
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":[{"window_s":1}]})"),
              HasSubstr("parts[0].kind is missing"));
  EXPECT_THAT(
      joint_error_of(R"({"kind":"joint","parts":[{"kind":"flow_numbers"},{"kind":"joint"}]})"),
      HasSubstr("parts[1].kind: \"joint\" is not one of"));
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":[{"kind":"flow_numbers","colour":1}]})"),
              HasSubstr("unknown key \"parts[0].colour\""));
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":[{"kind":"flow_numbers","first":99}]})"),
              HasSubstr("here: parts[0]: first: 99 is out of range"));
  EXPECT_THAT(joint_error_of(R"({"kind":"joint","parts":[
                 {"kind":"flowpic","time_bins":4096,"size_bins":4096}]})"),
              HasSubstr("they have 33554432 elements, allowed are 16777216"));
}

/// The elements of a flow's window that has only the transport.
SparseWindow transport_of(RecordedFlow flow) {
  const FeatureSpec spec = joint_from(R"({"kind":"joint","parts":[{"kind":"transport"}]})");
  flow.packets = {{7, 100, Direction::up, false}};
  SparseWindow found;
  TilingOptions options;
  options.prefix_packets = 1;
  spec.feature().cut(flow, options, [&](const OfflineWindow& window) { found = window.features; });
  return found;
}

TEST(Joint, TheTransportHasAPlaceEach) {
  EXPECT_THAT(transport_of({"udp 10.0.0.1:4000 192.0.2.1:53", "", {}}),
              ElementsAre(SparseValue{0, 1}));
  EXPECT_THAT(transport_of({"7", "", {}, {{"transport", "tcp"}}}), ElementsAre(SparseValue{1, 1}));
  EXPECT_THAT(transport_of({"esp 10.0.0.1 192.0.2.1", "", {}}), ElementsAre(SparseValue{2, 1}));
  EXPECT_THAT(transport_of({"icmp 10.0.0.1 192.0.2.1", "", {}}), ElementsAre(SparseValue{3, 1}));
  EXPECT_THAT(transport_of({"7", "", {}}), ElementsAre());
}

TEST(Joint, TheTransportIsNoKindOfItsOwn) {
  EXPECT_THAT(joint_error_of(R"({"kind":"transport"})"), HasSubstr("\"transport\" is not one of"));
}

TEST(Joint, PanelsFollowThePartsInTheTensor) {
  const std::vector<Panel> panels = small_joint().panels();
  ASSERT_EQ(panels.size(), 3U);
  EXPECT_THAT((std::vector{panels[0].first, panels[1].first, panels[2].first}),
              ElementsAre(0, 6, 12));
  EXPECT_THAT((std::vector{panels[0].group, panels[1].group, panels[2].group}),
              ElementsAre(0, 0, 1));
}

/// Takes a step for each value, then is done.
class SlowReader final : public FeatureReader {
 public:
  explicit SlowReader(uint32_t values) : values_(values) {}
  bool step(uint32_t, SparseWindow& out) noexcept override {
    if (written_ == 0) out.clear();
    if (written_ < values_) out.push_back({written_, static_cast<float>(written_ + 1)});
    return ++written_ > values_;
  }

 private:
  uint32_t values_;
  uint32_t written_ = 0;
};

TEST(JointReader, EachStepDoesALittle) {
  JointReader reader(8);
  reader.add(std::make_unique<SlowReader>(3), 0);
  reader.add(std::make_unique<SlowReader>(0), 10);
  reader.add(std::make_unique<SlowReader>(2), 20);
  reader.begin();
  SparseWindow out;
  uint32_t steps = 1;
  while (!reader.step(1, out)) {
    ++steps;
    ASSERT_LT(steps, 50U);
  }
  EXPECT_THAT(out, ElementsAre(SparseValue{0, 1}, SparseValue{1, 2}, SparseValue{2, 3},
                               SparseValue{20, 1}, SparseValue{21, 2}));
  EXPECT_GE(steps, 11U);
}

}  // namespace
}  // namespace flowmark

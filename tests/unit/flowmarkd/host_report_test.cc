#include "daemon/flowmarkd/host_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr ClassTag kVoip = 7, kStreaming = 8;

class HostReport : public ::testing::Test {
 protected:
  static HostUse use(uint8_t number, ClassTag tag, uint64_t up, uint64_t down,
                     uint64_t may_lack_bytes = 0) {
    HostUse use;
    use.host = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, number};
    use.tag = tag;
    use.bytes = {up, down};
    use.packets = 1;
    use.may_lack_bytes = may_lack_bytes;
    return use;
  }

  const ClassNames names_{{kVoip, {"category", "voip"}}, {kStreaming, {"category", "streaming"}}};
};

TEST_F(HostReport, AddsUpTheWorkersByHostAndClass) {
  const auto report = host_report(
      {use(1, kVoip, 10, 1), use(1, kVoip, 20, 2, 5), use(1, kNoTag, 3, 0), use(2, kNoTag, 1, 1)},
      {}, {{"office", {Prefix::parse("10.0.0.1")}}}, names_);
  EXPECT_EQ(report, Json::parse(R"([
    {"host": "10.0.0.1", "group": "office", "bytes": [33, 3], "may_lack_bytes": 5, "classes": [
      {"class": "voip", "model": "category", "bytes": [30, 3], "packets": 2},
      {"class": null, "model": null, "bytes": [3, 0], "packets": 1}]},
    {"host": "10.0.0.2", "group": null, "bytes": [1, 1], "may_lack_bytes": 0, "classes": [
      {"class": null, "model": null, "bytes": [1, 1], "packets": 1}]}])"));
}

TEST_F(HostReport, OrdersByOneClassAndLeavesOutHostsWithoutIt) {
  const auto calls =
      host_report({use(1, kStreaming, 1000, 0), use(2, kVoip, 5, 0), use(3, kVoip, 0, 6)},
                  {.most = 10, .class_name = "voip"}, {}, names_);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0]["host"], "10.0.0.3");
  EXPECT_EQ(calls[1]["host"], "10.0.0.2");
}

TEST_F(HostReport, EndsAfterAsManyAsWereAskedFor) {
  const auto first = host_report({use(1, kNoTag, 1, 0), use(2, kNoTag, 3, 0), use(3, kNoTag, 2, 0)},
                                 {.most = 2, .class_name = ""}, {}, names_);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0]["host"], "10.0.0.2");
  EXPECT_EQ(first[1]["host"], "10.0.0.3");
}

}  // namespace
}  // namespace flowmark

#include "capture/flowpic_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "unit/capture/capture_builder.h"

namespace flowmark::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class FlowPicCsv : public testing::Test {
 protected:
  std::vector<RecordedFlow> read(const std::string& text) {
    write_file(path_, text);
    std::vector<RecordedFlow> flows;
    read_flows(path_, {}, [&](RecordedFlow&& flow) { flows.push_back(std::move(flow)); });
    return flows;
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "in.csv";
};

TEST_F(FlowPicCsv, ReadsALineAsAUnidirectionalFlow) {
  const auto flows = read(
      "VOIP_1.pcap,10.0.0.1,4000,192.0.2.1,443,UDP,1434000000.5,3,0.0,0.25,1.5,,60,1500,0\n"
      "VOIP_1.pcap, 192.0.2.1,443,10.0.0.1,4000,UDP,1434000001,2,1434000001.0,1434000001.000001,"
      "\"\",100.0,200\r\n");
  ASSERT_EQ(flows.size(), 2U);
  EXPECT_EQ(flows[0].name, "VOIP_1.pcap udp 10.0.0.1:4000 192.0.2.1:443");
  EXPECT_EQ(flows[0].label, "");
  EXPECT_EQ(flows[0].attributes.at("capture"), "VOIP_1.pcap");
  ASSERT_EQ(flows[0].packets.size(), 2U);  // that of size 0 is left out
  EXPECT_EQ(flows[0].packets[0].time_us, 1434000000500000);
  EXPECT_EQ(flows[0].packets[1].time_us, 1434000000750000);
  EXPECT_EQ(flows[0].packets[1].size, 1500);
  EXPECT_EQ(flows[0].packets[1].direction, Direction::up);
  ASSERT_EQ(flows[1].packets.size(), 2U);
  EXPECT_EQ(flows[1].packets[0].time_us, 1434000001000000);
  EXPECT_EQ(flows[1].packets[1].time_us, 1434000001000001);
}

TEST_F(FlowPicCsv, NamesLineAndReason) {
  const std::string good = "a.pcap,1.1.1.1,1,2.2.2.2,2,TCP,10,2,0,1,,60,70\n";
  const std::string begin = "a.pcap,1.1.1.1,1,2.2.2.2,2,TCP,";
  for (const auto& [line, reason] : std::vector<std::pair<std::string, std::string>>{
           {begin + "x,2,0,1,,60,70", "start 'x': must be seconds"},
           {begin + "nan,2,0,1,,60,70", "start 'nan': must be seconds"},
           {begin + "10,0,,", "number of packets '0': must be 1 or more"},
           {begin + "10,2,0,z,,60,70", "time 'z': must be seconds"},
           {begin + "10,2,0,-11,,60,70", "time -11 leads out of the years"},
           {begin + "10,2,0,1,60,70", "'60' stands behind 2 times"},
           {begin + "10,2,0,1,,60", "the line ends before its sizes"},
           {begin + "10,2,0,1,,60,70000", "size '70000': must be a whole number"},
           {begin + "10,2,0,1,,60,1.5", "size '1.5': must be a whole number"},
           {begin + "10,2,0,1,,60,70,80", "'80' stands behind 2 sizes"},
           {"a.pcap,1.1.1.1", "the line ends before its source port"}}) {
    EXPECT_THAT([&] { read(good + line + "\n"); },
                ThrowsMessage<Error>(AllOf(HasSubstr(path_.string() + ":2: "), HasSubstr(reason))))
        << line;
  }
}

TEST_F(FlowPicCsv, OtherFilesAreNone) {
  write_file(path_, "#1,x,0.5\n0,60\n");
  EXPECT_FALSE(is_flowpic_csv(path_));
  write_file(path_, "name,age,town,street,house\n");
  EXPECT_FALSE(is_flowpic_csv(path_));
  write_file(path_, "");
  EXPECT_FALSE(is_flowpic_csv(path_));
}

}  // namespace
}  // namespace flowmark::test

#include "capture/sequence_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/capture/capture_builder.h"

namespace flowmark::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class SequenceFile : public testing::Test {
 protected:
  std::vector<RecordedFlow> read(const std::string& text) {
    write_file(path_, text);
    std::vector<RecordedFlow> flows;
    read_sequence_file(path_, [&](RecordedFlow&& flow) { flows.push_back(std::move(flow)); });
    return flows;
  }
  void expect_error(const std::string& text, int line, const std::string& part) {
    const std::string place = path_.string() + ":" + std::to_string(line) + ": ";
    EXPECT_THAT([&] { read(text); }, ThrowsMessage<Error>(AllOf(HasSubstr(place), HasSubstr(part))))
        << text;
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "in.csv";
};

TEST_F(SequenceFile, FlowsAndPackets) {
  const auto flows = read(
      "#4,A|major,1516220324.252168\n0,310\n8075,-373\n4,-121\n"
      "#five,,7\n10,65535\n0,-1\n");
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].name, "4");
  EXPECT_EQ(flows[0].label, "A|major");
  ASSERT_EQ(flows[0].packets.size(), 3u);
  EXPECT_EQ(flows[0].packets[0].time_us, 1516220324252168);
  EXPECT_EQ(flows[0].packets[0].size, 310);
  EXPECT_EQ(flows[0].packets[0].direction, Direction::up);
  EXPECT_EQ(flows[0].packets[1].time_us, 1516220324252168 + 8075);
  EXPECT_EQ(flows[0].packets[1].size, 373);
  EXPECT_EQ(flows[0].packets[1].direction, Direction::down);
  EXPECT_EQ(flows[0].packets[2].time_us, 1516220324252168 + 8079);
  EXPECT_FALSE(flows[0].packets[2].pure_ack);
  EXPECT_EQ(flows[1].name, "five");
  EXPECT_EQ(flows[1].label, "");
  EXPECT_EQ(flows[1].packets[0].time_us, 7'000'010);
  EXPECT_EQ(flows[1].packets[0].size, 65535);
}

TEST_F(SequenceFile, AttributesAndPureAcksComeBack) {
  const auto flows = read("#4,a,7.5,capture=x.pcap,encryption=vpn=on\n0,310\n5,-52,a\n");
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].attributes,
            (std::map<std::string, std::string>{{"capture", "x.pcap"}, {"encryption", "vpn=on"}}));
  EXPECT_FALSE(flows[0].packets[0].pure_ack);
  EXPECT_TRUE(flows[0].packets[1].pure_ack);
  std::string text;
  append_sequence(flows[0], text);
  EXPECT_EQ(text, "#4,a,7.500000,capture=x.pcap,encryption=vpn=on\n0,310\n5,-52,a\n");
}

TEST_F(SequenceFile, WritesNothingThatItCouldNotRead) {
  const RecordedFlow good{"1", "x", {{1, 60, Direction::up, false}}, {}};
  const auto refused = [&](auto change, const std::string& part) {
    RecordedFlow flow = good;
    change(flow);
    std::string text;
    EXPECT_THAT([&] { append_sequence(flow, text); }, ThrowsMessage<Error>(HasSubstr(part)));
  };
  refused([](RecordedFlow& flow) { flow.name = "a,b"; }, "its name 'a,b' cannot stand");
  refused([](RecordedFlow& flow) { flow.label = "a\n#"; }, "its label");
  refused([](RecordedFlow& flow) { flow.attributes["a=b"] = "c"; }, "its key 'a=b'");
  refused([](RecordedFlow& flow) { flow.attributes["a"] = "c,d"; }, "its value 'c,d'");
  refused([](RecordedFlow& flow) { flow.packets[0].size = 0; }, "a packet of size 0");
}

TEST_F(SequenceFile, StepsBackAreSortedAndEqualTimesKeepTheirOrder) {
  const auto flows = read("#1,x,0.5\n100,1\n50,2\n-70,3\n20,4\n0,5\n");
  ASSERT_EQ(flows.size(), 1u);
  std::vector<std::pair<TimeUs, int>> packets;
  for (const FlowPacket& p : flows[0].packets) packets.emplace_back(p.time_us - 500'000, p.size);
  EXPECT_EQ(packets,
            (std::vector<std::pair<TimeUs, int>>{{80, 3}, {100, 1}, {100, 4}, {100, 5}, {150, 2}}));
}

TEST_F(SequenceFile, GzipLineEndsAndMissingLastNewline) {
  const std::string text = "#1,x,1.0\r\n0,40\r\n\r\n5,-60";
  EXPECT_EQ(read(text)[0].packets.size(), 2u);
  write_gzip(folder_ / "in.csv.gz", Bytes(text.begin(), text.end()));
  int flows = 0;
  read_sequence_file(folder_ / "in.csv.gz", [&](RecordedFlow&& flow) {
    ++flows;
    EXPECT_EQ(flow.packets.size(), 2u);
  });
  EXPECT_EQ(flows, 1);
}

TEST_F(SequenceFile, ManyLinesCrossBufferBorders) {
  std::string text = "#1,x,0\n";
  for (int i = 0; i < 100'000; ++i) text += "1," + std::to_string(i % 1500 + 1) + "\n";
  const auto flows = read(text);
  ASSERT_EQ(flows[0].packets.size(), 100'000u);
  for (size_t i = 0; i < flows[0].packets.size(); ++i) {
    ASSERT_EQ(flows[0].packets[i].time_us, static_cast<TimeUs>(i + 1));
    ASSERT_EQ(flows[0].packets[i].size, i % 1500 + 1);
  }
}

TEST_F(SequenceFile, FractionOfTheStartTime) {
  EXPECT_EQ(read("#1,x,3\n0,1\n")[0].packets[0].time_us, 3'000'000);
  EXPECT_EQ(read("#1,x,3.5\n0,1\n")[0].packets[0].time_us, 3'500'000);
  EXPECT_EQ(read("#1,x,3.000001999\n0,1\n")[0].packets[0].time_us, 3'000'001);
  EXPECT_EQ(read("#1,x,1699999999.999999\n0,1\n")[0].packets[0].time_us, 1699999999999999);
}

TEST_F(SequenceFile, AFlowWithoutPacketsIsAFlow) {
  const auto flows = read("#1,x,0\n#2,y,0\n0,1\n");
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_TRUE(flows[0].packets.empty());
}

TEST_F(SequenceFile, ErrorsNameFileLineValueAndWhatWouldBeRight) {
  expect_error("0,40\n", 1, "before the first flow");
  expect_error("#1,x\n", 1, "'#1,x'");
  expect_error("#1,x\n", 1, "#id,label,epoch_seconds");
  expect_error("#1,x,y,0\n", 1, "#id,label,epoch_seconds");
  expect_error("#,x,0\n", 1, "no id");
  for (const char* time :
       {"", "soon", "-1", "1.", ".5", "1.5s", "1e9", "253402300800", "99999999999999999999"}) {
    expect_error(std::string("#1,x,") + time + "\n", 1, std::string("'") + time + "'");
  }
  expect_error("#1,x,0\n0,40\n5\n", 3, "'5' is no packet");
  expect_error("#1,x,0\n\n0,40\nx,40\n", 4, "'x'");
  expect_error("#1,x,0\n1.5,40\n", 2, "'1.5'");
  expect_error("#1,x,0\n99999999999999,40\n", 2, "at most a year");
  expect_error("#1,x,0\n,40\n", 2, "whole microseconds");
  for (const char* size : {"", "0", "65536", "-65536", "40 ", "+40", "4x", "1,2"}) {
    expect_error(std::string("#1,x,0\n0,") + size + "\n", 2, std::string("'") + size + "'");
  }
  expect_error("#1,x,0\n-1,40\n", 2, "1970");
}

TEST_F(SequenceFile, FlowsBeforeAnErrorAreTaken) {
  write_file(path_, std::string("#1,x,0\n0,1\n#2,x,0\n0,1\nbad\n"));
  int flows = 0;
  EXPECT_THROW(read_sequence_file(path_, [&](RecordedFlow&&) { ++flows; }), Error);
  EXPECT_EQ(flows, 1);
}

TEST_F(SequenceFile, FilesThatAreNone) {
  EXPECT_THAT([&] { read(""); }, ThrowsMessage<Error>(HasSubstr("empty")));
  EXPECT_THAT([&] { read("#1,x,0\n" + std::string(5000, '1')); },
              ThrowsMessage<Error>(HasSubstr("longer than 4096")));
  EXPECT_THROW(read_sequence_file(folder_ / "none", [](RecordedFlow&&) {}), Error);
}

TEST_F(SequenceFile, CutOffGzip) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "#" + std::to_string(i) + ",x,0\n0,40\n";
  write_gzip(folder_ / "whole.gz", Bytes(text.begin(), text.end()));
  Bytes packed = read_file(folder_ / "whole.gz");
  packed.resize(packed.size() / 2);
  write_file(path_, packed);
  int flows = 0;
  EXPECT_THAT([&] { read_sequence_file(path_, [&](RecordedFlow&&) { ++flows; }); },
              ThrowsMessage<Error>(HasSubstr("cut off")));
  EXPECT_GT(flows, 1000);
}

TEST_F(SequenceFile, IsToldApartFromACapture) {
  write_file(path_, std::string("#1,x,0\n"));
  EXPECT_TRUE(is_sequence_file(path_));
  write_gzip(path_, {'#'});
  EXPECT_TRUE(is_sequence_file(path_));
  for (const CaptureSample& sample : capture_samples()) {
    write_file(path_, sample.bytes);
    EXPECT_FALSE(is_sequence_file(path_)) << sample.name;
  }
  write_file(path_, std::string());
  EXPECT_FALSE(is_sequence_file(path_));
  EXPECT_THROW(is_sequence_file(folder_ / "none"), Error);
}

TEST_F(SequenceFile, ReadFlowsTakesEither) {
  std::vector<std::string> labels;
  const auto take = [&](RecordedFlow&& flow) { labels.push_back(flow.label); };
  write_file(path_, std::string("#1,x,0\n0,1\n"));
  read_flows(path_, {}, take);
  EXPECT_EQ(labels, std::vector<std::string>{"x"});
  write_file(path_, capture_samples()[0].bytes);
  read_flows(path_, {}, take);
  EXPECT_EQ(labels.size(), 1u);  // packets without IP
  write_file(path_, std::string("neither"));
  EXPECT_THROW(read_flows(path_, {}, take), Error);
}

}  // namespace
}  // namespace flowmark::test

#include "runtime/capture_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/error.h"
#include "support/frames.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TimeUs kStart = 1'600'000'000 * kUsPerSecond;

class CaptureIoTest : public ::testing::Test {
 protected:
  /// A capture of equal frames at these times after kStart.
  void write(const std::vector<TimeUs>& times) {
    const std::vector<uint8_t> frame = testing::UdpFrame{}.bytes();
    std::ofstream out(file_, std::ios::binary);
    const auto put = [&out](uint32_t value) {
      out.write(reinterpret_cast<const char*>(&value), sizeof value);
    };
    put(0xa1b2c3d4);
    put(2 | 4 << 16);
    put(0);
    put(0);
    put(65535);
    put(1);  // Ethernet
    for (const TimeUs time : times) {
      put(static_cast<uint32_t>((kStart + time) / kUsPerSecond));
      put(static_cast<uint32_t>((kStart + time) % kUsPerSecond));
      put(static_cast<uint32_t>(frame.size()));
      put(static_cast<uint32_t>(frame.size()));
      out.write(reinterpret_cast<const char*>(frame.data()),
                static_cast<std::streamsize>(frame.size()));
    }
  }

  /// The times of each burst, after kStart.
  std::vector<std::vector<TimeUs>> bursts(CaptureIo& io) {
    std::vector<std::vector<TimeUs>> all;
    std::array<Packet, 64> packets;
    std::array<bool, 64> marked{};
    while (!io.finished()) {
      const size_t count = io.receive(packets);
      if (count == 0) continue;
      all.emplace_back();
      for (size_t i = 0; i < count; ++i) all.back().push_back(packets[i].time_us - kStart);
      io.transmit(std::span(packets).first(count), std::span(marked).first(count));
    }
    return all;
  }

  std::vector<std::vector<TimeUs>> bursts() {
    CaptureIo io(file_, "", *counters_, nullptr);
    return bursts(io);
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "in.pcap";
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
};

TEST_F(CaptureIoTest, ABurstSpansAtMostAMillisecond) {
  write({0, 500, 1000, 1001, 5000});
  EXPECT_THAT(bursts(),
              ElementsAre(ElementsAre(0, 500, 1000), ElementsAre(1001), ElementsAre(5000)));
}

TEST_F(CaptureIoTest, ABurstHasAtMost32Packets) {
  write(std::vector<TimeUs>(70, 0));
  const auto all = bursts();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].size(), 32u);
  EXPECT_EQ(all[2].size(), 6u);
}

TEST_F(CaptureIoTest, AShortStepBackStandsStill) {
  write({5'000, 4'000, 6'500});
  EXPECT_THAT(bursts(), ElementsAre(ElementsAre(5'000, 5'000), ElementsAre(6'500)));
}

TEST_F(CaptureIoTest, AfterALongStepBackTheClockGoesOn) {
  const TimeUs hour = 3600 * kUsPerSecond;
  write({hour, 0, 10'000});
  EXPECT_THAT(bursts(), ElementsAre(ElementsAre(hour, hour), ElementsAre(hour + 10'000)));
}

TEST_F(CaptureIoTest, CountsEveryPacketInAndOut) {
  write({0, 1, 2});
  bursts();
  EXPECT_EQ(counters_->ports[0].rx_packets.get(), 3u);
  EXPECT_EQ(counters_->ports[0].tx_packets.get(), 3u);
  EXPECT_EQ(counters_->ports[0].tx_bytes.get(), 3u * testing::UdpFrame{}.bytes().size());
}

TEST_F(CaptureIoTest, ACutOffCaptureGivesWhatIsThereAndThenTheReason) {
  write({0, 1, 2});
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) - 5);
  CaptureIo io(file_, "", *counters_, nullptr);
  EXPECT_THAT(bursts(io), ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(io.error(), HasSubstr("in.pcap: packet 3"));
}

TEST_F(CaptureIoTest, ACopyThatCannotBeWrittenIsAnError) {
  write({0});
  EXPECT_THROW(CaptureIo(file_, "/nonexistent/out.pcap", *counters_, nullptr), Error);
}

}  // namespace
}  // namespace flowmark

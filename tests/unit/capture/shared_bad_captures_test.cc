// Captures that people brought and that once could not be read. They are not part of the project:
// FLOWMARK_SHARED_DATA names the folder that has them in "bad"; without it, these tests skip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/reader.h"
#include "capture/sequence_file.h"
#include "support/shared_data.h"
#include "unit/capture/test_files.h"

namespace flowmark::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::filesystem::path bad(const std::string& name) {
  return testing::shared_data() / "bad" / name;
}

#define SKIP_WITHOUT(path)                                                               \
  if (!std::filesystem::exists(path)) {                                                  \
    GTEST_SKIP() << "no " << (path) << "; set FLOWMARK_SHARED_DATA to the folder of it"; \
  }

FlowReadOptions with_all_tunnels() {
  FlowReadOptions options;
  options.parse = ParseOptions::all_tunnels();
  return options;
}

std::vector<RecordedFlow> flows_of(const std::filesystem::path& path) {
  std::vector<RecordedFlow> flows;
  read_capture_flows(path, with_all_tunnels(),
                     [&](RecordedFlow&& flow) { flows.push_back(std::move(flow)); });
  return flows;
}

struct Merged {
  const char* file;
  uint64_t packets;
};

TEST(SharedBadCaptures, MergedInterfacesAreReadAndCopied) {
  SKIP_WITHOUT(bad("mix.pcapng"));
  TemporaryFolder folder;
  for (const Merged& merged : {Merged{"two_snaplens_test004.pcapng", 4}, {"mix.pcapng", 10}}) {
    const auto path = bad(merged.file);
    CaptureReader reader(path);
    CaptureCopier copier(path, folder / "copy");
    for (Packet packet; reader.next(packet);) copier.write(packet);
    copier.finish();
    EXPECT_EQ(reader.packets_read(), merged.packets) << merged.file;
    EXPECT_EQ(read_file(path), read_file(folder / "copy")) << merged.file;
  }
}

TEST(SharedBadCaptures, ASnapLengthOf40IsTold) {
  const auto path = bad("snaplen40.pcap");
  SKIP_WITHOUT(path);
  EXPECT_THAT([&] { flows_of(path); },
              ThrowsMessage<Error>(AllOf(HasSubstr("20 of 20"), HasSubstr("40 bytes"))));
}

TEST(SharedBadCaptures, TimesBehind2038) {
  const auto path = bad("after_2038.pcap");
  SKIP_WITHOUT(path);
  constexpr TimeUs kFirst = TimeUs{2'147'483'640} * kUsPerSecond;
  CaptureReader reader(path);
  TimeUs expected = kFirst;
  for (Packet packet; reader.next(packet); expected += kUsPerSecond) {
    EXPECT_EQ(packet.time_us, expected);
  }
  EXPECT_EQ(expected, kFirst + 20 * kUsPerSecond);
}

TEST(SharedBadCaptures, APortUsedAgainIsAnotherFlow) {
  SKIP_WITHOUT(bad("reuse.pcap"));
  const auto flows = flows_of(bad("reuse.pcap"));
  ASSERT_EQ(flows.size(), 2u);
  for (const RecordedFlow& flow : flows) {
    EXPECT_EQ(flow.name, "tcp 10.0.0.2:40000 192.0.2.9:443");
    EXPECT_EQ(flow.packets.size(), 7u);
  }
}

TEST(SharedBadCaptures, WhoSendsASynAckDidNotBegin) {
  SKIP_WITHOUT(bad("synack_first.pcap"));
  const auto flows = flows_of(bad("synack_first.pcap"));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].name, "tcp 203.0.113.5:50000 198.51.100.1:443");
}

TEST(SharedBadCaptures, EncapsulationsGiveTheirInnerFlow) {
  SKIP_WITHOUT(bad("encapsulations"));
  for (const auto& entry : std::filesystem::directory_iterator(bad("encapsulations"))) {
    SCOPED_TRACE(entry.path().filename());
    const auto flows = flows_of(entry.path());
    ASSERT_EQ(flows.size(), 1u);
    EXPECT_EQ(flows[0].packets.size(), 3u);
    const bool teredo = entry.path().filename() == "teredo.pcap";
    EXPECT_EQ(flows[0].name,
              teredo ? "udp [2001::1]:1 [2001::2]:2" : "udp 10.0.0.2:5000 192.0.2.9:6000");
    EXPECT_EQ(flows[0].packets[0].size, teredo ? 50 : 128);
  }
}

}  // namespace
}  // namespace flowmark::test

// The published FlowPic form: flows in time order that can be written and read again, or an error
// that names the file.
#include "capture/flowpic_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/memory_file.h"

using namespace flowmark;

namespace {

/// Up to here a double of seconds holds every microsecond.
constexpr TimeUs kExactUntil = (int64_t{1} << 31) * kUsPerSecond;

std::string as_line(const RecordedFlow& flow) {
  const TimeUs start = flow.packets.front().time_us;
  std::string line = fmt::format("c,s,1,d,2,udp,{}.{:06},{}", start / kUsPerSecond,
                                 start % kUsPerSecond, flow.packets.size());
  for (const FlowPacket& packet : flow.packets) {
    const TimeUs since = packet.time_us - start;
    line += fmt::format(",{}.{:06}", since / kUsPerSecond, since % kUsPerSecond);
  }
  line += ",";
  for (const FlowPacket& packet : flow.packets) line += fmt::format(",{}", packet.size);
  return line + "\n";
}

void expect_reads_the_same(const RecordedFlow& flow) {
  const std::string line = as_line(flow);
  const MemoryFile file(reinterpret_cast<const uint8_t*>(line.data()), line.size());
  expect(is_flowpic_csv(file.path()), "what was written has the form");
  size_t flows = 0;
  read_flowpic_csv(file.path(), [&](const RecordedFlow& again) {
    ++flows;
    expect(std::equal(flow.packets.begin(), flow.packets.end(), again.packets.begin(),
                      again.packets.end(),
                      [](const FlowPacket& x, const FlowPacket& y) {
                        return x.time_us == y.time_us && x.size == y.size;
                      }),
           "a flow written and read again is the same");
  });
  expect(flows == 1, "one line is one flow");
}

void check(const RecordedFlow& flow) {
  expect(!flow.name.empty() && flow.label.empty(), "a flow has a name and no label");
  expect(flow.attributes.count("capture") == 1, "a flow has its capture");
  expect(std::is_sorted(
             flow.packets.begin(), flow.packets.end(),
             [](const FlowPacket& x, const FlowPacket& y) { return x.time_us < y.time_us; }),
         "packets are in time order");
  for (const FlowPacket& packet : flow.packets) {
    expect(packet.size > 0, "a packet has a size");
    expect(packet.direction == Direction::up, "all packets are upstream");
  }
  if (!flow.packets.empty() && flow.packets.back().time_us < kExactUntil) {
    expect_reads_the_same(flow);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  for (const bool only_asked : {true, false}) {
    try {
      if (only_asked) {
        is_flowpic_csv(file.path());
      } else {
        read_flowpic_csv(file.path(), check);
      }
    } catch (const Error& error) {
      expect(std::string(error.what()).find(file.path()) != std::string::npos,
             "the error names the file");
    }
  }
  return 0;
}

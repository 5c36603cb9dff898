// Packet sequence files: flows in time order, or an error that names the file.
#include <algorithm>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/memory_file.h"

using namespace flowmark;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  try {
    read_sequence_file(file.path(), [](const RecordedFlow& flow) {
      expect(!flow.name.empty(), "a flow has an id");
      expect(std::is_sorted(
                 flow.packets.begin(), flow.packets.end(),
                 [](const FlowPacket& x, const FlowPacket& y) { return x.time_us < y.time_us; }),
             "packets are in time order");
      for (const FlowPacket& packet : flow.packets) expect(packet.size > 0, "a packet has a size");
    });
  } catch (const Error& error) {
    expect(std::string(error.what()).find(file.path()) != std::string::npos,
           "the error names the file");
  }
  return 0;
}

// Capture files: reading gives packets or a clear error, and copying what was read gives the very
// same file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "capture/reader.h"
#include "capture/sequence_file.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/memory_file.h"

using namespace flowmark;

namespace {

const std::string& copy_path() {
  // One a process: fuzzers run beside each other.
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("flowmark-fuzz-" + std::to_string(getpid())))
          .string();
  return path;
}

bool is_packed(const uint8_t* data, size_t size) {
  const std::string_view start(reinterpret_cast<const char*>(data), size);
  return start.starts_with("\x1f\x8b") || start.starts_with(std::string_view("\xFD\x37zXZ\0", 6)) ||
         start.starts_with("BZh");  // no capture starts so
}

uint64_t read_and_copy(const std::string& path, CaptureCopier& copier) {
  CaptureReader reader(path);
  try {
    for (Packet packet; reader.next(packet);) {
      expect(packet.wire_length >= packet.head_length, "no more is captured than there was");
      copier.write(packet);
    }
  } catch (const Error& error) {
    expect(std::string(error.what()).find(path) != std::string::npos, "the error names the file");
  }
  return reader.packets_read();
}

void check_copy(const uint8_t* data, size_t size) {
  std::ifstream in(copy_path(), std::ios::binary);
  const std::vector<char> copy(std::istreambuf_iterator<char>(in), {});
  expect(copy.size() == size &&
             std::equal(copy.begin(), copy.end(), data,
                        [](char x, uint8_t y) { return static_cast<uint8_t>(x) == y; }),
         "an unchanged copy is the same file");
  std::filesystem::remove(copy_path());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  try {
    CaptureCopier copier(file.path(), copy_path());
    read_and_copy(file.path(), copier);
    copier.finish();
    if (is_packed(data, size)) {
      std::filesystem::remove(copy_path());
    } else {
      check_copy(data, size);
    }
  } catch (const Error&) {
    // No capture at all, or damaged packed data.
  }
  try {
    FlowReadOptions options;
    options.warn = [](const std::string& told) { expect(!told.empty(), "a warning has a text"); };
    read_flows(file.path(), options,
               [](const RecordedFlow& flow) { expect(!flow.name.empty(), "a flow has a name"); });
  } catch (const Error&) {
  }
  return 0;
}

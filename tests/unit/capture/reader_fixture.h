#pragma once

#include <gtest/gtest.h>

#include "capture/reader.h"
#include "unit/capture/capture_builder.h"
#include "unit/capture/test_files.h"

namespace flowmark::test {

/// The bytes of a packet that were captured.
inline Bytes data_of(const Packet& packet) {
  return {packet.data, packet.data + packet.head_length};
}

/// How many packets a capture holds, read to its end.
inline uint64_t read_all(const std::filesystem::path& path) {
  CaptureReader reader(path);
  for (Packet packet; reader.next(packet);) {
  }
  return reader.packets_read();
}

/// A capture in a folder of its own.
class ReaderFixture : public testing::Test {
 protected:
  std::filesystem::path file(const Bytes& bytes) const {
    write_file(folder_ / "in", bytes);
    return folder_ / "in";
  }
  TemporaryFolder folder_;
};

}  // namespace flowmark::test

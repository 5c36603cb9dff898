// Captures of real traffic, recorded by others and not part of the project. FLOWMARK_SHARED_DATA
// names the folder that has them in "pcaps"; without it, these tests skip.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "capture/reader.h"
#include "capture/sequence_file.h"
#include "support/shared_data.h"
#include "unit/capture/test_files.h"

namespace flowmark::test {
namespace {

std::filesystem::path shared_folder() {
  return testing::shared_data() / "pcaps";
}

std::vector<std::filesystem::path> captures() {
  std::vector<std::filesystem::path> found;
  if (!std::filesystem::is_directory(shared_folder())) return found;
  for (const auto& entry : std::filesystem::directory_iterator(shared_folder())) {
    found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " > /dev/null").c_str()) == 0;
}

// What a command prints; an empty text and a failed test if it fails.
std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string text;
  std::array<char, 4096> part{};
  while (const size_t n = fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

#define SKIP_WITHOUT_CAPTURES()                                           \
  if (captures().empty()) {                                               \
    GTEST_SKIP() << "no captures in " << shared_folder()                  \
                 << "; set FLOWMARK_SHARED_DATA to the folder of pcaps/"; \
  }

TEST(SharedCaptures, EveryPacketIsReadAndNoneLost) {
  SKIP_WITHOUT_CAPTURES();
  const bool tshark = has_program("capinfos");
  for (const auto& path : captures()) {
    SCOPED_TRACE(path.filename());
    CaptureReader reader(path);
    uint64_t parsed_ok = 0, in_flows = 0;
    for (Packet packet; reader.next(packet);) {
      ParsedPacket parsed;
      parse(packet, {}, parsed);
      parsed_ok += parsed.status == ParseStatus::ok;
    }
    EXPECT_GT(reader.packets_read(), 0u);
    read_capture_flows(path, {}, [&](RecordedFlow&& f) { in_flows += f.packets.size(); });
    EXPECT_EQ(in_flows, parsed_ok);
    if (tshark) {
      const std::string count = output_of("capinfos -T -r -c -m '" + path.string() + "'");
      EXPECT_EQ(std::stoull(count.substr(count.rfind(',') + 1)), reader.packets_read());
    }
  }
}

TEST(SharedCaptures, UnchangedCopyIsTheSameFile) {
  SKIP_WITHOUT_CAPTURES();
  TemporaryFolder folder;
  for (const auto& path : captures()) {
    CaptureReader reader(path);
    CaptureCopier copier(path, folder / "copy");
    for (Packet packet; reader.next(packet);) copier.write(packet);
    copier.finish();
    EXPECT_TRUE(read_file(path) == read_file(folder / "copy")) << path.filename();
  }
}

constexpr uint32_t kNever = UINT32_MAX;

std::string flow_lines(const std::filesystem::path& path) {
  std::ostringstream lines;
  FlowReadOptions options;  // tshark knows no end of a flow
  options.timeouts = {.idle_ms = kNever, .closing_ms = kNever, .young_ms = kNever};
  read_capture_flows(path, options, [&](RecordedFlow&& flow) {
    std::array<uint64_t, 4> count{};
    for (const FlowPacket& packet : flow.packets) {
      const size_t back = packet.direction == Direction::up ? 0 : 2;
      ++count[back];
      count[back + 1] += packet.size;
    }
    lines << flow.name;
    for (const uint64_t n : count) lines << ' ' << n;
    lines << '\n';
  });
  return lines.str();
}

TEST(SharedCaptures, FlowsAgreeWithTshark) {
  SKIP_WITHOUT_CAPTURES();
  if (!has_program("tshark") || !has_program("python3")) GTEST_SKIP() << "needs tshark and python3";
  const std::string script = FLOWMARK_SOURCE_DIR "/tests/unit/capture/tshark_flows.py";
  for (const auto& path : captures()) {
    const std::string theirs = output_of("python3 '" + script + "' '" + path.string() + "'");
    EXPECT_EQ(flow_lines(path), theirs) << path.filename();
  }
}

}  // namespace
}  // namespace flowmark::test

#include "dpdk/memory_check.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "base/error.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

constexpr uint64_t kMb = 1 << 20;

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

std::string memory_refusal(const Settings& settings, bool huge_pages, uint64_t available) {
  try {
    check_memory(settings, huge_pages, available);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(MemoryCheck, CountsTablesWindowsAndOrdinaryPacketBuffers) {
  Settings settings;
  settings.flows.memory_mb = 900;
  settings.eal.memory_mb = 100;
  EXPECT_EQ(memory_refusal(settings, false, 1100 * kMb), "");
  EXPECT_NE(memory_refusal(settings, false, 1000 * kMb), "") << "the tables need some more";
  EXPECT_EQ(memory_refusal(settings, true, 1000 * kMb), "") << "buffers are in huge pages";
  const std::string told = memory_refusal(settings, true, 800 * kMb);
  EXPECT_NE(told.find("flows.memory_mb: value 900: "), std::string::npos) << told;
  EXPECT_NE(told.find("800 MB are free"), std::string::npos) << told;
  EXPECT_NE(memory_refusal(settings, false, 90 * kMb).find("eal.memory_mb: value 100"),
            std::string::npos);
  settings.flows.budget_mb = 2000;
  EXPECT_NE(memory_refusal(settings, true, 1999 * kMb).find("flows.budget_mb: value 2000"),
            std::string::npos);
  EXPECT_EQ(memory_refusal(settings, true, 2000 * kMb), "");
}

TEST(MemoryCheck, ReadsWhatIsAvailable) {
  const testing::TemporaryFolder root;
  EXPECT_EQ(available_memory(root.path()), std::numeric_limits<uint64_t>::max());
  write_file(root.path() / "proc/meminfo",
             "MemTotal: 900 kB\nMemAvailable:    300 kB\nSwapFree: 50 kB\n");
  EXPECT_EQ(available_memory(root.path()), 350u << 10);
  write_file(root.path() / "proc/self/cgroup", "1:cpu:/a\n0::/system.slice/flowmarkd.service\n");
  const auto slice = root.path() / "sys/fs/cgroup/system.slice";
  write_file(slice / "flowmarkd.service/memory.max", "max\n");
  EXPECT_EQ(available_memory(root.path()), 350u << 10);
  write_file(slice / "memory.max", "204800\n");
  EXPECT_EQ(available_memory(root.path()), 200u << 10) << "of the group above";
}

TEST(MemoryCheck, KnowsWhatAProcessHas) {
  EXPECT_GT(memory_of_process(getpid()).ordinary, kMb);
  EXPECT_EQ(memory_of_process(0).ordinary, 0u);
}

}  // namespace
}  // namespace flowmark

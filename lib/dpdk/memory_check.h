#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "settings/settings.h"

namespace flowmark {

/// Memory in bytes: that a process has, or that is free.
struct MachineMemory {
  uint64_t ordinary = 0;
  uint64_t huge_pages = 0;
};

/// What the process has; nothing when there is none of that number. Throws nothing.
MachineMemory memory_of_process(pid_t process);

/// Ordinary memory that this process could still get: what the kernel calls available, and free
/// swap, within the limits of its control groups. `root`: for tests, a folder with proc/ and sys/.
uint64_t available_memory(const std::filesystem::path& root = "/");

/// Throws Error naming the key when flow tables, windows and, without huge pages, packet buffers
/// need more than `available` bytes. All of it is taken at the start.
void check_memory(const Settings& settings, bool huge_pages, uint64_t available);

}  // namespace flowmark

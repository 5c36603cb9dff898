#include "base/anonymous_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {

AnonymousMemory::AnonymousMemory(size_t bytes, bool prefault) : size_(bytes) {
  if (bytes == 0) return;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    fail("cannot reserve {} bytes of memory: {}", bytes, std::strerror(errno));
  }
  data_ = memory;
  madvise(memory, bytes, MADV_HUGEPAGE);  // only a hint: without huge pages it is slower, not wrong
  if (!prefault) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* bytes_of = static_cast<volatile char*>(memory);
  for (size_t at = 0; at < bytes; at += page) bytes_of[at] = 0;
}

AnonymousMemory::~AnonymousMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

AnonymousMemory::AnonymousMemory(AnonymousMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AnonymousMemory& AnonymousMemory::operator=(AnonymousMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace flowmark

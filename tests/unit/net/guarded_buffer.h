#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>

namespace flowmark::test {

/// Memory that ends at an unreadable page: reading one byte too far ends the program, sanitizer or
/// not.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t most) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (most + page - 1) / page * page;
    mapped_ = usable_ + page;
    void* memory =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    base_ = static_cast<uint8_t*>(memory);
    if (mprotect(base_ + usable_, page, PROT_NONE) != 0) throw std::runtime_error("mprotect");
  }
  ~GuardedBuffer() { munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  /// A copy of `bytes` that ends where the guard page starts.
  uint8_t* place(std::span<const uint8_t> bytes) {
    uint8_t* at = base_ + usable_ - bytes.size();
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return at;
  }

 private:
  uint8_t* base_ = nullptr;
  size_t usable_ = 0, mapped_ = 0;
};

}  // namespace flowmark::test

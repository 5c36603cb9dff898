#pragma once

#include <cstddef>

namespace flowmark {

/// A private mapping of zeroed pages, aligned to 64 bytes at least, in huge pages where the kernel
/// gives them. For the arenas and tables that are reserved once at start-up. Movable, not copyable.
class AnonymousMemory {
 public:
  AnonymousMemory() = default;
  /// `prefault` touches every page now, so that none faults later on the packet path. Throws Error
  /// naming the size when the memory is not to be had.
  explicit AnonymousMemory(size_t bytes, bool prefault = false);
  ~AnonymousMemory();
  AnonymousMemory(AnonymousMemory&& other) noexcept;
  AnonymousMemory& operator=(AnonymousMemory&& other) noexcept;

  void* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace flowmark

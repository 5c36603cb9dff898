#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace flowmark {

/// Unpacks a file of xz format (one stream or several behind each other) from front to back. Used
/// by InputFile; one thread at a time.
class XzReader {
 public:
  /// True where the file behind `fd` starts as xz does; its position stays. Always false for what
  /// has no positions, a pipe say.
  static bool is_xz(int fd) noexcept;

  /// Takes `fd` over, also when it throws Error. `path` is what errors name.
  XzReader(int fd, std::string path);
  ~XzReader();
  XzReader(const XzReader&) = delete;
  XzReader& operator=(const XzReader&) = delete;

  /// Up to `most` unpacked bytes; 0 at the end. Throws Error when reading fails or the data is cut
  /// off, damaged or wants more memory than a sensible packer makes it want; what was readable
  /// before that comes first.
  size_t read(uint8_t* to, size_t most);

  /// Packed bytes used so far.
  uint64_t position() const noexcept;

 private:
  struct State;
  [[noreturn]] void fail_read(int status) const;

  std::string path_;
  std::unique_ptr<State> state_;
};

}  // namespace flowmark

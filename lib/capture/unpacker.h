#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace flowmark {

/// Unpacks a file from front to back. Used by InputFile; one thread at a time.
class Unpacker {
 public:
  Unpacker() = default;
  virtual ~Unpacker() = default;
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// Up to `most` unpacked bytes; 0 at the end. Throws Error when reading fails or the data is cut
  /// off, damaged or wants more memory than a sensible packer makes it want; what was readable
  /// before that comes first.
  virtual size_t read(uint8_t* to, size_t most) = 0;

  /// Packed bytes used so far.
  virtual uint64_t position() const noexcept = 0;
};

/// The unpacker of what the file behind `fd` starts as: bzip2 or xz (one stream or several behind
/// each other) where it is a regular file; anything else goes through zlib, which hands on what is
/// not gzip as it is. Takes `fd` over, also when it throws Error; `path` is what errors name.
std::unique_ptr<Unpacker> make_unpacker(int fd, std::string path);

std::unique_ptr<Unpacker> make_bzip2_unpacker(int fd, std::string path);
std::unique_ptr<Unpacker> make_gzip_unpacker(int fd, std::string path);
std::unique_ptr<Unpacker> make_xz_unpacker(int fd, std::string path);

}  // namespace flowmark

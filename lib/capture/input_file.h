#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace flowmark {

class Unpacker;

/// A file read from front to back, unpacked on the way if it is gzip, or bzip2 or
/// xz in a regular file.
class InputFile {
 public:
  /// Throws Error naming the file and why it cannot be read.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Fills `out`; returns how many bytes there were: fewer only at the end. Throws Error when
  /// reading fails or the packed data is cut off or damaged; what was readable before that comes
  /// first.
  size_t read(std::span<uint8_t> out);

  /// The next line without its end ("\n" or "\r\n"). False at the end of the file. Throws Error as
  /// read() does, and when the line is longer than `longest` bytes.
  bool read_line(std::string& line, size_t longest);

  /// Share of the (packed) file read so far, 0..1.
  double progress() const noexcept;

 private:
  std::string path_;
  std::unique_ptr<Unpacker> unpacker_;
  uint64_t size_ = 0;
  std::string buffer_;  // of read_line
  size_t buffer_at_ = 0;
};

}  // namespace flowmark

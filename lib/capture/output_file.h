#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

struct gzFile_s;

namespace flowmark {

/// A file that appears under its name only when it is complete: written beside it under a temporary
/// name, then renamed. Packed with gzip if the name ends in ".gz".
class OutputFile {
 public:
  /// Throws Error if the file cannot be made.
  explicit OutputFile(const std::filesystem::path& path);
  /// Removes the temporary file unless commit() was called.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws Error, e.g. when the disk is full.
  void write(std::span<const uint8_t> bytes);
  void commit();

 private:
  [[noreturn]] void fail_write() const;

  std::string path_;
  std::string temporary_;
  gzFile_s* file_ = nullptr;
};

}  // namespace flowmark

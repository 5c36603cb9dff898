#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace flowmark {

/// Appends a number in the fewest digits that read back to the same value; what JSON cannot say
/// (NaN, infinity) becomes null.
void append_number(std::string& out, float value);
void append_number(std::string& out, uint64_t value);
void append_number(std::string& out, int64_t value);
inline void append_number(std::string& out, uint32_t value) {
  append_number(out, uint64_t{value});
}

/// Appends a quoted JSON string. Bytes that are not UTF-8 become U+FFFD, so that a line is always
/// valid JSON.
void append_string(std::string& out, std::string_view text);

/// Where a subcommand's lines go: standard output, or a file that takes its name only when all of
/// it is written. Throws Error when the place is full or gone.
class LineOutput {
 public:
  /// An empty path or "-" is standard output.
  explicit LineOutput(const std::filesystem::path& path);
  /// Throws the unfinished file away.
  ~LineOutput();
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;

  void write(std::string_view text);
  /// Flushes and gives the file its name.
  void finish();

 private:
  [[noreturn]] void fail_writing() const;
  void remove_temporary() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* file_ = nullptr;
};

}  // namespace flowmark

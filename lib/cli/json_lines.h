#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace flowmark {

/// The object of one line; its keys stand in the order they were first set. Fractions are floats,
/// so that 0.1F reads 0.1 and not 0.10000000149011612.
using JsonLine = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool,
                                      int64_t, uint64_t, float>;

/// A number whose text reads back to the same value. A whole number below 2^24 has no decimal
/// point: 1, not 1.0. NaN and infinity, which JSON cannot say, read null.
JsonLine json_number(float value);

/// Appends the line's text and a newline. Bytes that are not UTF-8 become U+FFFD, so that a line is
/// always valid JSON.
void append_line(std::string& lines, const JsonLine& line);

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

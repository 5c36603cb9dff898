#include "cli/json_lines.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

// From here on a float does not say which whole number it stands for.
constexpr float kWholeEnd = 1 << 24;

}  // namespace

JsonLine json_number(float value) {
  if (std::abs(value) < kWholeEnd && value == std::trunc(value)) {
    return static_cast<int64_t>(value);
  }
  return value;
}

void append_line(std::string& lines, const JsonLine& line) {
  lines += line.dump(-1, ' ', false, JsonLine::error_handler_t::replace);
  lines += '\n';
}

LineOutput::LineOutput(const std::filesystem::path& path) : path_(path) {
  if (path_.empty() || path_ == "-") {
    path_.clear();
    file_ = stdout;
  } else {
    temporary_ = path_;
    if (std::error_code none;
        !std::filesystem::exists(path_, none) || std::filesystem::is_regular_file(path_, none)) {
      temporary_ += ".part" + std::to_string(getpid());
    }  // else a device or a pipe: it cannot be replaced, only written to
    file_ = std::fopen(temporary_.c_str(), "we");
    if (file_ == nullptr) {
      fail("{}: cannot be written: {}", path_.string(), std::strerror(errno));
    }
  }
  std::setvbuf(file_, nullptr, _IOFBF, kBufferBytes);
}

LineOutput::~LineOutput() {
  if (file_ == nullptr) {
    return;
  }
  if (file_ == stdout) {
    std::fflush(file_);
    return;
  }
  std::fclose(file_);
  remove_temporary();
}

void LineOutput::remove_temporary() const {
  if (temporary_ != path_) {
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }
}

void LineOutput::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) {
    fail_writing();
  }
}

void LineOutput::finish() {
  if (std::fflush(file_) != 0) {
    fail_writing();
  }
  if (file_ == stdout) {
    return;
  }
  std::FILE* file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0) {
    remove_temporary();
    fail_writing();
  }
  if (temporary_ != path_) {
    std::filesystem::rename(temporary_, path_);
  }
}

void LineOutput::fail_writing() const {
  fail("{}: cannot be written: {}", path_.empty() ? "standard output" : path_.string(),
       std::strerror(errno));
}

}  // namespace flowmark

#include "cli/json_lines.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

template <typename Number>
void append(std::string& out, Number value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

/// Length of the valid UTF-8 sequence that `text` begins with, 0 if it begins with none (RFC 3629).
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const bool bad_second = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
                          (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
  return bad_second ? 0 : length;
}

}  // namespace

void append_number(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  append(out, value);
}

void append_number(std::string& out, uint64_t value) {
  append(out, value);
}

void append_number(std::string& out, int64_t value) {
  append(out, value);
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    size_t length = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else if (length = utf8_length(text); length > 0) {
      out.append(text, 0, length);
    } else {
      out += "\xef\xbf\xbd";
      length = 1;
    }
    text.remove_prefix(length);
  }
  out += '"';
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

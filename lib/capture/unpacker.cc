#include "capture/unpacker.h"

#include <unistd.h>

#include <string_view>
#include <utility>

namespace flowmark {
namespace {

constexpr std::string_view kXz("\xFD\x37zXZ\0", 6);

// Behind the size of its blocks, a bzip2 stream has a block, which starts with the digits of pi, or
// its end, with those of pi's root. Without it "BZh9" is as good as any other text.
constexpr std::string_view kBzip2 = "BZh";
constexpr std::string_view kBlock("\x31\x41\x59\x26\x53\x59", 6);
constexpr std::string_view kEnd("\x17\x72\x45\x38\x50\x90", 6);

bool is_bzip2(std::string_view start) {
  if (!start.starts_with(kBzip2) || start.size() < kBzip2.size() + 1 + kBlock.size()) return false;
  const char blocks = start[kBzip2.size()];
  const std::string_view behind = start.substr(kBzip2.size() + 1);
  return blocks >= '1' && blocks <= '9' && (behind.starts_with(kBlock) || behind.starts_with(kEnd));
}

}  // namespace

std::unique_ptr<Unpacker> make_unpacker(int fd, std::string path) {
  char bytes[10];
  const ssize_t n = pread(fd, bytes, sizeof bytes, 0);  // fails for what has no positions: a pipe
  const std::string_view start(bytes, n > 0 ? static_cast<size_t>(n) : 0);
  if (start.starts_with(kXz)) return make_xz_unpacker(fd, std::move(path));
  if (is_bzip2(start)) return make_bzip2_unpacker(fd, std::move(path));
  return make_gzip_unpacker(fd, std::move(path));
}

}  // namespace flowmark

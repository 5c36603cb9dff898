#pragma once

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace flowmark::test {

using Bytes = std::vector<uint8_t>;

/// A folder of its own for each test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "flowmark.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  write_file(path, Bytes(text.begin(), text.end()));
}

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline void write_gzip(const std::filesystem::path& path, const Bytes& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  if (gzclose(file) != Z_OK) throw std::runtime_error("cannot write " + path.string());
}

/// `bytes` as one stream of xz.
inline Bytes xz(const Bytes& bytes) {
  Bytes packed(lzma_stream_buffer_bound(bytes.size()));
  size_t end = 0;
  if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, bytes.data(), bytes.size(),
                              packed.data(), &end, packed.size()) != LZMA_OK) {
    throw std::runtime_error("xz");
  }
  packed.resize(end);
  return packed;
}

/// `bytes` as one stream of bzip2.
inline Bytes bzip2(Bytes bytes) {
  bytes.reserve(1);                                       // it takes no null, even of nothing
  Bytes packed(bytes.size() + bytes.size() / 100 + 600);  // what bzlib.h asks for
  auto size = static_cast<unsigned>(packed.size());
  if (BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(packed.data()), &size,
                               reinterpret_cast<char*>(bytes.data()),
                               static_cast<unsigned>(bytes.size()), 9, 0, 0) != BZ_OK) {
    throw std::runtime_error("bzip2");
  }
  packed.resize(size);
  return packed;
}

inline Bytes read_gzip(const std::filesystem::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  Bytes bytes;
  for (uint8_t byte = 0; gzread(file, &byte, 1) == 1;) bytes.push_back(byte);
  gzclose(file);
  return bytes;
}

}  // namespace flowmark::test

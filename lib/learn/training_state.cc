#include "learn/training_state.h"

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/keyed_random.h"

namespace flowmark {
namespace {

uint64_t checksum(std::span<const char> bytes) {
  Digest digest;
  digest.add_bytes(bytes);
  return digest.value();
}

uint64_t word_at(std::span<const char> bytes, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

}  // namespace

void Digest::word(uint64_t next) noexcept {
  value_ = mix64((value_ ^ next) + 0x9e3779b97f4a7c15ULL);
}

void Digest::add_bytes(std::span<const char> bytes) {
  add(bytes.size());
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint64_t next = 0;
    std::memcpy(&next, bytes.data() + i, std::min<size_t>(8, bytes.size() - i));
    word(next);
  }
}

void Digest::add_rows(const ExampleSet& examples, std::span<const uint32_t> rows) {
  add(rows.size());
  for (const uint32_t row : rows) {
    add(examples.info(row).class_index);
    add(examples.info(row).label_set);
    for (const SparseValue& value : examples.row(row)) {
      add(value.index);
      add(value.value);
    }
  }
}

void StateReader::damaged(const std::string& why) const {
  fail("{}: the training state is damaged ({}); remove it to start anew", path_.string(), why);
}

void StateReader::take(void* to, size_t size) {
  if (size > bytes_.size() - at_) damaged("cut off");
  if (size > 0) std::memcpy(to, bytes_.data() + at_, size);
  at_ += size;
}

void write_state_file(const std::filesystem::path& path, uint64_t magic, uint64_t digest,
                      const StateWriter& content) {
  StateWriter file;
  file.put(magic);
  file.put(digest);
  std::vector<char> bytes = file.bytes();
  bytes.insert(bytes.end(), content.bytes().begin(), content.bytes().end());
  const uint64_t sum = checksum(bytes);
  const auto* sum_bytes = reinterpret_cast<const char*>(&sum);
  bytes.insert(bytes.end(), sum_bytes, sum_bytes + sizeof sum);
  const std::filesystem::path partial = path.string() + ".partial." + std::to_string(::getpid());
  std::error_code ignored;
  {
    std::ofstream stream(partial, std::ios::binary | std::ios::trunc);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) {
      std::filesystem::remove(partial, ignored);
      fail("{}: the training state cannot be written", partial.string());
    }
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) {
    std::filesystem::remove(partial, ignored);
    fail("{}: cannot be replaced: {}", path.string(), error.message());
  }
}

std::optional<StateReader> read_state_file(const std::filesystem::path& path, uint64_t magic,
                                           uint64_t digest) {
  if (!std::filesystem::exists(path)) {
    return std::nullopt;
  }
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.eof() && stream.fail()) {
    fail("{}: cannot be read", path.string());
  }
  constexpr size_t kHead = 2 * sizeof(uint64_t);
  if (bytes.size() < kHead + sizeof(uint64_t)) {
    fail("{}: the training state is cut off; remove it to start anew", path.string());
  }
  if (word_at(bytes, 0) != magic) {
    fail("{}: not a training state of this kind of model and version; remove it to start anew",
         path.string());
  }
  const size_t end = bytes.size() - sizeof(uint64_t);
  if (word_at(bytes, end) != checksum({bytes.data(), end})) {
    fail("{}: the training state is damaged; remove it to start anew", path.string());
  }
  if (word_at(bytes, sizeof(uint64_t)) != digest) {
    fail("{}: the state of a training with other data or options; remove it to start anew",
         path.string());
  }
  return StateReader({bytes.begin() + kHead, bytes.begin() + static_cast<ptrdiff_t>(end)}, path);
}

}  // namespace flowmark

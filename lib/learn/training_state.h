#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// A number for everything that must be the same for a training to go on: hashes numbers, whatever
/// their type, by their bits.
class Digest {
 public:
  template <typename T>
  void add(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      word(std::bit_cast<uint64_t>(static_cast<double>(value)));
    } else {
      word(static_cast<uint64_t>(value));
    }
  }
  void add_bytes(std::span<const char> bytes);
  /// The windows and their classes.
  void add_rows(const ExampleSet& examples, std::span<const uint32_t> rows);
  uint64_t value() const noexcept { return value_; }

 private:
  void word(uint64_t next) noexcept;
  uint64_t value_ = 0;
};

/// The content of a state file, one field after the other, as on this machine: a state is read
/// where it was written.
class StateWriter {
 public:
  template <typename T>
  void put(const T& value) {
    static_assert(std::is_arithmetic_v<T>);
    add(&value, sizeof(T));
  }
  template <typename T>
  void put_all(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    put(uint64_t{values.size()});
    add(values.data(), values.size_bytes());
  }
  /// Several numbers one after the other: what std::tie gives of them.
  template <typename... T>
  void put_fields(const std::tuple<T&...>& fields) {
    std::apply([this](const auto&... field) { (put(field), ...); }, fields);
  }
  const std::vector<char>& bytes() const noexcept { return bytes_; }

 private:
  void add(const void* from, size_t size) {
    const auto* bytes = static_cast<const char*>(from);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }

  std::vector<char> bytes_;
};

/// Reads such a content. Every call throws Error, naming the file, when the content ends before.
class StateReader {
 public:
  StateReader(std::vector<char> bytes, std::filesystem::path path)
      : bytes_(std::move(bytes)), path_(std::move(path)) {}

  template <typename T>
  T get() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    take(&value, sizeof(T));
    return value;
  }
  /// What put_fields wrote of the same fields.
  template <typename... T>
  void get_fields(const std::tuple<T&...>& fields) {
    std::apply([this](auto&... field) { (get_field(field), ...); }, fields);
  }
  /// An array of any length.
  template <typename T>
  std::vector<T> get_all() {
    const auto size = get<uint64_t>();
    if (size > (bytes_.size() - at_) / sizeof(T)) damaged("an array is longer than the file");
    std::vector<T> values(size);
    take(values.data(), size * sizeof(T));
    return values;
  }
  /// An array of just this length; else throws Error.
  template <typename T>
  void get_all(std::span<T> values) {
    const auto size = get<uint64_t>();
    if (size != values.size()) {
      damaged("an array of " + std::to_string(size) + " numbers, must be " +
              std::to_string(values.size()));
    }
    take(values.data(), values.size_bytes());
  }
  /// Throws Error: the file is not what it should be.
  [[noreturn]] void damaged(const std::string& why) const;

 private:
  template <typename T>
  void get_field(T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      field = get<uint8_t>() != 0;  // a file may hold any byte
    } else {
      field = get<T>();
    }
  }
  void take(void* to, size_t size);

  std::vector<char> bytes_;
  std::filesystem::path path_;
  size_t at_ = 0;
};

/// Replaces the file by rename. `magic` tells the kind of training and the version of its content,
/// `digest` which training. Throws Error.
void write_state_file(const std::filesystem::path& path, uint64_t magic, uint64_t digest,
                      const StateWriter& content);

/// nullopt if there is no such file. Throws Error when it cannot be read, is damaged, or belongs to
/// another kind of training or to another training.
std::optional<StateReader> read_state_file(const std::filesystem::path& path, uint64_t magic,
                                           uint64_t digest);

}  // namespace flowmark

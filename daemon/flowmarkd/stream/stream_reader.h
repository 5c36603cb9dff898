#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flowmark {

/// The lines on their way to one reader: a socket or a file. What does not fit in its buffer is
/// lost, counted, and told to the reader where it is missing. One thread.
class StreamReader {
 public:
  enum class Kind : uint8_t { socket, file };

  /// `descriptor` stays the caller's; a socket does not block. Begins with the line `hello`,
  /// however small the buffer is.
  StreamReader(Kind kind, int descriptor, size_t capacity, std::string hello);

  /// One line. Returns how many lines were lost with this call.
  uint64_t add(std::string_view line);
  /// So many events never became lines for anybody.
  void tell_of_lost(uint64_t lines) noexcept { untold_ += lines; }
  /// Sends what the other side takes now. False: it is gone.
  bool flush();

  /// There is room for lines that can wait: half of the buffer is free.
  bool has_much_room() const noexcept { return waiting() <= capacity_ / 2; }
  bool is_waiting() const noexcept { return waiting() != 0; }
  int descriptor() const noexcept { return descriptor_; }

  /// How far it has been told of the flows that lived when it came.
  struct Snapshot {
    size_t next_place = 0;
    uint64_t flows = 0;
    bool is_done = false;
  };
  Snapshot snapshot;

 private:
  size_t waiting() const noexcept { return buffer_.size() - sent_; }
  bool put(std::string_view line);
  bool tell_losses();

  Kind kind_;
  int descriptor_;
  size_t capacity_;
  std::string buffer_;
  size_t sent_ = 0;
  uint64_t untold_ = 0;  ///< lost lines
};

}  // namespace flowmark

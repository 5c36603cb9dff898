#include "capture/sequence_file.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/read_number.h"
#include "capture/flowpic_csv.h"
#include "capture/input_file.h"
#include "capture/sort_packets.h"

namespace flowmark {
namespace {

constexpr size_t kLongestLine = 4096;
constexpr TimeUs kLatest = 253'402'300'800 * kUsPerSecond;  // the end of the year 9999
constexpr TimeUs kLargestStep = 365LL * 24 * 3600 * kUsPerSecond;

bool only_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Seconds with a decimal fraction, to the microsecond; a double would lose the last digits.
std::optional<TimeUs> read_seconds(std::string_view text) {
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  TimeUs seconds = 0;
  if (!only_digits(whole) || !read_number(whole, seconds)) return std::nullopt;
  if (seconds >= kLatest / kUsPerSecond) return std::nullopt;
  if (dot == std::string_view::npos) return seconds * kUsPerSecond;
  const std::string_view fraction = text.substr(dot + 1);
  if (!only_digits(fraction)) return std::nullopt;
  TimeUs us = 0;
  for (size_t i = 0; i < 6; ++i) {
    us = us * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  return seconds * kUsPerSecond + us;
}

class SequenceReader {
 public:
  SequenceReader(const std::filesystem::path& path, const std::function<void(RecordedFlow&&)>& take)
      : path_(path.string()), file_(path), take_(take) {}

  void read() {
    std::string line;
    while (file_.read_line(line, kLongestLine)) {
      ++line_number_;
      if (line.empty()) continue;
      if (line[0] == '#') {
        deliver();
        start_flow(line);
      } else {
        add_packet(line);
      }
    }
    deliver();
    if (line_number_ == 0) fail("{}: is empty; expected a packet sequence file", path_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}:{}: {}", path_, line_number_, fmt::format(format, std::forward<Args>(args)...));
  }

  void start_flow(std::string_view line) {
    const size_t first = line.find(',');
    const size_t second = first == line.npos ? first : line.find(',', first + 1);
    if (second == line.npos) {
      refuse("'{}' starts no flow; expected '#id,label,epoch_seconds'", line);
    }
    const size_t third = std::min(line.find(',', second + 1), line.size());
    const std::string_view epoch = line.substr(second + 1, third - second - 1);
    const std::optional<TimeUs> start = read_seconds(epoch);
    if (!start) {
      refuse(
          "start time '{}' must be seconds since 1970, e.g. 1527993495.652867 "
          "(#id,label,epoch_seconds)",
          epoch);
    }
    if (first == 1) refuse("the flow has no id; expected '#id,label,epoch_seconds'");
    flow_.name = line.substr(1, first - 1);
    flow_.label = line.substr(first + 1, second - first - 1);
    now_ = *start;
    in_flow_ = true;
    if (third < line.size()) read_attributes(line.substr(third + 1));
  }

  /// key=value,key=value
  void read_attributes(std::string_view text) {
    while (true) {
      const size_t end = std::min(text.find(','), text.size());
      const std::string_view pair = text.substr(0, end);
      const size_t equals = pair.find('=');
      if (equals == pair.npos || equals == 0) {
        refuse("'{}' behind the start time must be key=value, e.g. encryption=vpn", pair);
      }
      const std::string key(pair.substr(0, equals));
      if (!flow_.attributes.emplace(key, pair.substr(equals + 1)).second) {
        refuse("'{}' is there twice", key);
      }
      if (end == text.size()) return;
      text.remove_prefix(end + 1);
    }
  }

  void add_packet(std::string_view line) {
    if (!in_flow_) refuse("'{}' stands before the first flow; expected '#id,label,...'", line);
    const size_t comma = line.find(',');
    if (comma == line.npos) {
      refuse("'{}' is no packet; expected 'microseconds,signed size', e.g. 8075,-373", line);
    }
    TimeUs step = 0;
    int size = 0;
    const std::string_view step_text = line.substr(0, comma);
    std::string_view size_text = line.substr(comma + 1);
    const bool pure_ack = size_text.ends_with(",a");
    if (pure_ack) size_text.remove_suffix(2);
    if (!read_number(step_text, step) || step > kLargestStep || step < -kLargestStep) {
      refuse("'{}' must be the whole microseconds since the packet before, at most a year",
             step_text);
    }
    if (!read_number(size_text, size) || size == 0 || size > 65535 || size < -65535) {
      refuse("size '{}' must be 1 to 65535 (upstream) or -1 to -65535 (downstream)", size_text);
    }
    now_ += step;
    if (now_ < 0 || now_ >= kLatest) refuse("step '{}' leads out of the years 1970 to 9999", step);
    flow_.packets.push_back({.time_us = now_,
                             .size = static_cast<uint16_t>(size < 0 ? -size : size),
                             .direction = size > 0 ? Direction::up : Direction::down,
                             .pure_ack = pure_ack});
  }

  void deliver() {
    if (!in_flow_) return;
    sort_packets(flow_);
    take_(std::move(flow_));
    flow_ = RecordedFlow{};
    in_flow_ = false;
  }

  std::string path_;
  InputFile file_;
  const std::function<void(RecordedFlow&&)>& take_;
  uint64_t line_number_ = 0;
  RecordedFlow flow_;
  TimeUs now_ = 0;
  bool in_flow_ = false;
};

}  // namespace

void sort_packets(RecordedFlow& flow) {
  const auto earlier = [](const FlowPacket& x, const FlowPacket& y) {
    return x.time_us < y.time_us;
  };
  if (std::is_sorted(flow.packets.begin(), flow.packets.end(), earlier)) return;
  std::stable_sort(flow.packets.begin(), flow.packets.end(), earlier);
}

void append_sequence(const RecordedFlow& flow, std::string& text) {
  const auto checked = [&](const std::string& part, const char* bad, const char* what) {
    if (part.find_first_of(bad) != std::string::npos) {
      fail(
          "flow {}: its {} '{}' cannot stand in a packet sequence file: a comma, '=' or end of "
          "line is in the way",
          flow.name, what, part);
    }
    return part;
  };
  TimeUs now = flow.packets.empty() ? 0 : flow.packets.front().time_us;
  text +=
      fmt::format("#{},{},{}.{:06}", checked(flow.name, ",\r\n", "name"),
                  checked(flow.label, ",\r\n", "label"), now / kUsPerSecond, now % kUsPerSecond);
  for (const auto& [key, value] : flow.attributes) {
    text += fmt::format(",{}={}", checked(key, ",=\r\n", "key"), checked(value, ",\r\n", "value"));
  }
  text += '\n';
  for (const FlowPacket& packet : flow.packets) {
    if (packet.size == 0 || packet.time_us < now) {
      fail("flow {}: a packet of size {} that comes {} us after the one before", flow.name,
           packet.size, packet.time_us - now);
    }
    text += fmt::format("{},{}{}{}\n", packet.time_us - now,
                        packet.direction == Direction::up ? "" : "-", packet.size,
                        packet.pure_ack ? ",a" : "");
    now = packet.time_us;
  }
}

bool is_sequence_file(const std::filesystem::path& path) {
  InputFile file(path);
  uint8_t first = 0;
  return file.read(std::span(&first, 1)) == 1 && first == '#';
}

void read_sequence_file(const std::filesystem::path& path,
                        const std::function<void(RecordedFlow&&)>& take) {
  SequenceReader(path, take).read();
}

void read_flows(const std::filesystem::path& path, const FlowReadOptions& options,
                const std::function<void(RecordedFlow&&)>& take) {
  if (is_sequence_file(path)) {
    read_sequence_file(path, take);
  } else if (is_flowpic_csv(path)) {
    read_flowpic_csv(path, take);
  } else {
    read_capture_flows(path, options, take);
  }
}

}  // namespace flowmark

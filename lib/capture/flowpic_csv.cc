#include "capture/flowpic_csv.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/read_number.h"
#include "capture/input_file.h"
#include "capture/sort_packets.h"

namespace flowmark {
namespace {

constexpr size_t kLongestCsvLine = 256 << 20;
constexpr size_t kFixedCells = 8;
constexpr double kLatestSecond = 253'402'300'800;  // the end of the year 9999

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '"')) text.remove_suffix(1);
  return text;
}

/// Goes through the cells of a line.
class Cells {
 public:
  explicit Cells(std::string_view line) : rest_(line) {}

  bool next(std::string_view& cell) {
    if (at_end_) return false;
    const size_t comma = rest_.find(',');
    cell = trimmed(rest_.substr(0, comma));
    at_end_ = comma == rest_.npos;
    if (!at_end_) rest_.remove_prefix(comma + 1);
    return true;
  }

 private:
  std::string_view rest_;
  bool at_end_ = false;
};

class FlowLine {
 public:
  FlowLine(const std::string& path, uint64_t number, std::string_view line)
      : where_(fmt::format("{}:{}", path, number)), cells_(line) {}

  RecordedFlow read() {
    for (const char* what : {"capture", "source", "source port", "destination", "destination port",
                             "protocol", "start", "number of packets"}) {
      fixed_.push_back(cell(what));
    }
    const double start = seconds(fixed_[6], "start");
    uint64_t count = 0;
    if (!read_number(fixed_[7], count) || count == 0 || count > kLongestCsvLine) {
      fail("{}: number of packets '{}': must be 1 or more", where_, fixed_[7]);
    }
    read_times(start, count);
    if (const std::string_view gap = cell("empty cell"); !gap.empty()) {
      fail("{}: '{}' stands behind {} times; an empty cell is right", where_, gap, count);
    }
    read_sizes(count);
    return flow();
  }

 private:
  std::string_view cell(const char* what) {
    std::string_view found;
    if (!cells_.next(found)) fail("{}: the line ends before its {}", where_, what);
    return found;
  }

  double seconds(std::string_view text, const char* what) const {
    double value = 0;
    if (!read_number(text, value) || !(std::fabs(value) < kLatestSecond)) {
      fail("{}: {} '{}': must be seconds", where_, what, text);
    }
    return value;
  }

  void read_times(double start, uint64_t count) {
    double first = 0;
    for (uint64_t i = 0; i < count; ++i) {
      const double at = seconds(cell("times"), "time");
      first = i == 0 ? at : first;
      const double us = std::round((start + (at - first)) * 1e6);
      if (!(us >= 0 && us < kLatestSecond * 1e6)) {
        fail("{}: time {} leads out of the years 1970 to 9999", where_, at);
      }
      packets_.push_back({static_cast<TimeUs>(us), 0, Direction::up, false});
    }
  }

  void read_sizes(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const std::string_view text = cell("sizes");
      double size = 0;
      if (!read_number(text, size) || !(size >= 0 && size <= 65535) || size != std::floor(size)) {
        fail("{}: size '{}': must be a whole number, 0 to 65535", where_, text);
      }
      packets_[i].size = static_cast<uint16_t>(size);
    }
    std::string_view more;
    while (cells_.next(more)) {
      if (!more.empty()) fail("{}: '{}' stands behind {} sizes", where_, more, count);
    }
  }

  RecordedFlow flow() {
    RecordedFlow flow;
    std::string protocol(fixed_[5]);
    std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    flow.name = fmt::format("{} {} {}:{} {}:{}", fixed_[0], protocol, fixed_[1], fixed_[2],
                            fixed_[3], fixed_[4]);
    flow.attributes["capture"] = fixed_[0];
    std::erase_if(packets_, [](const FlowPacket& packet) { return packet.size == 0; });
    flow.packets = std::move(packets_);
    sort_packets(flow);
    return flow;
  }

  std::string where_;
  Cells cells_;
  std::vector<std::string_view> fixed_;
  std::vector<FlowPacket> packets_;
};

}  // namespace

bool is_flowpic_csv(const std::filesystem::path& path) {
  uint8_t start[16] = {};
  const size_t size = InputFile(path).read(start);
  const auto is_text = [](uint8_t c) { return c >= 0x20 && c < 0x7f; };
  if (size < sizeof start || !std::all_of(start, start + size, is_text)) return false;
  InputFile file(path);
  std::string line;
  if (!file.read_line(line, kLongestCsvLine)) return false;
  Cells cells(line);
  std::string_view cell;
  uint64_t count = 0;
  for (size_t i = 0; i < kFixedCells; ++i) {
    if (!cells.next(cell)) return false;
  }
  return read_number(cell, count);
}

void read_flowpic_csv(const std::filesystem::path& path,
                      const std::function<void(RecordedFlow&&)>& take) {
  InputFile file(path);
  std::string line;
  for (uint64_t number = 1; file.read_line(line, kLongestCsvLine); ++number) {
    if (line.empty()) continue;
    take(FlowLine(path.string(), number, line).read());
  }
}

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "report/draw_window.h"
#include "window/offline_windows.h"

namespace flowmark {

/// A window of some flow, to be drawn.
struct SheetEntry {
  std::string flow;
  OfflineWindow window;
};

struct SheetOptions {
  std::string title;  ///< on top; may be empty
  DrawStyle style;
};

/// Windows by class, a row of pictures each.
class ContactSheet {
 public:
  /// At most `per_row` windows a row: of more that are added, a sample drawn at random, the same
  /// for the same seed and order.
  ContactSheet(const FeatureSpec& spec, uint32_t per_row, uint64_t seed);

  struct Row {
    std::vector<SheetEntry> entries;
    uint64_t seen = 0;
  };

  void add(const std::string& row, SheetEntry entry);
  const std::map<std::string, Row>& rows() const noexcept { return rows_; }
  /// Each window with flow, direction, number and packets below. Throws Error when the sheet is
  /// empty or too large for a picture.
  Canvas draw(const SheetOptions& options) const;

 private:
  FeatureSpec spec_;
  uint32_t per_row_;
  std::mt19937_64 random_;
  std::map<std::string, Row> rows_;
};

}  // namespace flowmark

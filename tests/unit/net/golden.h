#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "net/parse.h"

namespace flowmark::test {

/// One case of tests/golden/parse.
struct GoldenCase {
  std::string name;
  LinkType link = LinkType::ethernet;
  ParseOptions options;
  std::vector<uint8_t> bytes;
  uint32_t wire_length = 0;
  std::string expected;  ///< the line behind "expect"
};

/// All cases of a table, or of all tables of a folder. Throws std::runtime_error on a bad line.
std::vector<GoldenCase> read_golden(const std::filesystem::path& file);
std::vector<GoldenCase> read_all_golden();

/// What the parser said, in the words of the table.
std::string describe(const ParsedPacket& parsed);

inline void PrintTo(const GoldenCase& c, std::ostream* out) {
  *out << c.name;
}

}  // namespace flowmark::test

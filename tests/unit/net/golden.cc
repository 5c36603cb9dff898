#include "unit/net/golden.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace flowmark::test {
namespace {

const std::map<std::string, LinkType> kLinks = {{"ethernet", LinkType::ethernet},
                                                {"raw_ip", LinkType::raw_ip},
                                                {"linux_sll", LinkType::linux_sll},
                                                {"linux_sll2", LinkType::linux_sll2},
                                                {"bsd_loopback", LinkType::bsd_loopback},
                                                {"ppp", LinkType::ppp},
                                                {"dsa", LinkType::dsa},
                                                {"dsa_before", LinkType::dsa_before}};

void set_option(ParseOptions& options, const std::string& name) {
  for (int i = 0; i < kTunnelCount; ++i) {
    const auto tunnel = static_cast<Tunnel>(i);
    if (name == fmt::format("inside_{}", to_string(tunnel))) return options.enter(tunnel);
  }
  throw std::runtime_error("unknown option " + name);
}

void add_hex(std::vector<uint8_t>& bytes, const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  if (digits.size() % 2 != 0) throw std::runtime_error("half a byte in " + text);
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
}

void read_line(const std::string& word, std::istringstream& rest, GoldenCase& c) {
  std::string text;
  if (word == "link") {
    rest >> text;
    c.link = kLinks.at(text);
  } else if (word == "options") {
    while (rest >> text) set_option(c.options, text);
  } else if (word == "wire") {
    rest >> c.wire_length;
  } else if (word == "bytes") {
    std::getline(rest, text, '|');
    std::getline(rest, text);
    add_hex(c.bytes, text);
  } else {
    throw std::runtime_error("unknown line " + word);
  }
}

std::string flow_text(const ParsedPacket& p) {
  std::string text = fmt::format(
      " key=\"{}\" from_a={:d} length={} mark={} l3={} l4={} version={} class=0x{:02x} "
      "flags=0x{:02x} ack={:d}",
      to_string(p.key), p.from_a, p.ip_length, p.mark_offset, p.l3_offset, p.l4_offset,
      p.ip_version, p.traffic_class, p.tcp_flags, p.pure_ack);
  if (p.fragment != Fragment::none) {
    text += fmt::format(" fragment={} id={}", p.fragment == Fragment::first ? "first" : "later",
                        p.fragment_id);
  }
  return text;
}

}  // namespace

std::vector<GoldenCase> read_golden(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::vector<GoldenCase> cases;
  GoldenCase c;
  for (std::string line; std::getline(in, line);) {
    std::istringstream rest(line);
    std::string word;
    if (!(rest >> word) || word[0] == '#') continue;
    if (word == "case") {
      c = GoldenCase{};
      std::getline(rest >> std::ws, c.name);
    } else if (word == "expect") {
      std::getline(rest >> std::ws, c.expected);
      if (c.wire_length == 0) c.wire_length = static_cast<uint32_t>(c.bytes.size());
      cases.push_back(c);
    } else {
      read_line(word, rest, c);
    }
  }
  return cases;
}

std::vector<GoldenCase> read_all_golden() {
  std::vector<GoldenCase> all;
  const std::filesystem::path folder =
      std::filesystem::path(FLOWMARK_SOURCE_DIR) / "tests/golden/parse";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    for (GoldenCase& c : read_golden(entry.path())) all.push_back(std::move(c));
  }
  if (all.empty()) throw std::runtime_error("no cases in " + folder.string());
  return all;
}

std::string describe(const ParsedPacket& parsed) {
  std::string text = fmt::format("status={}", to_string(parsed.status));
  if (parsed.status == ParseStatus::ok) text += flow_text(parsed);
  return text;
}

}  // namespace flowmark::test

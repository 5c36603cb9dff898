#include "flow/flow_facts.h"

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "flow/recorded_flow.h"
#include "net/flow_key.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

std::optional<Transport> named_transport(const std::string& word) {
  if (word == "udp") return Transport::udp;
  if (word == "tcp") return Transport::tcp;
  if (word == "esp") return Transport::esp;
  return std::nullopt;
}

std::vector<std::string> words_of(const std::string& name) {
  std::istringstream stream(name.substr(0, name.find(" zone ")));
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_endpoint(const std::string& word) {
  return word.find_first_of(".:") != std::string::npos;
}

}  // namespace

FlowFacts facts_of(const FlowKey& key) noexcept {
  switch (key.protocol) {
    case kProtoUdp:
      return {Transport::udp};
    case kProtoTcp:
      return {Transport::tcp};
    case kProtoEsp:
      return {Transport::esp};
    default:
      return {Transport::other};
  }
}

FlowFacts facts_of(const RecordedFlow& flow) {
  const auto attribute = flow.attributes.find("transport");
  if (attribute != flow.attributes.end()) {
    const auto otherwise = attribute->second == "other" ? Transport::other : Transport::unknown;
    return {named_transport(attribute->second).value_or(otherwise)};
  }
  const std::vector<std::string> words = words_of(flow.name);
  const size_t count = words.size();
  if (count < 3 || count > 4) return {};
  if (!is_endpoint(words[count - 1]) || !is_endpoint(words[count - 2])) return {};
  return {named_transport(words[count - 3]).value_or(Transport::other)};
}

}  // namespace flowmark

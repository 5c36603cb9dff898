#include "data/manifest.h"

#include <fnmatch.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <string_view>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr uint32_t kMostTimes = 100;  // every training window is listed so often

bool matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

/// One `sessions` entry being read; knows where it stands.
class EntryReader {
 public:
  EntryReader(const std::filesystem::path& manifest, const YAML::Node& entry)
      : manifest_(manifest), entry_(entry) {}

  std::string where(const YAML::Node& node) const {
    return fmt::format("{}:{}", manifest_.string(), node.Mark().line + 1);
  }

  DataSource read(const std::string& label_key) const {
    if (!entry_.IsMap()) {
      fail("{}: an entry of sessions must be a map with path, label, ...", where(entry_));
    }
    DataSource source;
    source.where = where(entry_);
    for (const auto& pair : entry_) {
      if (pair.second.IsScalar()) {
        source.attributes[pair.first.as<std::string>()] = pair.second.as<std::string>();
      }
    }
    source.path = scalar("path");
    if (source.path.empty()) {
      fail("{}: path is missing: name a capture or packet sequence file", source.where);
    }
    source.label_key = label_key;
    source.label = scalar(label_key);
    source.columns = list("columns");
    source.split = scalar("split");
    if (source.split != "" && source.split != "train" && source.split != "validation" &&
        source.split != "test") {
      fail("{}: split: {}: must be train, validation or test", where(entry_["split"]),
           source.split);
    }
    source.times = read_times();
    source.flows = list("flows");
    source.session_pattern = scalar("session_pattern");
    check_session_pattern(source);
    for (const std::string& text : list("inside")) {
      source.inside.push_back(Prefix::parse(text));
    }
    read_labels(source);
    return source;
  }

 private:
  std::string scalar(const std::string& key) const {
    const YAML::Node node = entry_[key];
    if (!node || node.IsNull()) {
      return "";
    }
    if (!node.IsScalar()) {
      fail("{}: {}: must be a single value", where(node), key);
    }
    return node.as<std::string>();
  }

  uint32_t read_times() const {
    const std::string text = scalar("times");
    uint32_t times = 1;
    const char* end = text.data() + text.size();
    if (!text.empty() &&
        (std::from_chars(text.data(), end, times).ptr != end || times < 1 || times > kMostTimes)) {
      fail("{}: times: {}: must be a whole number from 1 to {}", where(entry_["times"]), text,
           kMostTimes);
    }
    return times;
  }

  std::vector<std::string> list(const std::string& key) const {
    const YAML::Node node = entry_[key];
    if (!node || node.IsNull()) {
      return {};
    }
    if (node.IsScalar()) {
      return {node.as<std::string>()};
    }
    std::vector<std::string> texts;
    for (const YAML::Node& item : node) {
      if (!node.IsSequence() || !item.IsScalar()) {
        fail("{}: {}: must be a text or a list of texts", where(node), key);
      }
      texts.push_back(item.as<std::string>());
    }
    return texts;
  }

  void check_session_pattern(const DataSource& source) const {
    try {
      if (source.session_pattern.empty() || std::regex(source.session_pattern).mark_count() >= 1) {
        return;
      }
    } catch (const std::regex_error&) {
    }
    fail("{}: session_pattern: {}: must be a regular expression with a group, e.g. '(.*)-[0-9]+'",
         where(entry_["session_pattern"]), source.session_pattern);
  }

  void read_labels(DataSource& source) const {
    const YAML::Node labels = entry_["labels"];
    if (!labels || labels.IsNull()) {
      return;
    }
    if (!labels.IsMap()) {
      fail("{}: labels: must map labels of the file to classes, e.g. {{\"Google Doc\": documents}}",
           where(labels));
    }
    if (!source.label.empty()) {
      fail("{}: label and labels: give one of the two", source.where);
    }
    for (const auto& pair : labels) {
      const auto to = pair.second.IsNull()
                          ? std::nullopt
                          : std::optional<std::string>(pair.second.as<std::string>());
      source.labels.emplace_back(pair.first.as<std::string>(), to);
    }
  }

  const std::filesystem::path& manifest_;
  YAML::Node entry_;
};

/// The files a path means: itself, or all that its last part matches, by name.
std::vector<std::filesystem::path> expand(const std::filesystem::path& path,
                                          const std::string& where) {
  const std::string pattern = path.filename().string();
  if (pattern.find_first_of("*?[") == std::string::npos) {
    return {path};
  }
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(path.parent_path(), error)) {
    if (matches(pattern, file.path().filename().string())) {
      found.push_back(file.path());
    }
  }
  if (found.empty()) {
    fail("{}: path: no file matches {}", where, path.string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool DataSource::takes_flow(const std::string& name) const {
  return flows.empty() || std::any_of(flows.begin(), flows.end(), [&](const std::string& pattern) {
           return matches(pattern, name);
         });
}

std::string DataSource::session_of(const std::string& flow_name) const {
  if (!session_pattern.empty()) {
    std::smatch match;
    if (!std::regex_match(flow_name, match, std::regex(session_pattern))) {
      fail("{}: session_pattern: flow {} of {} does not match {}", where, flow_name, path.string(),
           session_pattern);
    }
    return match[1];
  }
  const auto found = attributes.find("session");
  return found == attributes.end() ? "" : found->second;
}

std::map<std::string, std::string> DataSource::attributes_of(const RecordedFlow& flow) const {
  std::map<std::string, std::string> all = flow.attributes;
  std::string_view rest = flow.label;
  for (size_t i = 0; i < columns.size(); ++i) {
    const size_t bar = i + 1 < columns.size() ? rest.find('|') : rest.npos;
    if (bar == rest.npos && i + 1 < columns.size()) {
      fail("{}: columns: flow {} of {} is labelled '{}', which has not {} parts", where, flow.name,
           path.string(), flow.label, columns.size());
    }
    all[columns[i]] = rest.substr(0, bar);
    rest.remove_prefix(bar == rest.npos ? rest.size() : bar + 1);
  }
  for (const auto& [key, value] : attributes) {
    if (key != "path" && key != "session_pattern" && key != "columns" && key != "times") {
      all[key] = value;
    }
  }
  all.emplace("label", flow.label);
  const std::string session = session_of(flow.name);
  if (!session.empty()) {
    all["session"] = session;
  }
  const auto known = all.find("session");
  all.emplace("capture", known == all.end() ? path.filename().string() : known->second);
  return all;
}

std::optional<std::string> DataSource::class_of(const RecordedFlow& flow) const {
  if (!label.empty()) {
    return label;
  }
  std::string found = flow.label;
  if (label_key != "label") {
    const auto all = attributes_of(flow);
    const auto value = all.find(label_key);
    if (value == all.end() || value->second.empty()) {
      fail("{}: flow {} has no key '{}', which is to be its class", where, flow.name, label_key);
    }
    found = value->second;
  }
  if (found.empty()) {
    fail("{}: flow {} has no label: name its class in a manifest (label: ...)", path.string(),
         flow.name);
  }
  if (labels.empty()) {
    return found;
  }
  for (const auto& [pattern, to] : labels) {
    if (matches(pattern, found)) {
      return to;
    }
  }
  std::string known;
  for (const auto& [pattern, to] : labels) {
    known += (known.empty() ? "" : ", ") + pattern;
  }
  fail(
      "{}: labels: flow {} of {} is labelled '{}', which matches none of: {} ('*': ~ leaves the "
      "rest out)",
      where, flow.name, path.string(), found, known);
}

std::vector<DataSource> read_manifest(const std::filesystem::path& path,
                                      const std::string& label_key) {
  YAML::Node root;
  try {
    root = YAML::LoadFile(path.string());
  } catch (const YAML::BadFile&) {
    fail("{}: cannot be read", path.string());
  } catch (const YAML::Exception& error) {
    fail("{}:{}: not YAML: {}", path.string(), error.mark.line + 1, error.msg);
  }
  const YAML::Node sessions = root.IsMap() ? root["sessions"] : YAML::Node();
  if (!sessions || !sessions.IsSequence() || sessions.size() == 0) {
    fail("{}: must hold a list `sessions` of maps with path, label, ...", path.string());
  }
  std::vector<DataSource> sources;
  for (const YAML::Node& entry : sessions) {
    try {
      const DataSource source = EntryReader(path, entry).read(label_key);
      for (const auto& file : expand(path.parent_path() / source.path, source.where)) {
        sources.push_back(source);
        sources.back().path = file;
      }
    } catch (const YAML::Exception& error) {
      fail("{}:{}: {}", path.string(), error.mark.line + 1, error.msg);
    }
  }
  return sources;
}

std::vector<DataSource> collect_sources(const std::vector<std::string>& arguments,
                                        const std::string& label_key) {
  std::vector<DataSource> sources;
  for (const std::string& argument : arguments) {
    const std::filesystem::path path(argument);
    if (path.extension() == ".yaml" || path.extension() == ".yml") {
      auto more = read_manifest(path, label_key);
      std::move(more.begin(), more.end(), std::back_inserter(sources));
    } else {
      DataSource source;
      source.path = path;
      source.where = argument;
      source.label_key = label_key;
      sources.push_back(source);
    }
  }
  return sources;
}

}  // namespace flowmark

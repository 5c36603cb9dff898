#include "data/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <re2/re2.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/error.h"
#include "data/manifest_schema.h"

namespace flowmark {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

/// The files a path means: itself, or all that its last part matches, by name.
std::vector<std::filesystem::path> expand(const std::filesystem::path& path) {
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
    std::string session;
    if (!RE2::FullMatch(flow_name, session_pattern, &session)) {
      fail("{}: session_pattern: flow {} of {} does not match {}", where, flow_name, path.string(),
           session_pattern);
    }
    return session;
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
  std::ifstream input(path, std::ios::binary);
  if (!input) {
    fail("{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  const std::string text{std::istreambuf_iterator<char>(input), {}};
  std::vector<DataSource> sources;
  std::vector<std::string> problems;
  for (const DataSource& entry : parse_manifest(text, path, label_key)) {
    const std::vector<std::filesystem::path> files = expand(path.parent_path() / entry.path);
    if (files.empty()) {
      problems.push_back(
          fmt::format("{}: path: value {}: no file matches it", entry.where, entry.path.string()));
    }
    for (const std::filesystem::path& file : files) {
      sources.push_back(entry);
      sources.back().path = file;
    }
  }
  if (!problems.empty()) {
    fail("{}", fmt::join(problems, "\n"));
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

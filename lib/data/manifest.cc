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
#include <optional>
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

constexpr std::string_view kDataRoot = "${data_root}/";

/// "lab/{technique}" with what a flow has under `technique`.
std::string fill_in(const std::string& text, const std::map<std::string, std::string>& known,
                    const std::string& where, const std::string& flow) {
  std::string filled;
  size_t at = 0;
  for (size_t open = text.find('{'); open != text.npos; open = text.find('{', at)) {
    const size_t close = text.find('}', open);
    if (close == text.npos) break;
    const std::string key = text.substr(open + 1, close - open - 1);
    const auto value = known.find(key);
    if (value == known.end() || value->second.empty()) {
      fail("{}: source: flow {} has no key '{}', which {} asks for", where, flow, key, text);
    }
    filled += text.substr(at, open - at) + value->second;
    at = close + 1;
  }
  return filled + text.substr(at);
}

/// Where an entry's files are; nullopt: under ${data_root}, and nobody has said where that is.
std::optional<std::filesystem::path> place_of(const DataSource& entry,
                                              const std::filesystem::path& manifest,
                                              const ManifestOptions& options) {
  const std::string path = entry.path.string();
  if (!path.starts_with(kDataRoot)) return manifest.parent_path() / entry.path;
  if (options.data_root.empty()) return std::nullopt;
  return options.data_root / path.substr(kDataRoot.size());
}

std::vector<DataSource> all_of(SourceList list) {
  if (!list.absent.empty()) fail("{}", fmt::join(list.absent, "\n"));
  return std::move(list.sources);
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
  if (const auto source = attributes.find("source"); source != attributes.end()) {
    all["source"] = fill_in(source->second, all, where, flow.name);
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

SourceList find_manifest_sources(const std::filesystem::path& path,
                                 const ManifestOptions& options) {
  std::ifstream input(path, std::ios::binary);
  if (!input) {
    fail("{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  const std::string text{std::istreambuf_iterator<char>(input), {}};
  SourceList list;
  std::vector<std::string> problems;
  for (const DataSource& entry : parse_manifest(text, path, options.label_key)) {
    const auto place = place_of(entry, path, options);
    if (!place) {
      list.absent.push_back(fmt::format("{}: {}: left out: --data-root says where such files are",
                                        entry.where, entry.path.string()));
      continue;
    }
    const std::vector<std::filesystem::path> files = expand(*place);
    const bool is_outside = entry.path.string().starts_with(kDataRoot);
    if (is_outside && (files.empty() || !std::filesystem::exists(files.front()))) {
      list.absent.push_back(
          fmt::format("{}: {}: left out: not there", entry.where, place->string()));
      continue;
    }
    if (files.empty()) {
      problems.push_back(
          fmt::format("{}: path: value {}: no file matches it", entry.where, entry.path.string()));
    }
    for (const std::filesystem::path& file : files) {
      list.sources.push_back(entry);
      list.sources.back().path = file;
    }
  }
  if (!problems.empty()) {
    fail("{}", fmt::join(problems, "\n"));
  }
  return list;
}

SourceList find_sources(const std::vector<std::string>& arguments, const ManifestOptions& options) {
  SourceList all;
  for (const std::string& argument : arguments) {
    const std::filesystem::path path(argument);
    if (path.extension() == ".yaml" || path.extension() == ".yml") {
      SourceList more = find_manifest_sources(path, options);
      std::move(more.sources.begin(), more.sources.end(), std::back_inserter(all.sources));
      std::move(more.absent.begin(), more.absent.end(), std::back_inserter(all.absent));
    } else {
      DataSource source;
      source.path = path;
      source.where = argument;
      source.label_key = options.label_key;
      all.sources.push_back(source);
    }
  }
  return all;
}

std::vector<DataSource> read_manifest(const std::filesystem::path& path,
                                      const std::string& label_key) {
  return all_of(find_manifest_sources(path, {label_key, {}}));
}

std::vector<DataSource> collect_sources(const std::vector<std::string>& arguments,
                                        const std::string& label_key) {
  return all_of(find_sources(arguments, {label_key, {}}));
}

}  // namespace flowmark

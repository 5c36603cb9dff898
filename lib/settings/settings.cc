#include "settings/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "settings/settings_schema.h"

namespace flowmark {
namespace {

constexpr size_t kLargestFile = 1 << 20;

void make_absolute(std::filesystem::path& path, const std::filesystem::path& folder) {
  if (!path.empty() && path.is_relative()) path = (folder / path).lexically_normal();
}

}  // namespace

MarkPair marks_of_class(const MarkingSettings& marking, const std::string& name) {
  const auto in = [&name](const ClassMarks& marks) {
    const auto found = marks.find(name);
    return found == marks.end() ? std::nullopt : found->second;
  };
  return {in(marking.classes), in(marking.lan_classes)};
}

uint64_t MarkingSettings::bytes_of_share(double share) const noexcept {
  constexpr uint64_t kBytesPerMbit = 1'000'000 / 8;
  const uint64_t link = (link_mbit == 0 ? kAssumedLinkMbit : link_mbit) * kBytesPerMbit;
  return std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(link)));
}

SettingsError::SettingsError(std::vector<std::string> problems)
    : Error(fmt::format("{}", fmt::join(problems, "\n"))), problems_(std::move(problems)) {}

Settings parse_settings(std::string_view text, const std::filesystem::path& file) {
  Settings settings;
  settings.file = file;
  auto problems = schema::read_document(
      text, file.string(), [&](const schema::Place& root, const YamlNode& document) {
        schema::read_map(root, document, settings_fields(), settings);
        check_settings(root, document, settings);
      });
  if (!problems.empty()) throw SettingsError(std::move(problems));
  for (FlowPolicy& policy : settings.policies) {
    const auto mapped = policy.map ? mark_of(*policy.map, policy.class_name) : std::nullopt;
    policy.class_marks =
        mapped ? MarkPair(*mapped) : marks_of_class(settings.marking, policy.class_name);
    if (policy.ef_host_kbit) policy.caps.host = bytes_of_kbit(*policy.ef_host_kbit);
    if (policy.ef_share_max) {
      policy.caps.total = settings.marking.bytes_of_share(*policy.ef_share_max);
    }
  }
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  for (ModelSettings& model : settings.models) make_absolute(model.path, folder);
  make_absolute(settings.log.file, folder);
  make_absolute(settings.control_socket, folder);
  make_absolute(settings.verdict_stream.socket, folder);
  make_absolute(settings.verdict_stream.file, folder);
  return settings;
}

Settings load_settings(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    throw SettingsError({file.string() + ": is a folder: expected a configuration file"});
  }
  std::ifstream input(file, std::ios::binary);
  if (!input) {
    throw SettingsError({fmt::format("{}: cannot be read: {}", file.string(), strerror(errno))});
  }
  std::string text;
  text.resize(kLargestFile + 1);
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(input.gcount()));
  if (text.size() > kLargestFile) {
    throw SettingsError({file.string() + ": larger than 1 MB: not a configuration file"});
  }
  return parse_settings(text, file);
}

std::vector<std::string> needs_restart(const Settings& running, const Settings& wanted) {
  std::vector<std::string> keys;
  const auto compare = [&keys](const char* key, bool same) {
    if (!same) keys.emplace_back(key);
  };
  compare("mode", running.mode == wanted.mode);
  compare("ports", running.ports == wanted.ports);
  compare("eal", running.eal == wanted.eal);
  compare("workers", running.worker_count == wanted.worker_count &&
                         running.worker_cores == wanted.worker_cores);
  compare("idle", running.idle == wanted.idle);
  compare("flows", running.flows == wanted.flows);
  compare("inside", running.inside == wanted.inside);
  compare("host_groups", running.host_groups == wanted.host_groups);
  compare("tunnels", running.tunnels == wanted.tunnels);
  compare("marking.ef_share_max", running.marking.ef_share_max == wanted.marking.ef_share_max);
  compare("marking.link_mbit", running.marking.link_mbit == wanted.marking.link_mbit);
  compare("marking.ef_flow_kbit", running.marking.ef_flow_kbit == wanted.marking.ef_flow_kbit);
  compare("marking.ef_host_kbit", running.marking.ef_host_kbit == wanted.marking.ef_host_kbit);
  compare("marking.af4_flow_kbit", running.marking.af4_flow_kbit == wanted.marking.af4_flow_kbit);
  compare("marking.hold_seconds", running.marking.hold_seconds == wanted.marking.hold_seconds);
  compare("inference", running.inference == wanted.inference);
  compare("metrics.listen", running.metrics_listen == wanted.metrics_listen);
  compare("control.socket", running.control_socket == wanted.control_socket);
  compare("verdict_stream", running.verdict_stream == wanted.verdict_stream);
  compare("log.file", running.log.file == wanted.log.file);
  return keys;
}

const char* to_string(RunMode mode) noexcept {
  switch (mode) {
    case RunMode::inline_ports:
      return "inline";
    case RunMode::mirror:
      return "mirror";
    case RunMode::replay:
      return "replay";
  }
  return "?";
}

const char* to_string(PortRole role) noexcept {
  return role == PortRole::lan ? "lan" : "wan";
}

const char* to_string(MarkMode mode) noexcept {
  switch (mode) {
    case MarkMode::always:
      return "always";
    case MarkMode::unmarked:
      return "unmarked";
    case MarkMode::report:
      return "report";
  }
  return "?";
}

}  // namespace flowmark

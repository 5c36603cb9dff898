#include "settings/settings_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/read_number.h"

namespace flowmark {
namespace {

using schema::boolean;
using schema::Fields;
using schema::number;
using schema::Place;
using schema::real;
using schema::section;
using schema::sections;
using schema::text;
using schema::texts;
using schema::word;

constexpr double kDayInSeconds = 86400;

template <typename T>
schema::Field<T> name(const char* key, std::string T::*member) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            std::string value;
            if (!schema::read_text(place, node, value)) return;
            if (is_name(value)) {
              out.*member = value;
            } else {
              place.wrong(node, "expected a name of at most 63 letters, digits and . _ -");
            }
          }};
}

/// A path, made absolute with the folder of the configuration file. `empty_ok`: "" switches off.
template <typename T>
schema::Field<T> path(const char* key, std::filesystem::path T::*member, bool empty_ok) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            std::string value;
            if (node.kind == YamlNode::Kind::null && empty_ok) {
              (out.*member).clear();
            } else if (schema::read_text(place, node, value)) {
              if (value.empty() && !empty_ok) {
                place.wrong(node, "expected a file's path");
              } else {
                out.*member = std::filesystem::path(
                    value);  // load makes it absolute: the folder is known there
              }
            }
          }};
}

template <typename T>
schema::Field<T> seconds(const char* key, TimeUs T::*member, double min) {
  return {key, [=](const Place& place, const YamlNode& node, T& out) {
            double value = 0;
            if (schema::read_real(place, node, min, kDayInSeconds, value)) {
              out.*member = static_cast<TimeUs>(value * static_cast<double>(kUsPerSecond));
            }
          }};
}

void read_mtu(const Place& place, const YamlNode& node, PortSettings& out) {
  constexpr uint64_t kSmallestMtu = 68;  // RFC 791
  constexpr uint64_t kLargestMtu = 9600;
  uint64_t value = 0;
  if (node.kind == YamlNode::Kind::scalar && node.text == "0") {
    out.mtu = 0;
  } else if (schema::read_integer(place, node, kSmallestMtu, kLargestMtu, value)) {
    out.mtu = static_cast<uint16_t>(value);
  }
}

Fields<PortSettings> port_fields() {
  return {text("name", &PortSettings::name),
          word("role", &PortSettings::role, {{"lan", PortRole::lan}, {"wan", PortRole::wan}}),
          number("queues", &PortSettings::queues, 0, 64),
          {"mtu", read_mtu}};
}

Fields<EalSettings> eal_fields() {
  return {number("memory_mb", &EalSettings::memory_mb, 32, 1u << 20),
          word("huge_pages", &EalSettings::huge_pages,
               {{"auto", HugePages::automatic}, {"on", HugePages::on}, {"off", HugePages::off}}),
          name("file_prefix", &EalSettings::file_prefix), texts("args", &EalSettings::args)};
}

Fields<FlowSettings> flow_fields() {
  return {number("budget_mb", &FlowSettings::budget_mb, 0, 1u << 20),
          number("capacity", &FlowSettings::capacity, 64, 1u << 26),
          number("memory_mb", &FlowSettings::memory_mb, 1, 1u << 20),
          number("idle_seconds", &FlowSettings::idle_seconds, 1, 3600),
          number("closing_seconds", &FlowSettings::closing_seconds, 1, 3600),
          number("young_seconds", &FlowSettings::young_seconds, 1, 3600),
          number("young_packets", &FlowSettings::young_packets, 1, 2)};
}

Fields<VerdictPolicy> policy_fields() {
  return {number<VerdictPolicy, uint32_t>("min_packets", &VerdictPolicy::min_packets, 1, 1u << 20),
          seconds<VerdictPolicy>("min_seconds", &VerdictPolicy::min_us, 0),
          number<VerdictPolicy, uint32_t>("hop_packets", &VerdictPolicy::hop_packets, 1, 1u << 20),
          seconds<VerdictPolicy>("hop_seconds", &VerdictPolicy::hop_us, 0.01),
          number("votes", &VerdictPolicy::votes, 1, 64),
          {"confidence",
           [](const Place& place, const YamlNode& node, VerdictPolicy& out) {
             double value = 0;
             if (!schema::read_real(place, node, 0, 1, value)) return;
             out.confidence = static_cast<float>(value);
             out.confidence_given = true;
           }},
          real("hysteresis", &VerdictPolicy::hysteresis, 0, 1),
          boolean("open_set", &VerdictPolicy::open_set)};
}

schema::Field<WhenSettings> confidence(const char* key,
                                       std::optional<float> WhenSettings::*member) {
  return {key, [=](const Place& place, const YamlNode& node, WhenSettings& out) {
            double value = 0;
            if (schema::read_real(place, node, 0, 1, value)) {
              out.*member = static_cast<float>(value);
            }
          }};
}

void read_when(const Place& place, const YamlNode& node, ModelSettings& out) {
  const Fields<WhenSettings> fields{
      name("model", &WhenSettings::model), texts("classes", &WhenSettings::classes),
      confidence("below", &WhenSettings::below), confidence("above", &WhenSettings::above)};
  WhenSettings value;
  schema::read_map(place, node, fields, value);
  if (value.model.empty()) place.missing(node, "model", "the name of another model");
  const bool has_bound = schema::has(node, "below") || schema::has(node, "above");
  if (value.classes.empty() && (schema::has(node, "classes") || !has_bound)) {
    place.missing(node, "classes", "a list of its classes, or below or above: a confidence");
  }
  out.when = std::move(value);
}

Fields<ModelSettings> model_fields() {
  return {name("name", &ModelSettings::name),
          path("path", &ModelSettings::path, false),
          section("policy", &ModelSettings::policy, policy_fields()),
          {"when", read_when},
          boolean("marks", &ModelSettings::marks),
          word("precision", &ModelSettings::precision,
               {{"exact", Precision::exact}, {"bf16", Precision::bf16}})};
}

Fields<StreamSettings> stream_fields() {
  return {path("socket", &StreamSettings::socket, true), path("file", &StreamSettings::file, true),
          number("buffer_kib", &StreamSettings::buffer_kib, 16, 1u << 20),
          number("flows", &StreamSettings::flows, 1, 1u << 26)};
}

Fields<LogSettings> log_fields() {
  return {word("level", &LogSettings::level,
               {{"trace", LogLevel::trace},
                {"debug", LogLevel::debug},
                {"info", LogLevel::info},
                {"warn", LogLevel::warn},
                {"error", LogLevel::error}}),
          path("file", &LogSettings::file, true)};
}

/// A number of workers or the list of their cores.
void read_workers(const Place& place, const YamlNode& node, Settings& out) {
  constexpr uint64_t kMaxWorkers = 64;
  constexpr uint64_t kMaxCore = 1023;
  uint64_t value = 0;
  if (node.kind != YamlNode::Kind::list) {
    if (node.kind == YamlNode::Kind::scalar) {
      if (schema::read_integer(place, node, 1, kMaxWorkers, value)) {
        out.worker_count = static_cast<uint32_t>(value);
      }
    } else {
      place.wrong(node, "expected a number of workers or a list of cores");
    }
    return;
  }
  out.worker_cores.clear();
  schema::each_item(place, node, [&](const Place& at, const YamlNode& item) {
    if (!schema::read_integer(at, item, 0, kMaxCore, value)) return;
    const auto core = static_cast<uint32_t>(value);
    if (std::find(out.worker_cores.begin(), out.worker_cores.end(), core) !=
        out.worker_cores.end()) {
      at.wrong(item, "the core is in the list already");
    } else {
      out.worker_cores.push_back(core);
    }
  });
  if (node.items.empty() || node.items.size() > kMaxWorkers) {
    place.wrong(node, fmt::format("expected 1 to {} cores", kMaxWorkers));
  }
  out.worker_count = static_cast<uint32_t>(std::max<size_t>(1, out.worker_cores.size()));
}

void read_inside(const Place& place, const YamlNode& node, Settings& out) {
  read_prefixes(place, node, out.inside);
}

void read_tunnels(const Place& place, const YamlNode& node, Settings& out) {
  out.tunnels = {};
  const std::vector<std::string> names = tunnel_names();
  schema::each_item(place, node, [&](const Place& at, const YamlNode& item) {
    size_t index = 0;
    if (schema::read_word(at, item, names, index)) out.tunnels.enter(static_cast<Tunnel>(index));
  });
}

void read_listen(const Place& place, const YamlNode& node, Settings& out) {
  std::string value;
  if (node.kind == YamlNode::Kind::null) {
    out.metrics_listen.clear();
    return;
  }
  if (!schema::read_text(place, node, value)) return;
  const size_t colon = value.rfind(':');
  unsigned port = 0;
  bool good = value.empty();
  if (colon != std::string::npos && colon > 0) {
    good = read_number(std::string_view(value).substr(colon + 1), port) && port <= 65535;
  }
  if (good) {
    out.metrics_listen = value;
  } else {
    place.wrong(node, "expected address:port such as 127.0.0.1:9477, or \"\" for no metrics");
  }
}

Fields<Settings> make_fields() {
  const Fields<Settings> metrics{{"listen", read_listen}};
  const Fields<Settings> control{path("socket", &Settings::control_socket, true)};
  const auto nested = [](const char* key, Fields<Settings> fields) -> schema::Field<Settings> {
    return {key,
            [fields = std::move(fields)](const Place& place, const YamlNode& node, Settings& out) {
              schema::read_map(place, node, fields, out);
            }};
  };
  return {
      word("mode", &Settings::mode,
           {{"inline", RunMode::inline_ports},
            {"mirror", RunMode::mirror},
            {"replay", RunMode::replay}}),
      sections("ports", &Settings::ports, port_fields()),
      section("eal", &Settings::eal, eal_fields()),
      {"workers", read_workers},
      word("idle", &Settings::idle,
           {{"poll", IdlePolicy::poll}, {"adaptive", IdlePolicy::adaptive}}),
      section("flows", &Settings::flows, flow_fields()),
      {"inside", read_inside},
      {"host_groups", read_host_groups},
      {"tunnels", read_tunnels},
      sections("models", &Settings::models, model_fields()),
      boolean("require_golden", &Settings::require_golden),
      texts("trusted_keys", &Settings::trusted_keys),
      number("max_model_mb", &Settings::max_model_mb, 1, 4096),
      number("max_load_mb", &Settings::max_load_mb, 16, 65'536),
      marking_section(),
      policies_section(),
      section("inference", &Settings::inference,
              Fields<InferenceSettings>{number("slice_us", &InferenceSettings::slice_us, 1, 10'000),
                                        real("busy_share", &InferenceSettings::busy_share, 0, 1),
                                        number("queue", &InferenceSettings::queue, 1, 1u << 20)}),
      nested("metrics", metrics),
      nested("control", control),
      section("verdict_stream", &Settings::verdict_stream, stream_fields()),
      section("log", &Settings::log, log_fields()),
  };
}

}  // namespace

const Fields<Settings>& settings_fields() {
  static const Fields<Settings> fields = make_fields();
  return fields;
}

}  // namespace flowmark

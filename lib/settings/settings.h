#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "classify/classifier.h"
#include "classify/host_groups.h"
#include "classify/model_set.h"
#include "flow/flow_life.h"
#include "mark/marking.h"
#include "mark/profiles.h"
#include "net/prefix.h"
#include "policy/flow_policy.h"

namespace flowmark {

enum class RunMode : uint8_t { inline_ports, mirror, replay };
enum class PortRole : uint8_t { lan, wan };
enum class IdlePolicy : uint8_t { poll, adaptive };
enum class HugePages : uint8_t { automatic, on, off };
enum class LogLevel : uint8_t { trace, debug, info, warn, error };

struct PortSettings {
  std::string name;  ///< PCI address "0000:01:00.0" or vdev string "net_af_packet0,iface=eth0"
  PortRole role = PortRole::lan;
  uint16_t queues = 0;  ///< per direction; 0: one a worker
  uint16_t mtu = 0;     ///< 0: as the port is

  friend bool operator==(const PortSettings&, const PortSettings&) = default;
};

struct EalSettings {
  uint32_t memory_mb = 512;
  HugePages huge_pages = HugePages::automatic;
  std::string file_prefix = "flowmark";
  std::vector<std::string> args;  ///< handed to the EAL as they are, after ours

  friend bool operator==(const EalSettings&, const EalSettings&) = default;
};

/// Of all workers together; each gets an equal part.
struct FlowSettings {
  /// > 0: the memory of tables and windows together, from which capacity and memory_mb follow.
  uint32_t budget_mb = 0;
  uint32_t capacity = 65536;
  uint32_t memory_mb = 256;  ///< windows and per-flow state
  uint32_t idle_seconds = FlowTimeouts{}.idle_ms / 1000;
  uint32_t closing_seconds = FlowTimeouts{}.closing_ms / 1000;
  uint32_t young_seconds = FlowTimeouts{}.young_ms / 1000;
  uint32_t young_packets = 2;  ///< 1 or 2: the packet with which a flow gets windows

  friend bool operator==(const FlowSettings&, const FlowSettings&) = default;
};

/// Asks a model only on flows about which another model says this (VerdictCondition). All that is
/// given must hold.
struct WhenSettings {
  std::string model;
  std::vector<std::string> classes;  ///< empty: any
  std::optional<float> below;        ///< confidence, 0 to 1
  std::optional<float> above;        ///< confidence, 0 to 1, less than `below`

  friend bool operator==(const WhenSettings&, const WhenSettings&) = default;
};

struct ModelSettings {
  std::string name;
  std::filesystem::path path;  ///< made absolute with the configuration file's folder
  VerdictPolicy policy;
  std::optional<WhenSettings> when;
  bool marks = true;
  Precision precision = Precision::exact;
};

/// A map of marks as it is written: a profile, and single classes that differ from it.
struct ClassMapSettings {
  std::optional<MarkProfile> profile;
  ClassMarks classes;

  friend bool operator==(const ClassMapSettings&, const ClassMapSettings&) = default;
};

struct MarkingSettings {
  MarkMode mode = MarkMode::always;
  ClassMapSettings map;
  ClassMapSettings lan_map;  ///< differs from `map` towards LAN
  // What follows from both: all classes.
  ClassMarks classes = default_classes();      ///< towards WAN
  ClassMarks lan_classes = default_classes();  ///< towards LAN
  std::optional<Dscp> wash;   ///< of packets without a verdict; nullopt: as they came
  bool pcp = false;           ///< the VLAN tag's priority follows the mark
  std::vector<Prefix> trust;  ///< marks that these send stay
  double ef_share_max = 0.1;
  uint64_t link_mbit = 0;  ///< 0: not known, kAssumedLinkMbit
  // On the wire, both directions together; 0: no limit. EF stands for all expedited marks and AF4
  // for the others of mark/live_mark.h.
  uint32_t ef_flow_kbit = 2000;
  uint32_t ef_host_kbit = 4000;
  uint32_t af4_flow_kbit = 10'000;
  uint32_t hold_seconds = 10;  ///< a refused flow is not asked again before
  std::optional<Dscp> fallback =
      dscp::kDefault;  ///< for refused flows; nullopt ("keep"): as it came

  static constexpr uint64_t kAssumedLinkMbit = 1000;

  /// Bytes a second of a share of the link, at least 1.
  uint64_t bytes_of_share(double share) const noexcept;

  /// Those of MarkProfile::rfc4594.
  static ClassMarks default_classes() { return marks_of(MarkProfile::rfc4594); }
  friend bool operator==(const MarkingSettings&, const MarkingSettings&) = default;
};

struct InferenceSettings {
  uint32_t slice_us = 5;    ///< after each burst
  double busy_share = 0.1;  ///< of a worker's time, while packets wait
  uint32_t queue = 4096;    ///< due windows waiting, of each worker

  friend bool operator==(const InferenceSettings&, const InferenceSettings&) = default;
};

/// Bytes a second.
constexpr uint64_t bytes_of_kbit(uint64_t kbit_per_second) noexcept {
  return kbit_per_second * (1000 / 8);
}

/// Where the stream of verdicts goes (docs/verdict-stream.md). Both empty: there is none.
struct StreamSettings {
  std::filesystem::path socket;
  std::filesystem::path file;
  uint32_t buffer_kib = 1024;  ///< lines that wait for a reader, or the file; of each
  uint32_t flows = 131'072;    ///< most flows that are kept for readers who come later

  bool is_wanted() const noexcept { return !socket.empty() || !file.empty(); }
  friend bool operator==(const StreamSettings&, const StreamSettings&) = default;
};

struct LogSettings {
  LogLevel level = LogLevel::info;
  std::filesystem::path file;  ///< empty: standard error

  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

/// A configuration file, checked (docs/configuration.md). Immutable once loaded; a reload makes a
/// new one.
struct Settings {
  std::filesystem::path file;  ///< where it was read; empty for the defaults
  RunMode mode = RunMode::inline_ports;
  std::vector<PortSettings> ports;
  EalSettings eal;
  uint32_t worker_count = 1;
  std::vector<uint32_t> worker_cores;  ///< empty: chosen; else worker_count of them
  IdlePolicy idle = IdlePolicy::adaptive;
  FlowSettings flows;
  std::vector<Prefix> inside;
  std::vector<HostGroup> host_groups;
  ParseOptions tunnels;
  std::vector<ModelSettings> models;
  bool require_golden = false;
  std::vector<std::string> trusted_keys;
  uint32_t max_model_mb = 256;
  uint32_t max_load_mb = 768;  ///< memory that loading one model may take
  MarkingSettings marking;
  std::vector<FlowPolicy> policies;  ///< the first that fits a flow holds
  InferenceSettings inference;
  std::string metrics_listen = "127.0.0.1:9477";                        ///< empty: no metrics
  std::filesystem::path control_socket = "/run/flowmark/control.sock";  ///< empty: none
  StreamSettings verdict_stream;
  LogSettings log;
};

/// Everything that is wrong with a configuration file, one line each:
/// "FILE:LINE: key.path: value ...: what would be right". The tools end with status 2.
class SettingsError : public Error {
 public:
  explicit SettingsError(std::vector<std::string> problems);
  const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  std::vector<std::string> problems_;
};

/// Reads and checks a configuration file. Throws SettingsError with all problems at once.
Settings load_settings(const std::filesystem::path& file);

/// The same from memory; `file` stands for the file in messages and for its folder in paths.
Settings parse_settings(std::string_view text, const std::filesystem::path& file);

/// A class's marks in both directions; a class not named keeps what packets carry.
MarkPair marks_of_class(const MarkingSettings& marking, const std::string& name);

/// The keys whose values differ and that a running daemon cannot change.
std::vector<std::string> needs_restart(const Settings& running, const Settings& wanted);

const char* to_string(RunMode mode) noexcept;
const char* to_string(PortRole role) noexcept;
const char* to_string(MarkMode mode) noexcept;

}  // namespace flowmark

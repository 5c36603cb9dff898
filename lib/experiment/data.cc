#include "experiment/data.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/hash_text.h"
#include "base/read_number.h"
#include "data/load_examples.h"

namespace flowmark {
namespace {

using Attributes = std::map<std::string, std::string>;

std::string attribute(const Attributes& all, const char* key, const std::string& otherwise) {
  const auto found = all.find(key);
  return found == all.end() ? otherwise : found->second;
}

std::vector<std::string> collect(const std::vector<Recording>& recordings,
                                 const std::function<std::string(const Recording&)>& what) {
  std::set<std::string> found;
  for (const Recording& recording : recordings) {
    found.insert(what(recording));
  }
  found.erase("");
  return {found.begin(), found.end()};
}

double background_of(const Attributes& all, const std::string& where, const std::string& flow) {
  const std::string text = attribute(all, "background", attribute(all, "background_pps", "0"));
  double rate = -1;
  if (!read_number(text, rate) || !(rate >= 0 && rate <= 1e7)) {
    fail("{}: flow {}: background {}: must be packets a second, 0 to 10000000", where, flow, text);
  }
  return rate;
}

}  // namespace

std::string technique_of(const std::string& encryption) {
  std::string name = encryption;
  std::transform(name.begin(), name.end(), name.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  if (name.empty() || name == "plain" || name == "none" || name == "nonvpn" || name == "non-vpn" ||
      name == "regular") {
    return "plain";
  }
  return name == "tor" ? "tor" : "vpn";
}

std::vector<std::string> ExperimentData::categories(const std::string& technique) const {
  return collect(recordings, [&](const Recording& r) {
    const bool counts = technique.empty() || r.technique == technique;
    return counts && r.category.find('+') == std::string::npos ? r.category : "";
  });
}
std::vector<std::string> ExperimentData::techniques() const {
  return collect(recordings, [](const Recording& r) { return r.technique; });
}
std::vector<std::string> ExperimentData::encryptions() const {
  return collect(recordings, [](const Recording& r) { return r.encryption; });
}
std::vector<std::string> ExperimentData::applications() const {
  return collect(recordings, [](const Recording& r) { return r.application; });
}

std::vector<double> ExperimentData::background_rates(const std::string& technique) const {
  std::set<double> rates;
  for (const Recording& recording : recordings) {
    if (recording.technique == technique) rates.insert(recording.background_pps);
  }
  rates.erase(0);
  return {rates.begin(), rates.end()};
}

uint64_t ExperimentData::digest() const {
  uint64_t hash = 0;
  for (const Recording& recording : recordings) {
    if (recording.background_pps != 0) {
      hash = mix64(hash ^ std::bit_cast<uint64_t>(recording.background_pps));
    }
    for (const std::string* text :
         {&recording.flow.name, &recording.category, &recording.application, &recording.encryption,
          &recording.capture, &recording.group, &recording.split}) {
      hash = hash_text(hash, *text);
    }
    for (const FlowPacket& packet : recording.flow.packets) {
      hash = mix64(hash ^ (static_cast<uint64_t>(packet.time_us) << 18) ^
                   (uint64_t{packet.size} << 2) ^ (packet.direction == Direction::up ? 2U : 0U) ^
                   (packet.pure_ack ? 1U : 0U));
    }
  }
  return hash;
}

ExperimentData load_experiment_data(const std::vector<DataSource>& sources) {
  ExperimentData data;
  data.left_out = map_labelled_flows(
      sources,
      [&](uint32_t index, const std::string& class_name, const RecordedFlow& flow) -> Deliver {
        const Attributes all = sources[index].attributes_of(flow);
        auto recording = std::make_shared<Recording>();
        recording->flow = flow;
        recording->category = class_name;
        recording->application = attribute(all, "application", class_name);
        recording->encryption = attribute(all, "encryption", attribute(all, "technique", ""));
        recording->technique = technique_of(recording->encryption);
        recording->capture = attribute(all, "capture", "");
        recording->split = attribute(all, "split", "");
        recording->group = attribute(all, "group", attribute(all, "session", ""));
        recording->background_pps = background_of(all, sources[index].where, flow.name);
        return [&data, recording] {
          data.encryption_named = data.encryption_named || !recording->encryption.empty();
          if (recording->encryption.empty()) recording->encryption = "plain";
          data.recordings.push_back(std::move(*recording));
        };
      });
  if (data.recordings.empty()) {
    fail("no labelled flow: {} were left out", data.left_out);
  }
  return data;
}

}  // namespace flowmark

// What the control thread answers to `flowmark ctl`.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "daemon/flowmarkd/control.h"
#include "daemon/flowmarkd/json_line.h"
#include "mark/dscp.h"
#include "runtime/flow_text.h"

namespace flowmark {
namespace {

/// `top` of a request: how many rows are wanted.
size_t rows_of(const nlohmann::json& request) {
  constexpr size_t kMost = 1000;
  const auto most = request.value("top", nlohmann::json(20));
  if (!most.is_number_unsigned() || most > kMost) fail("top: expected a number 0 to {}", kMost);
  return most.get<size_t>();
}

}  // namespace

nlohmann::ordered_json Control::status() const {
  const Reloader& reloader = sources_.reloader;
  nlohmann::ordered_json out = sources_.status();
  out["generation"] = reloader.current()->generation();
  out["settled"] = sources_.reloader.publisher().settled();
  auto reloads = nlohmann::ordered_json::object();
  for (size_t i = 0; i < static_cast<size_t>(ReloadOutcome::count_); ++i) {
    const auto outcome = static_cast<ReloadOutcome>(i);
    reloads[to_string(outcome)] = reloader.count(outcome);
  }
  out["reloads"] = reloads;
  out["last_refusal"] = reloader.last_refusal();
  return out;
}

nlohmann::ordered_json Control::explain(const std::string& flow) const {
  FlowQuery query;
  query.key = parse_flow(flow);
  if (!sources_.ask(query)) {
    fail("flow: value {}: a worker did not answer in time; ask again", flow);
  }
  nlohmann::ordered_json out{{"flow", to_string(query.key, query.up_is_a)}, {"known", query.found}};
  if (!query.found) return out;
  const ModelNames& names = sources_.reloader.names(query.generation);
  out["packets"] = query.packets;
  out["has_windows"] = query.has_windows;
  out["policy"] = query.policy == kNoPolicy
                      ? nlohmann::ordered_json()
                      : nlohmann::ordered_json(names.policy_name(query.policy));
  const auto name_of = [](uint8_t mark) {
    return mark == kNoMark ? nlohmann::ordered_json() : nlohmann::ordered_json(dscp_name(mark));
  };
  out["mark"] = name_of(query.mark);
  out["mark_to_lan"] = name_of(query.mark_to_lan);
  auto models = nlohmann::ordered_json::array();
  for (size_t slot = 0; query.has_windows && slot < names.models.size(); ++slot) {
    const FlowQuery::ModelAnswer& answer = query.models[slot];
    auto probabilities = nlohmann::ordered_json::object();
    for (size_t c = 0; c < answer.classes; ++c) {
      probabilities[names.class_name(slot, c)] = answer.probabilities[c];
    }
    models.push_back({{"model", names.model_name(slot)},
                      {"class", names.verdict_name(slot, answer.class_index, answer.labels)},
                      {"asked", answer.is_asked},
                      {"windows", answer.windows},
                      {"probabilities", probabilities}});
  }
  out["models"] = models;
  return out;
}

nlohmann::ordered_json Control::hosts(const HostQuestion& question) const {
  const Reloader& reloader = sources_.reloader;
  const auto has_name = [&question](const auto& tagged) {
    return tagged.second.name == question.class_name;
  };
  if (!question.class_name.empty() && std::ranges::none_of(reloader.class_names(), has_name)) {
    fail("class: value {}: no model that has run has this class", question.class_name);
  }
  return host_report(sources_.host_uses(), question, reloader.settings().host_groups,
                     reloader.class_names());
}

std::optional<std::string> Control::answer(CtlServer::ClientId client, const std::string& request) {
  const auto json = nlohmann::json::parse(request, nullptr, false);
  if (!json.is_object() || !json.contains("command") || !json["command"].is_string()) {
    fail("expected a JSON object with \"command\"");
  }
  const std::string command = json["command"];
  if (command == "status") return line_of(status());
  if (command == "reload" || command == "rollback") {
    this->request(command == "reload" ? LoadKind::settings : LoadKind::rollback,
                  {0, "ctl", client});
    return std::nullopt;  // on_loaded() answers
  }
  if (command == "flows") {
    drain_events();
    return line_of({{"flows", flows_.top(rows_of(json))}, {"known", flows_.size()}});
  }
  if (command == "explain") {
    const auto flow = json.value("flow", nlohmann::json());
    if (!flow.is_string()) fail("flow: expected the flow as text");
    return line_of(explain(flow));
  }
  if (command == "hosts") {
    const auto name = json.value("class", nlohmann::json(""));
    if (!name.is_string()) fail("class: expected the name of a class");
    return line_of({{"hosts", hosts({rows_of(json), name})}});
  }
  if (command == "marks") return line_of({{"ports", sources_.marks()}});
  fail("command: value {}: expected one of status, flows, explain, hosts, marks, reload, rollback",
       command);
}

}  // namespace flowmark

// flowmark ctl: asks the running flowmarkd over its control socket.

#include <fmt/format.h>

#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/flowmark/commands.h"
#include "data/label_rules.h"
#include "runtime/ctl_client.h"
#include "settings/settings.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

struct CtlOptions {
  std::string socket = Settings{}.control_socket.string();
  bool json = false;
  unsigned top = 20;
  std::string flow;
  std::string labels;
  std::string class_name;
};

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

void print_reasons(const Json& status, const char* key, const char* title) {
  const Json reasons = status.value(key, Json::object());
  for (const auto& [reason, count] : reasons.items()) {
    std::cout << fmt::format("  {:<34}{:>14}\n", fmt::format("{} {}", title, reason), count.dump());
  }
}

void print_status(const Json& status) {
  std::cout << fmt::format("flowmarkd {}, {}, up {} s, {} workers ({})\n",
                           text_of(status, "version"), text_of(status, "mode"),
                           text_of(status, "uptime_s"), text_of(status, "workers"),
                           text_of(status, "spreading"));
  std::cout << fmt::format("models: generation {}\n", text_of(status, "generation"));
  for (const Json& model : status.value("models", Json::array())) {
    std::cout << fmt::format("  {} ({}): {} sha256 {:.12}\n", text_of(model, "name"),
                             text_of(model, "task"), text_of(model, "path"),
                             text_of(model, "sha256"));
    for (const Json& entry : model.value("classes", Json::array())) {
      std::cout << fmt::format("    {:<20} verdicts {:>8}  flows now {:>8}  packets {:>10}\n",
                               text_of(entry, "class"), text_of(entry, "verdicts"),
                               text_of(entry, "flows_now"), text_of(entry, "packets"));
    }
  }
  if (const auto refusal = text_of(status, "last_refusal"); !refusal.empty()) {
    std::cout << "  the last reload was refused: " << refusal << "\n";
  }
  std::cout << "packets\n";
  for (const char* key : {"received", "forwarded", "dropped", "marked"}) {
    if (status.contains(key)) {
      std::cout << fmt::format("  {:<34}{:>14}\n", key, text_of(status, key));
    }
  }
  print_reasons(status, "dropped_by_reason", "dropped:");
  print_reasons(status, "unclassified_by_reason", "unclassified:");
  print_reasons(status, "marked_by_dscp", "marked");
  print_reasons(status, "not_marked_by_reason", "not marked:");
  print_reasons(status, "demoted_by_reason", "refused their live mark:");
}

void print_flows(const Json& answer, const LabelRules* labels) {
  const auto row = [labels](const std::string& flow, const std::string& packets,
                            const std::string& bytes, const std::string& mark,
                            const std::string& label, const std::string& verdicts) {
    std::cout << fmt::format("{:<52} {:>9} {:>12} {:>5}  ", flow, packets, bytes, mark);
    if (labels != nullptr) std::cout << fmt::format("{:<14} ", label);
    std::cout << verdicts << "\n";
  };
  row("flow", "packets", "bytes", "mark", "true label", "verdicts");
  for (const Json& flow : answer.value("flows", Json::array())) {
    std::string verdicts;
    for (const Json& verdict : flow.value("verdicts", Json::array())) {
      verdicts += fmt::format("{}{}: {} ({:.2f}{})", verdicts.empty() ? "" : ", ",
                              text_of(verdict, "model"), text_of(verdict, "class"),
                              verdict.value("confidence", 0.0),
                              verdict.value("provisional", false) ? ", provisional" : "");
    }
    const std::string name = text_of(flow, "flow");
    row(name, text_of(flow, "packets"), text_of(flow, "bytes"), text_of(flow, "mark"),
        labels != nullptr ? labels->label_of(name) : "", verdicts);
  }
  std::cout << fmt::format("{} flows with a verdict are known\n", text_of(answer, "known"));
}

std::string bytes_text(const Json& of, size_t side) {
  const Json bytes = of.value("bytes", Json::array());
  return side < bytes.size() ? bytes[side].dump() : "-";
}

void print_hosts(const Json& answer) {
  constexpr const char* kRow = "{:<40} {:<12} {:<20} {:>14} {:>14} {:>14}\n";
  std::cout << fmt::format(kRow, "host", "group", "class", "bytes up", "bytes down", "may lack");
  for (const Json& host : answer.value("hosts", Json::array())) {
    std::cout << fmt::format(kRow, text_of(host, "host"), text_of(host, "group"), "all",
                             bytes_text(host, 0), bytes_text(host, 1),
                             text_of(host, "may_lack_bytes"));
    for (const Json& use : host.value("classes", Json::array())) {
      const std::string name = text_of(use, "class");
      std::cout << fmt::format(kRow, "", "", name == "-" ? "not classified" : name,
                               bytes_text(use, 0), bytes_text(use, 1), "");
    }
  }
}

/// Of each port a table: a row for each DSCP received, a column for each one sent.
void print_marks(const Json& answer) {
  for (const Json& port : answer.value("ports", Json::array())) {
    std::map<unsigned, std::map<unsigned, uint64_t>> rows;
    std::map<unsigned, std::string> names, columns;
    for (const Json& cell : port.value("packets", Json::array())) {
      const auto received = cell.value("received_dscp", 0U), sent = cell.value("sent_dscp", 0U);
      names[received] = text_of(cell, "received");
      columns[sent] = text_of(cell, "sent");
      rows[received][sent] = cell.value("packets", uint64_t{0});
    }
    std::cout << fmt::format("received at {}: packets by the DSCP they came with (rows) and got\n",
                             text_of(port, "port"));
    std::cout << fmt::format("  {:<8}", "");
    for (const auto& [dscp, name] : columns) std::cout << fmt::format("{:>14}", name);
    std::cout << "\n";
    for (const auto& [received, cells] : rows) {
      std::cout << fmt::format("  {:<8}", names[received]);
      for (const auto& [sent, name] : columns) {
        const auto cell = cells.find(sent);
        std::cout << fmt::format("{:>14}", cell == cells.end() ? 0 : cell->second);
      }
      std::cout << "\n";
    }
  }
}

void print_explanation(const Json& answer) {
  std::cout << text_of(answer, "flow") << "\n";
  if (!answer.value("known", false)) {
    std::cout << "  no worker has this flow now\n";
    return;
  }
  std::cout << fmt::format("  packets {}, mark {}, towards LAN {}\n", text_of(answer, "packets"),
                           text_of(answer, "mark"), text_of(answer, "mark_to_lan"));
  if (answer.contains("policy") && answer["policy"].is_string()) {
    std::cout << fmt::format("  policy: {}\n", text_of(answer, "policy"));
  }
  if (!answer.value("has_windows", false)) {
    std::cout << "  no windows: too few packets, no memory for them, no models, or by a policy\n";
  }
  for (const Json& model : answer.value("models", Json::array())) {
    const bool is_asked = model.value("asked", true);
    std::cout << fmt::format("  {}: {} after {} windows{}\n", text_of(model, "model"),
                             text_of(model, "class"), text_of(model, "windows"),
                             is_asked ? "" : ", not asked: its condition does not hold");
    const Json probabilities = model.value("probabilities", Json::object());
    for (const auto& [name, share] : probabilities.items()) {
      std::cout << fmt::format("    {:<24}{:>8.4f}\n", name, share.get<double>());
    }
  }
}

/// Nonzero when what was asked for is not so, whatever is printed.
int status_of(const std::string& command, const Json& answer) {
  if (command == "explain") return answer.value("known", false) ? 0 : 1;
  const std::string outcome = text_of(answer, "outcome");
  const bool waits = !answer.value("needs_restart", Json::array()).empty();
  return outcome == "refused" || (outcome == "unchanged" && waits) ? 1 : 0;
}

void print_reload(const Json& answer) {
  std::cout << fmt::format("{}, generation {}: {}\n", text_of(answer, "outcome"),
                           text_of(answer, "generation"), text_of(answer, "message"));
  for (const Json& key : answer.value("needs_restart", Json::array())) {
    std::cout << "needs a restart to take effect: " << key.get<std::string>() << "\n";
  }
}

int ask(const CtlOptions& options, const std::string& command) {
  Json request{{"command", command}};
  if (command == "flows" || command == "hosts") request["top"] = options.top;
  if (command == "hosts") request["class"] = options.class_name;
  if (command == "explain") request["flow"] = options.flow;
  const std::string line = ctl_request(options.socket, request.dump());
  const Json answer = Json::parse(line, nullptr, false);
  if (!answer.is_object()) fail("{}: the answer is not JSON: {:.80}", options.socket, line);
  if (answer.contains("error")) fail("flowmarkd: {}", text_of(answer, "error"));
  if (options.json) {
    std::cout << line << "\n";
  } else if (command == "status") {
    print_status(answer);
  } else if (command == "flows") {
    std::optional<LabelRules> labels;
    if (!options.labels.empty()) labels.emplace(options.labels);
    print_flows(answer, labels ? &*labels : nullptr);
  } else if (command == "hosts") {
    print_hosts(answer);
  } else if (command == "marks") {
    print_marks(answer);
  } else if (command == "explain") {
    print_explanation(answer);
  } else {
    print_reload(answer);
  }
  return status_of(command, answer);
}

}  // namespace

CLI::App* add_ctl(CLI::App& parent, std::function<int()>& run) {
  auto options = std::make_shared<CtlOptions>();
  CLI::App* command = parent.add_subcommand("ctl", "Ask or direct the running flowmarkd");
  command->require_subcommand(1);
  command->fallthrough();
  command->add_option("--socket", options->socket, "Its control socket (control.socket)")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the daemon's answer as it is");
  const auto add = [&](const std::string& name, const char* help) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->callback([options, name, &run] { run = [options, name] { return ask(*options, name); }; });
    return sub;
  };
  add("status", "What runs, and its counts");
  CLI::App* flows = add("flows", "Flows with a verdict, those with most bytes first");
  flows->add_option("--top", options->top, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  flows
      ->add_option("--labels", options->labels,
                   "A YAML file with the true labels, to be shown beside the verdicts:\n"
                   "rules: [{label: voip, host: 10.77.0.11, port: 5004}]; first match decides")
      ->check(CLI::ExistingFile);
  add("explain", "What models and policies say of one flow. Exit status 1: no worker has it")
      ->add_option("flow", options->flow,
                   "As 'ctl flows' shows it: \"udp 10.0.0.1:5004 192.0.2.1:5004\"")
      ->required();
  CLI::App* hosts = add("hosts", "Inside hosts with the most bytes, and what for");
  hosts->add_option("--top", options->top, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  hosts->add_option("--class", options->class_name, "Ordered by the bytes of this class");
  add("marks", "Packets of each port by the DSCP they came with and the one they got");
  add("reload",
      "Read the configuration and the models again. Exit status 1: refused, or nothing changed\n"
      "although settings differ that need a restart");
  add("rollback", "Back to the models before the last reload");
  return command;
}

}  // namespace flowmark

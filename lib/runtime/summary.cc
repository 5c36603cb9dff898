// From the table of counters to the summary.

#include "runtime/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "mark/dscp.h"
#include "telemetry/counter_table.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

uint64_t sum_of(std::span<const Counter> cells) {
  uint64_t sum = 0;
  for (const Counter& cell : cells) sum += cell.get();
  return sum;
}

/// The names of cells for which the table has none: DSCPs, or a model's classes.
using CellNames = std::vector<std::string>;

CellNames dscps() {
  CellNames names;
  for (size_t i = 0; i < std::tuple_size_v<decltype(WorkerCounters::marked)>; ++i) {
    names.push_back(dscp_name(static_cast<Dscp>(i)));
  }
  return names;
}

/// Calls `visit(name, value)` for each cell that has a name.
template <typename Visit>
void for_each_cell(const CellLabel& label, const CellNames& names, std::span<const Counter> cells,
                   Visit visit) {
  const size_t end = label.value != nullptr ? cells.size() : std::min(cells.size(), names.size());
  for (size_t i = label.first_cell; i < end; ++i) {
    visit(label.value != nullptr ? std::string(label.value(i)) : names[i], cells[i].get());
  }
}

template <typename Owner>
void add_sum(Json& out, const CounterMember<Owner>& member, const Owner& counters) {
  if (member.summary.sum != nullptr)
    out[Pointer(member.summary.sum)] = sum_of(member.read(counters));
}

/// Every member by itself: its sum, and its cells that are not zero.
template <typename Owner>
void add_members(Json& out, const Owner& counters, bool sends) {
  const CellNames names = dscps();
  for_each_member<Owner>([&](const auto& row, const CounterMember<Owner>& member) {
    const SummaryEntry& entry = member.summary;
    if (entry.sending && !sends) return;
    add_sum(out, member, counters);
    if (entry.cells == nullptr) return;
    Json& by_name = out[Pointer(entry.cells)] = Json::object();
    for_each_cell(row.label, names, member.read(counters),
                  [&](const std::string& name, uint64_t value) {
                    if (value != 0) by_name[name] = value;
                  });
  });
}

/// An object a class.
Json classes_json(const CellNames& classes, const ModelCounters& counters) {
  Json list = Json::array();
  for (size_t c = 0; c < classes.size() && c < kMaxClasses; ++c) {
    Json one{{"class", classes[c]}};
    for_each_member<ModelCounters>([&](const auto&, const auto& member) {
      const char* key = member.summary.cells;
      if (key != nullptr) one[Pointer(key)] = member.read(counters)[c].get();
    });
    list.push_back(one);
  }
  return list;
}

Json model_json(const ActiveModel& model, const ModelCounters& counters) {
  Json out{{"name", model.name},
           {"task", model.model->task},
           {"path", model.model->path},
           {"sha256", model.model->sha256}};
  for_each_member<ModelCounters>(
      [&](const auto&, const auto& member) { add_sum(out, member, counters); });
  out["classes"] = classes_json(model.model->classes, counters);
  return out;
}

std::string text_line(const std::string& name, uint64_t value) {
  return fmt::format("  {:<34}{:>14}\n", name, value);
}

/// A member's line and those of its cells.
template <typename Owner>
std::string member_text(const CounterRow<Owner>& row, const CounterMember<Owner>& member,
                        const CellNames& names, const Owner& counters) {
  const std::string line = member.summary.line;
  const auto cells = member.read(counters);
  std::string text;
  if (!line.empty()) text += text_line(line, sum_of(cells));
  if (cells.size() == 1) return text;
  for_each_cell(row.label, names, cells, [&](const std::string& name, uint64_t value) {
    if (value != 0) text += text_line((line.empty() ? "" : "  ") + name, value);
  });
  return text;
}

std::string model_text(const ActiveModel& model, const ModelCounters& counters) {
  std::string text = fmt::format("verdicts of {} ({})\n", model.name, model.model->task);
  for_each_member<ModelCounters>([&](const auto& row, const auto& member) {
    if (member.summary.line == nullptr) return;
    text += member_text(row, member, model.model->classes, counters);
  });
  return text;
}

}  // namespace

nlohmann::ordered_json summary_json(const Totals& totals, const ModelSet& models, bool sends) {
  Json out;
  out["received"] = totals.received();
  if (sends) out["forwarded"] = totals.transmitted();
  Json& ports = out["ports"] = Json::array();
  for (const PortCounters& port : totals.ports) add_members(ports.emplace_back(), port, sends);
  add_members<WorkerCounters>(out, totals, sends);
  Json& list = out["models"] = Json::array();
  for (size_t m = 0; m < models.models().size(); ++m) {
    list.push_back(model_json(models.models()[m], totals.models[m]));
  }
  return out;
}

std::string summary_text(const Totals& totals, const ModelSet& models, bool sends) {
  std::vector<std::pair<std::string, std::string>> sections{
      {"packets", text_line("received", totals.received())}};
  if (sends) sections[0].second += text_line("forwarded", totals.transmitted());
  const CellNames names = dscps();
  for_each_member<WorkerCounters>([&](const auto& row, const auto& member) {
    const SummaryEntry& entry = member.summary;
    if (entry.line == nullptr || (entry.sending && !sends)) return;
    auto place = std::ranges::find(sections, entry.section, [](auto& one) { return one.first; });
    if (place == sections.end()) place = sections.insert(place, {entry.section, ""});
    place->second += member_text<WorkerCounters>(row, member, names, totals);
  });
  std::string text;
  for (const auto& [heading, lines] : sections) text += heading + "\n" + lines;
  for (size_t m = 0; m < models.models().size(); ++m) {
    text += model_text(models.models()[m], totals.models[m]);
  }
  return text;
}

}  // namespace flowmark

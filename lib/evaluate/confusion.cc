#include "evaluate/confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "evaluate/mean.h"

namespace flowmark {
Confusion::Confusion(std::vector<std::string> classes)
    : classes_(std::move(classes)), counts_(classes_.size() * classes_.size(), 0) {}

void Confusion::add(uint32_t truth, uint32_t answer, uint64_t times) {
  counts_.at(truth * classes_.size() + answer) += times;
}

uint64_t Confusion::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

uint64_t Confusion::support(size_t truth) const noexcept {
  uint64_t sum = 0;
  for (size_t answer = 0; answer < classes_.size(); ++answer) {
    sum += count(truth, answer);
  }
  return sum;
}

double Confusion::accuracy() const noexcept {
  uint64_t right = 0;
  for (size_t c = 0; c < classes_.size(); ++c) {
    right += count(c, c);
  }
  return share(right, total());
}

double Confusion::balanced_accuracy() const noexcept {
  double sum = 0;
  size_t present = 0;
  for (size_t c = 0; c < classes_.size(); ++c) {
    if (support(c) > 0) {
      sum += recall(c);
      ++present;
    }
  }
  return present == 0 ? 0 : sum / static_cast<double>(present);
}

double Confusion::precision(size_t c) const noexcept {
  uint64_t answered = 0;
  for (size_t truth = 0; truth < classes_.size(); ++truth) {
    answered += count(truth, c);
  }
  return share(count(c, c), answered);
}

double Confusion::recall(size_t c) const noexcept {
  return share(count(c, c), support(c));
}

double Confusion::f1(size_t c) const noexcept {
  const double p = precision(c);
  const double r = recall(c);
  return p + r == 0 ? 0 : 2 * p * r / (p + r);
}

nlohmann::ordered_json Confusion::to_json() const {
  nlohmann::ordered_json out;
  out["count"] = total();
  out["accuracy"] = accuracy();
  out["balanced_accuracy"] = balanced_accuracy();
  for (size_t c = 0; c < classes_.size(); ++c) {
    out["classes"][classes_[c]] = {
        {"precision", precision(c)}, {"recall", recall(c)}, {"f1", f1(c)}, {"support", support(c)}};
    std::vector<uint64_t> row;
    for (size_t answer = 0; answer < classes_.size(); ++answer) {
      row.push_back(count(c, answer));
    }
    out["confusion"].push_back(row);
  }
  return out;
}

std::string Confusion::to_table() const {
  size_t width = 5;
  for (const std::string& name : classes_) {
    width = std::max(width, name.size());
  }
  std::string table = fmt::format("{:<{}} precision  recall      F1 |", "true", width);
  size_t cell = 7;
  for (const std::string& name : classes_) {
    cell = std::max(cell, std::min<size_t>(name.size(), 14));
  }
  for (const std::string& name : classes_) {
    table += fmt::format(" {:>{}}", name.substr(0, cell), cell);
  }
  table += '\n';
  for (size_t c = 0; c < classes_.size(); ++c) {
    table += fmt::format("{:<{}} {:>8.2f}% {:>6.2f}% {:>6.2f}% |", classes_[c], width,
                         100 * precision(c), 100 * recall(c), 100 * f1(c));
    for (size_t answer = 0; answer < classes_.size(); ++answer) {
      table += fmt::format(" {:>{}}", count(c, answer), cell);
    }
    table += '\n';
  }
  return table;
}

}  // namespace flowmark

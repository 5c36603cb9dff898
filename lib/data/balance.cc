#include "data/balance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "data/label_sets.h"
#include "data/shuffle.h"

namespace flowmark {
namespace {

constexpr char kLevel = '/';

/// The rows of a class that are of one source.
struct SourceRows {
  std::string name;
  std::vector<uint32_t> rows;
  double share = 1;    ///< of the class
  uint64_t quota = 0;  ///< rows to be drawn
};

/// "a/b/c" as its beginnings "", "a", "a/b", "a/b/c".
std::vector<std::string> beginnings(const std::string& name) {
  std::vector<std::string> all{""};
  for (size_t end = name.find(kLevel); end != name.npos; end = name.find(kLevel, end + 1)) {
    all.push_back(name.substr(0, end));
  }
  all.push_back(name);
  return all;
}

/// At each level all that are under the same beginning share alike; what has no further level while
/// others have one is one of them.
void set_shares(std::vector<SourceRows>& sources) {
  std::map<std::string, std::set<std::string>> below;
  for (const SourceRows& source : sources) {
    const auto levels = beginnings(source.name);
    for (size_t i = 0; i + 1 < levels.size(); ++i) below[levels[i]].insert(levels[i + 1]);
    below[source.name].insert("");
  }
  for (SourceRows& source : sources) {
    for (const std::string& level : beginnings(source.name)) {
      source.share /= static_cast<double>(below[level].size());
    }
  }
}

/// Deals `total` rows out by share; who cannot take its share gets the most it can, and the others
/// share what is left.
void set_quotas(std::vector<SourceRows>& sources, uint64_t total, uint32_t most_times) {
  const auto most = [most_times](const SourceRows& source) {
    return static_cast<double>(source.rows.size()) * most_times;
  };
  std::vector<SourceRows*> order;
  double shares = 0;
  for (SourceRows& source : sources) {
    order.push_back(&source);
    shares += source.share;
  }
  std::stable_sort(order.begin(), order.end(), [&](const SourceRows* a, const SourceRows* b) {
    return most(*a) / a->share < most(*b) / b->share;
  });
  auto left = static_cast<double>(total);
  for (SourceRows* source : order) {
    const double quota = std::min(most(*source), left * source->share / shares);
    source->quota = std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(quota)));
    left = std::max(0.0, left - quota);
    shares -= source->share;
  }
}

void draw(SourceRows& source, std::mt19937_64& random, std::vector<uint32_t>& out) {
  const uint64_t size = source.rows.size();
  for (uint64_t i = 0; i < source.quota / size; ++i) {
    out.insert(out.end(), source.rows.begin(), source.rows.end());
  }
  shuffle(source.rows, random);
  const auto rest = static_cast<ptrdiff_t>(source.quota % size);
  out.insert(out.end(), source.rows.begin(), source.rows.begin() + rest);
}

const std::string& source_of(const ExampleSet& examples, uint32_t row, const std::string& key) {
  const ExampleFlow& flow = examples.flows[examples.info(row).flow];
  const std::string& source = flow.attribute(key);
  if (source.empty() && !key.empty()) {
    fail("flow {} has no key '{}': sources cannot be balanced by it", flow.name, key);
  }
  return source;
}

}  // namespace

std::vector<uint32_t> balance_rows(const ExampleSet& examples, std::span<const uint32_t> rows,
                                   const BalanceOptions& options) {
  if (options.most_times == 0) {
    fail("times that a row may be drawn: 0: must be 1 or more");
  }
  const Strata strata = strata_of(examples);
  std::vector<std::map<std::string, std::vector<uint32_t>>> classes(strata.names.size());
  for (const uint32_t row : rows) {
    classes[strata.of_row[row]][source_of(examples, row, options.key)].push_back(row);
  }
  std::mt19937_64 random(options.seed);
  std::vector<uint32_t> out;
  for (auto& by_source : classes) {
    std::vector<SourceRows> sources;
    uint64_t total = 0;
    for (auto& [name, of_source] : by_source) {
      total += of_source.size();
      sources.push_back({name, std::move(of_source)});
    }
    if (options.most_rows > 0) total = std::min(total, options.most_rows);
    set_shares(sources);
    set_quotas(sources, total, options.most_times);
    for (SourceRows& source : sources) draw(source, random, out);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> source_names(const ExampleSet& examples, std::span<const uint32_t> rows,
                                      const std::string& key) {
  std::set<std::string> names;
  for (const uint32_t row : rows) {
    const std::string& source = examples.flows[examples.info(row).flow].attribute(key);
    if (!source.empty()) names.insert(source.substr(0, source.find(kLevel)));
  }
  return {names.begin(), names.end()};
}

}  // namespace flowmark

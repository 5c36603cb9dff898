#include <algorithm>

#include "base/error.h"
#include "window/window_tables.h"

namespace flowmark {
namespace {

template <typename State>
size_t place(size_t& end) {
  const size_t offset = (end + alignof(State) - 1) / alignof(State) * alignof(State);
  end = offset + sizeof(State);
  return offset;
}

SpecTables tables_of(const FeatureSpec& spec, size_t& end) {
  if (spec.is_picture()) {
    return {PictureTables(spec.picture), spec.values, place<PicturePair>(end)};
  }
  return {HistogramTables(spec), spec.values, place<SlidingHistogram>(end)};
}

}  // namespace

WindowPlan::WindowPlan(std::vector<FeatureSpec> specs) : tables_(std::make_unique<Tables>()) {
  size_t end = sizeof(FlowWindows);
  for (FeatureSpec& spec : specs) {
    if (std::find(specs_.begin(), specs_.end(), spec) != specs_.end()) continue;
    spec.check("feature specification");
    const SpecTables& made = tables_->specs.emplace_back(tables_of(spec, end));
    const auto* histogram = std::get_if<HistogramTables>(&made.tables);
    const size_t values = histogram != nullptr ? histogram->most_bins : FlowWindows::kMaxPixels;
    tables_->max_values = std::max(tables_->max_values, values);
    specs_.push_back(std::move(spec));
  }
  if (end > BlockPool::kMaxBlock) {
    fail("{} different feature specifications are too many", specs_.size());
  }
  tables_->object_size = end;
}

WindowPlan::~WindowPlan() = default;

size_t WindowPlan::index_of(const FeatureSpec& spec) const {
  const auto found = std::find(specs_.begin(), specs_.end(), spec);
  if (found == specs_.end()) {
    fail("feature specification {} is not in the window plan", spec.to_json());
  }
  return static_cast<size_t>(found - specs_.begin());
}

size_t WindowPlan::object_size() const noexcept {
  return tables_->object_size;
}

}  // namespace flowmark

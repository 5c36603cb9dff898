#include "evaluate/reliability.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace flowmark {

Reliability reliability_of(std::span<const Judgement> judgements, uint32_t bins) {
  if (bins == 0) {
    fail("a reliability curve of 0 bins: must be 1 or more");
  }
  Reliability reliability;
  for (uint32_t i = 0; i < bins; ++i) {
    reliability.bins.push_back({static_cast<double>(i) / bins, 0, 0, 0});
  }
  for (const Judgement& one : judgements) {
    const double confidence = std::clamp(static_cast<double>(one.confidence), 0.0, 1.0);
    auto& bin = reliability.bins[std::min(bins - 1, static_cast<uint32_t>(confidence * bins))];
    ++bin.count;
    bin.confidence += confidence;
    bin.accuracy += one.truth == one.answer ? 1 : 0;
  }
  for (auto& bin : reliability.bins) {
    if (bin.count == 0) {
      continue;
    }
    const auto count = static_cast<double>(bin.count);
    bin.confidence /= count;
    bin.accuracy /= count;
    const double off = std::fabs(bin.accuracy - bin.confidence);
    reliability.expected_error += off * count / static_cast<double>(judgements.size());
    reliability.largest_error = std::max(reliability.largest_error, off);
  }
  return reliability;
}

std::vector<CoveragePoint> coverage_of(std::span<const Judgement> judgements) {
  std::vector<double> thresholds;
  for (int step = 0; step < 20; ++step) {
    thresholds.push_back(step / 20.0);
  }
  thresholds.insert(thresholds.end(), {0.99, 0.999});
  std::vector<CoveragePoint> points;
  for (const double threshold : thresholds) {
    uint64_t given = 0;
    uint64_t right = 0;
    for (const Judgement& one : judgements) {
      if (static_cast<double>(one.confidence) >= threshold) {
        ++given;
        right += one.truth == one.answer ? 1 : 0;
      }
    }
    const auto all = static_cast<double>(std::max<size_t>(judgements.size(), 1));
    points.push_back({threshold, static_cast<double>(given) / all,
                      given == 0 ? 0 : static_cast<double>(right) / static_cast<double>(given)});
  }
  return points;
}

nlohmann::ordered_json confidence_json(std::span<const Judgement> judgements) {
  const Reliability reliability = reliability_of(judgements);
  nlohmann::ordered_json out;
  out["expected_calibration_error"] = reliability.expected_error;
  out["largest_calibration_error"] = reliability.largest_error;
  out["reliability"] = nlohmann::ordered_json::array();
  for (const auto& bin : reliability.bins) {
    out["reliability"].push_back({{"from", bin.from},
                                  {"count", bin.count},
                                  {"confidence", bin.confidence},
                                  {"accuracy", bin.accuracy}});
  }
  out["coverage"] = nlohmann::ordered_json::array();
  for (const CoveragePoint& point : coverage_of(judgements)) {
    out["coverage"].push_back({{"threshold", point.threshold},
                               {"coverage", point.coverage},
                               {"accuracy", point.accuracy}});
  }
  return out;
}

std::string confidence_table(std::span<const Judgement> judgements) {
  std::string text = fmt::format("calibration error {:.3f}\n\nconfidence   answered  right\n",
                                 reliability_of(judgements).expected_error);
  for (const CoveragePoint& point : coverage_of(judgements)) {
    const long percent = std::lround(1000 * point.threshold);
    if (percent % 100 != 0 && percent != 950 && percent != 990) {
      continue;  // every second row is enough to read
    }
    text += fmt::format(">= {:<8.2f} {:>9.2f}% ", point.threshold, 100 * point.coverage);
    text += point.coverage > 0 ? fmt::format("{:>6.2f}%\n", 100 * point.accuracy) : "     -\n";
  }
  return text;
}

}  // namespace flowmark

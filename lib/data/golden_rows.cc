#include "data/golden_rows.h"

#include <algorithm>
#include <optional>

#include "data/label_sets.h"

namespace flowmark {
namespace {

struct Extremes {
  Part part = Part::train;
  uint32_t thinnest = 0;
  uint32_t fullest = 0;
};

}  // namespace

std::vector<uint32_t> choose_golden_rows(const ExampleSet& examples, const Split& split,
                                         size_t most) {
  const Strata strata = strata_of(examples);
  std::vector<std::optional<Extremes>> found(strata.names.size());
  const auto packets = [&](uint32_t row) { return examples.info(row).packets; };
  for (const Part part : {Part::test, Part::validation, Part::train}) {
    for (const uint32_t row : rows_of(examples, split, part, false)) {
      std::optional<Extremes>& of = found[strata.of_row[row]];
      if (!of) of = Extremes{part, row, row};
      if (of->part != part) continue;
      if (packets(row) < packets(of->thinnest)) of->thinnest = row;
      if (packets(row) > packets(of->fullest)) of->fullest = row;
    }
  }
  std::vector<uint32_t> chosen;
  for (const uint32_t Extremes::*which : {&Extremes::fullest, &Extremes::thinnest}) {
    for (const std::optional<Extremes>& of : found) {
      if (of && chosen.size() < most &&
          std::find(chosen.begin(), chosen.end(), *of.*which) == chosen.end()) {
        chosen.push_back(*of.*which);
      }
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace flowmark

#include "data/split_summary.h"

#include <fmt/format.h>

#include <vector>

#include "data/label_sets.h"

namespace flowmark {

std::string describe_split(const ExampleSet& examples, const Split& split,
                           const SplitOptions& options) {
  const Strata strata = strata_of(examples);
  const size_t classes = strata.names.size();
  std::vector<uint64_t> windows(3 * classes, 0);
  std::vector<std::vector<bool>> seen(3, std::vector<bool>(examples.flows.size(), false));
  std::vector<uint64_t> flows(3 * classes, 0);
  for (size_t row = 0; row < examples.size(); ++row) {
    const ExampleInfo& info = examples.info(row);
    const auto part = static_cast<size_t>(split.parts[row]);
    windows[part * classes + strata.of_row[row]] += info.repeat ? 0 : 1;
    if (!seen[part][info.flow]) {
      seen[part][info.flow] = true;
      ++flows[part * classes + strata.of_row[row]];
    }
  }
  std::string text =
      fmt::format("split by {}, seed {}: {} groups to train, {} to validate, {} to test\n",
                  options.by, options.seed, split.groups[0], split.groups[1], split.groups[2]);
  if (options.by == "window") {
    text +=
        "Windows of one flow may stand on both sides: they resemble each other, so the accuracy\n"
        "below is higher than on new flows. --split-by flow or session says what to expect.\n";
  } else if (options.by == "flow") {
    text +=
        "Flows of one recording may stand on both sides. --split-by session or file is stricter.\n";
  }
  text += fmt::format("{:<20} {:>22} {:>22} {:>22}\n", "flows / windows", "train", "validation",
                      "test");
  for (size_t c = 0; c < classes; ++c) {
    text += fmt::format("{:<20}", strata.names[c]);
    for (size_t part = 0; part < 3; ++part) {
      text +=
          fmt::format(" {:>10} / {:>9}", flows[part * classes + c], windows[part * classes + c]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace flowmark

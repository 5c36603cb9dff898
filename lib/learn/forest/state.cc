#include "learn/forest/state.h"

#include "learn/training_state.h"

namespace flowmark {
namespace {

constexpr uint64_t kForestMagic = 0x3130525453545246;  // "FRTSTR01" as little-endian bytes

/// Throws Error unless the tree can be walked: whoever can write the file could else make the
/// training read anywhere.
void check(const GrownTree& tree, const ForestTargets& targets, uint32_t features,
           const StateReader& reader) {
  const size_t leaf_rows = targets.groups() + tree.leaves.size() / targets.classes;
  bool good = !tree.nodes.empty() && tree.leaves.size() % targets.classes == 0 &&
              tree.gains.size() == features &&
              (tree.in_bag.empty() || tree.in_bag.size() == (targets.group.size() + 63) / 64);
  for (size_t i = 0; i < tree.nodes.size() && good; ++i) {
    const Forest::Node& node = tree.nodes[i];
    good = node.feature == Forest::kLeaf
               ? node.yes < leaf_rows
               : node.feature < features && node.yes > i && node.no > i &&
                     node.yes < tree.nodes.size() && node.no < tree.nodes.size();
  }
  if (!good) reader.damaged("a tree that cannot be");
}

}  // namespace

uint64_t forest_digest(const ExampleSet& examples, std::span<const uint32_t> rows,
                       const ForestTargets& targets, const ForestOptions& options) {
  Digest digest;
  for (const uint32_t number : {options.features_per_split, options.max_depth, options.max_leaves,
                                options.min_leaf, options.min_split}) {
    digest.add(number);
  }
  digest.add(options.random_thresholds);
  digest.add(options.bootstrap);
  digest.add(options.seed);
  digest.add(targets.classes);
  for (const uint16_t group : targets.group) digest.add(group);
  for (const uint64_t set : targets.label_set) digest.add(set);
  for (const double weight : targets.yes_weight) digest.add(weight);
  for (const double weight : targets.no_weight) digest.add(weight);
  digest.add(examples.feature_count);
  digest.add_rows(examples, rows);
  return digest.value();
}

void write_forest_state(const std::filesystem::path& path, uint64_t digest,
                        const GrownTrees& trees) {
  StateWriter writer;
  for (uint32_t number = 0; number < trees.size(); ++number) {
    if (!trees[number]) continue;
    const GrownTree& tree = *trees[number];
    writer.put(number);
    writer.put_all(std::span<const Forest::Node>(tree.nodes));
    writer.put_all(std::span<const float>(tree.leaves));
    writer.put_all(std::span<const double>(tree.gains));
    writer.put_all(std::span<const uint64_t>(tree.in_bag));
  }
  writer.put(Forest::kLeaf);  // no tree has this number: the end
  write_state_file(path, kForestMagic, digest, writer);
}

bool read_forest_state(const std::filesystem::path& path, uint64_t digest,
                       const ForestTargets& targets, uint32_t features, GrownTrees& trees) {
  std::optional<StateReader> reader = read_state_file(path, kForestMagic, digest);
  if (!reader) {
    return false;
  }
  for (auto number = reader->get<uint32_t>(); number != Forest::kLeaf;
       number = reader->get<uint32_t>()) {
    GrownTree tree;
    tree.nodes = reader->get_all<Forest::Node>();
    tree.leaves = reader->get_all<float>();
    tree.gains = reader->get_all<double>();
    tree.in_bag = reader->get_all<uint64_t>();
    check(tree, targets, features, *reader);
    if (number < trees.size()) {
      trees[number] = std::move(tree);
    }
  }
  return true;
}

}  // namespace flowmark

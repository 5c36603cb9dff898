#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// Several kinds of traffic at once (Leroux et al. 2018, V): a window's labels are a set, written
/// "browsing+voip".

/// The bits of the classes that a label like "voip+chat" names. Throws Error, beginning with
/// `where`, naming the part that is none of them.
uint64_t label_set(const std::string& label, const std::vector<std::string>& classes,
                   const std::string& where);

/// The other way round, in the order of the classes; "none" of no label.
std::string label_set_name(uint64_t set, const std::vector<std::string>& classes);

/// Makes a multi-label set of examples whose classes are named like "voip+chat": one class a part.
/// `labels`: their order; empty: all that occur, by name. Throws Error: an empty part, a part that
/// is none of `labels`, more than 64 labels, an example set that is multi-label already.
void to_label_sets(ExampleSet& examples, const std::vector<std::string>& labels = {});

/// Throws Error unless there are two labels or more, each on some windows and missing on others.
void require_every_label(const ExampleSet& examples);

/// What examples are told apart by where they are counted, drawn or dealt out: classes, or the sets
/// of labels that occur.
struct Strata {
  std::vector<std::string> names;
  std::vector<uint32_t> of_row;
};
Strata strata_of(const ExampleSet& examples);

}  // namespace flowmark

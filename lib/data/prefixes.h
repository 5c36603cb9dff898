#pragma once

#include <span>
#include <vector>

#include "data/example_set.h"
#include "feature/feature_spec.h"

namespace flowmark {

/// Puts prefixes of time before those of packets, each ascending.
void sort_prefixes(std::vector<FlowPrefix>& prefixes);

/// The beginnings of a flow that a model learns beside full windows, sorted: 1, 2, 5, 10, ...
/// seconds where windows are stretches of time, else (also where nothing limits them) 10, 16, 32,
/// ... packets, as far as they are shorter than a window.
std::vector<FlowPrefix> training_prefixes(const FeatureSpec& spec);

/// The beginnings by which it is judged how early models are right, sorted: packets and seconds, as
/// far as they suit the inputs of all models.
std::vector<FlowPrefix> evaluation_prefixes(std::span<const FeatureSpec> inputs);

}  // namespace flowmark

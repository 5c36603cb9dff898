#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flowmark {

/// By class: the disagreement (Engine::disagreement) above which a window that is likeliest of the
/// class counts as resembling none. So many of the validation windows called the class lie above
/// it: `share`, 0 to 1. A class that none of them is called takes the threshold of all windows.
/// `answers`: the likeliest classes; both have one entry a window. Without windows: empty.
std::vector<float> choose_most_disagreement(std::span<const uint32_t> answers,
                                            std::span<const float> disagreements, uint32_t classes,
                                            double share);

}  // namespace flowmark

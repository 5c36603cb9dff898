#pragma once

#include <random>
#include <string>
#include <vector>

#include "model/compile/plan.h"

namespace flowmark::testing {

struct ConvSpec {
  uint32_t filters = 1;
  uint32_t kernel_h = 1, kernel_w = 1;
  uint32_t stride_h = 1, stride_w = 1;
  uint32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool relu = true;
  uint32_t pool_h = 1, pool_w = 1;
  uint32_t pool_stride_h = 1, pool_stride_w = 1;
  uint32_t pool_top = 0, pool_left = 0;
};

/// Convolutions on a picture, then dense layers of the given widths (ReLU between), random weights
/// of a size that keeps the scores moderate.
NetworkPlan make_network(uint32_t height, uint32_t width, const std::vector<ConvSpec>& convs,
                         const std::vector<uint32_t>& dense, std::mt19937& random);

/// The FlowPic network (Shapira & Shavitt 2019) for pictures of that size.
NetworkPlan paper_network(uint32_t height, uint32_t width, uint32_t classes, std::mt19937& random);

/// LeNet-5 as mini-FlowPic has it: 6 and 16 filters 5 x 5, pooling 2 x 2, dense 120, 84.
NetworkPlan lenet(uint32_t side, uint32_t classes, std::mt19937& random);

/// Any network of the family; `text` tells which, for messages.
NetworkPlan random_network(std::mt19937& random, std::string* text);

}  // namespace flowmark::testing

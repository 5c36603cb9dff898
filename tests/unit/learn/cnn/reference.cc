#include "unit/learn/cnn/reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "learn/softmax.h"

namespace flowmark {
namespace {

/// Sizes of a convolution and its pooling.
struct Sizes {
  Sizes(const CnnConv& conv, uint32_t c, uint32_t in_h, uint32_t in_w)
      : channels(c), h(in_h), w(in_w) {
    const uint32_t pad = conv.pad_before + conv.pad_after;
    out_h = (h + pad - conv.kernel) / conv.stride + 1;
    out_w = (w + pad - conv.kernel) / conv.stride + 1;
    pooled_h = out_h / conv.pool;
    pooled_w = out_w / conv.pool;
  }
  uint32_t channels;
  uint32_t h;
  uint32_t w;
  uint32_t out_h;
  uint32_t out_w;
  uint32_t pooled_h;
  uint32_t pooled_w;
};

/// Calls visit(filter, out index, weight index, in index) for every product of a convolution.
template <typename Visit>
void visit_products(const CnnConv& conv, const Sizes& s, const Visit& visit) {
  for (uint32_t f = 0; f < conv.filters; ++f) {
    for (uint32_t oy = 0; oy < s.out_h; ++oy) {
      for (uint32_t ox = 0; ox < s.out_w; ++ox) {
        for (uint32_t c = 0; c < s.channels; ++c) {
          for (uint32_t ky = 0; ky < conv.kernel; ++ky) {
            for (uint32_t kx = 0; kx < conv.kernel; ++kx) {
              const uint32_t y = oy * conv.stride + ky - conv.pad_before;
              const uint32_t x = ox * conv.stride + kx - conv.pad_before;
              if (y < s.h && x < s.w) {
                visit(f, (size_t{f} * s.out_h + oy) * s.out_w + ox,
                      ((size_t{f} * s.channels + c) * conv.kernel + ky) * conv.kernel + kx,
                      (size_t{c} * s.h + y) * s.w + x);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace

/// What the way back needs: the inputs of each layer, and who won each pooling window.
struct CnnReference::Maps {
  std::vector<std::vector<double>> inputs;
  std::vector<std::vector<size_t>> winners;
  size_t sample = 0;
  std::vector<double> factors;  ///< of the last convolution's values; empty: 1
};

size_t CnnReference::Numbers::size() const {
  size_t count = 0;
  for (const Layer& layer : layers) {
    count += layer.weights.size() + layer.bias.size();
  }
  return count;
}

double& CnnReference::Numbers::at(size_t index) {
  for (Layer& layer : layers) {
    for (std::vector<double>* numbers : {&layer.weights, &layer.bias}) {
      if (index < numbers->size()) {
        return (*numbers)[index];
      }
      index -= numbers->size();
    }
  }
  throw std::out_of_range("CnnReference::Numbers::at");
}

CnnReference::Numbers to_numbers(const CnnParameters& parameters) {
  CnnReference::Numbers out;
  for (const auto* layers : {&parameters.convs, &parameters.dense}) {
    for (const CnnParameters::Layer& layer : *layers) {
      out.layers.push_back(
          {{layer.weights.begin(), layer.weights.end()}, {layer.bias.begin(), layer.bias.end()}});
    }
  }
  return out;
}

CnnReference::CnnReference(const CnnShape& shape, const CnnParameters& parameters)
    : shape_(shape), parameters_(to_numbers(parameters)) {}

std::vector<double> CnnReference::forward(const SparseWindow& picture, bool drops,
                                          Maps& maps) const {
  std::vector<double> values(size_t{shape_.height} * shape_.width);
  for (const SparseValue& pixel : picture) {
    values[pixel.index] = static_cast<double>(pixel.value);
  }
  Sizes s({1, 1, 1, 0, 0, 1}, 1, shape_.height, shape_.width);
  uint32_t channels = 1;
  for (size_t l = 0; l < shape_.convs.size(); ++l) {
    const CnnConv& conv = shape_.convs[l];
    s = Sizes(conv, channels, s.pooled_h, s.pooled_w);
    const Layer& layer = parameters_.layers[l];
    std::vector<double> sums(size_t{conv.filters} * s.out_h * s.out_w);
    visit_products(conv, s, [&](uint32_t, size_t out, size_t weight, size_t in) {
      sums[out] += layer.weights[weight] * values[in];
    });
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] = std::max(0.0, sums[i] + layer.bias[i / (size_t{s.out_h} * s.out_w)]);
    }
    if (l + 1 == shape_.convs.size() && drops) {
      for (size_t i = 0; i < sums.size(); ++i) {
        const auto at = static_cast<uint32_t>(i);
        maps.factors.push_back(
            factor_(maps.sample, at / s.out_w / s.out_h, at / s.out_w % s.out_h, at % s.out_w));
        sums[i] *= maps.factors[i];
      }
    }
    maps.inputs.push_back(values);
    maps.winners.emplace_back();
    values.clear();
    for (uint32_t i = 0; i < conv.filters * s.pooled_h * s.pooled_w; ++i) {
      const size_t corner = (size_t{i / s.pooled_w / s.pooled_h} * s.out_h +
                             i / s.pooled_w % s.pooled_h * conv.pool) *
                                s.out_w +
                            i % s.pooled_w * conv.pool;
      size_t winner = corner;
      for (uint32_t sub = 0; sub < conv.pool * conv.pool; ++sub) {
        const size_t at = corner + size_t{sub / conv.pool} * s.out_w + sub % conv.pool;
        winner = sums[at] > sums[winner] ? at : winner;
      }
      values.push_back(sums[winner]);
      maps.winners.back().push_back(winner);
    }
    channels = conv.filters;
  }
  for (size_t l = shape_.convs.size(); l < parameters_.layers.size(); ++l) {
    const Layer& layer = parameters_.layers[l];
    maps.inputs.push_back(values);
    std::vector<double> out = layer.bias;
    for (size_t o = 0; o < out.size(); ++o) {
      for (size_t i = 0; i < values.size(); ++i) {
        out[o] += layer.weights[o * values.size() + i] * values[i];
      }
      if (l + 1 < parameters_.layers.size()) {
        out[o] = std::max(0.0, out[o]);
      }
    }
    values = out;
  }
  return values;
}

void CnnReference::backward(const Maps& maps, std::vector<double> gradient, Numbers& sums) const {
  for (size_t l = parameters_.layers.size(); l-- > shape_.convs.size();) {
    const std::vector<double>& inputs = maps.inputs[l];
    std::vector<double> before(inputs.size());
    for (size_t o = 0; o < gradient.size(); ++o) {
      sums.layers[l].bias[o] += gradient[o];
      for (size_t i = 0; i < inputs.size(); ++i) {
        sums.layers[l].weights[o * inputs.size() + i] += gradient[o] * inputs[i];
        before[i] += gradient[o] * parameters_.layers[l].weights[o * inputs.size() + i];
      }
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      before[i] = inputs[i] > 0 ? before[i] : 0;
    }
    gradient = before;
  }
  std::vector<std::pair<uint32_t, uint32_t>> in = shape_.pooled_sizes();
  in.insert(in.begin(), {shape_.height, shape_.width});
  for (size_t l = shape_.convs.size(); l-- > 0;) {
    const CnnConv& conv = shape_.convs[l];
    const Sizes s(conv, l > 0 ? shape_.convs[l - 1].filters : 1, in[l].first, in[l].second);
    std::vector<double> outputs(size_t{conv.filters} * s.out_h * s.out_w);
    for (size_t i = 0; i < gradient.size(); ++i) {
      const size_t winner = maps.winners[l][i];
      const bool scaled = l + 1 == shape_.convs.size() && !maps.factors.empty();
      outputs[winner] += gradient[i] * (scaled ? maps.factors[winner] : 1);
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      sums.layers[l].bias[i / (size_t{s.out_h} * s.out_w)] += outputs[i];
    }
    const std::vector<double>& inputs = maps.inputs[l];
    std::vector<double> before(inputs.size());
    visit_products(conv, s, [&](uint32_t, size_t out, size_t weight, size_t at) {
      sums.layers[l].weights[weight] += outputs[out] * inputs[at];
      before[at] += outputs[out] * parameters_.layers[l].weights[weight];
    });
    for (size_t i = 0; i < before.size(); ++i) {
      before[i] = inputs[i] > 0 ? before[i] : 0;
    }
    gradient = before;
  }
}

double CnnReference::loss(const std::vector<SparseWindow>& pictures,
                          std::span<const uint32_t> labels, std::span<const float> weights,
                          Numbers* gradient) const {
  double total = 0;
  for (size_t i = 0; i < pictures.size(); ++i) {
    total += weights.empty() ? 1 : static_cast<double>(weights[i]);
  }
  if (gradient != nullptr) {
    *gradient = to_numbers(CnnParameters::zeros(shape_));
  }
  double sum = 0;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const double share = (weights.empty() ? 1 : static_cast<double>(weights[i])) / total;
    Maps maps;
    maps.sample = i;
    std::vector<double> scores = forward(pictures[i], factor_ != nullptr, maps);
    const double score = scores[labels[i]];
    sum += share * (softmax(scores) - score);
    if (gradient != nullptr) {
      scores[labels[i]] -= 1;
      for (double& value : scores) {
        value *= share;
      }
      backward(maps, scores, *gradient);
    }
  }
  return sum;
}

std::vector<double> CnnReference::probabilities(const SparseWindow& picture) const {
  Maps maps;
  std::vector<double> scores = forward(picture, false, maps);
  softmax(scores);
  return scores;
}

SparseWindow random_picture(const CnnShape& shape, double density, const KeyedRandom& random) {
  SparseWindow picture;
  for (uint32_t i = 0; i < shape.height * shape.width; ++i) {
    if (random.uniform(2 * i) < density) {
      picture.push_back({i, static_cast<float>(1 + random.bits(2 * i + 1) % 3)});
    }
  }
  return picture;
}

}  // namespace flowmark

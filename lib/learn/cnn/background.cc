#include "learn/cnn/background.h"

#include <algorithm>

namespace flowmark {
namespace {

/// Calls visit(input class, first row of weights) for every kernel place that is not over padding.
template <typename Visit>
void visit_kernel(const CnnLayer& layer, uint32_t out_class, const Visit& visit) {
  const uint32_t kernel = layer.conv.kernel;
  const uint32_t* under_h = &layer.h.under_kernel[out_class / layer.w.out_classes * kernel];
  const uint32_t* under_w = &layer.w.under_kernel[out_class % layer.w.out_classes * kernel];
  for (uint32_t ky = 0; ky < kernel; ++ky) {
    for (uint32_t kx = 0; kx < kernel; ++kx) {
      if (under_h[ky] != CnnAxis::kPadding && under_w[kx] != CnnAxis::kPadding) {
        visit(under_h[ky] * layer.w.in_classes + under_w[kx], layer.weight_row(ky, kx));
      }
    }
  }
}

void add_all(std::vector<double>& to, const std::vector<double>& from) {
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] += from[i];
  }
}

}  // namespace

CnnClassGradient::CnnClassGradient(const CnnGeometry& geometry) : idle(cnn_padded(geometry.flat)) {
  for (const CnnLayer& layer : geometry.layers) {
    layers.push_back({std::vector<double>(layer.out_classes() * layer.filter_stride),
                      std::vector<double>(layer.window_classes() * layer.filter_stride)});
  }
}

void CnnClassGradient::clear() {
  for (Layer& layer : layers) {
    std::fill(layer.reached.begin(), layer.reached.end(), 0.0);
    std::fill(layer.taken.begin(), layer.taken.end(), 0.0);
  }
  std::fill(idle.begin(), idle.end(), 0.0F);
}

void CnnClassGradient::add(const CnnClassGradient& other) {
  for (size_t l = 0; l < layers.size(); ++l) {
    add_all(layers[l].reached, other.layers[l].reached);
    add_all(layers[l].taken, other.layers[l].taken);
  }
  for (size_t i = 0; i < idle.size(); ++i) {
    idle[i] += other.idle[i];
  }
}

CnnBackground::CnnBackground(const CnnGeometry& geometry)
    : geometry_(geometry), flat_(cnn_padded(geometry.flat)) {
  for (const CnnLayer& layer : geometry.layers) {
    Layer own;
    own.sums.resize(layer.out_classes() * layer.filter_stride);
    own.pooled.resize(layer.window_classes() * layer.filter_stride);
    own.winner.resize(own.pooled.size(), kNone);
    for (uint32_t window = 0; window < layer.window_classes(); ++window) {
      for (uint32_t sub = 0; sub < layer.subs(); ++sub) {
        own.sums_at.push_back(
            static_cast<uint32_t>(layer.out_class(window, sub) * layer.filter_stride));
      }
    }
    layers_.push_back(std::move(own));
  }
}

void CnnBackground::compute(const float* parameters) {
  for (size_t l = 0; l < layers_.size(); ++l) {
    compute_sums(l, parameters);
    compute_pooled(l);
  }
  const CnnLayer& last = geometry_.layers.back();
  for (uint32_t window = 0; window < last.windows(); ++window) {
    const float* from = pooled(layers_.size() - 1) + last.window_class(window) * last.filter_stride;
    std::copy_n(from, last.conv.filters, flat_.data() + size_t{window} * last.conv.filters);
  }
}

void CnnBackground::compute_sums(size_t l, const float* parameters) {
  const CnnLayer& layer = geometry_.layers[l];
  const float* weights = parameters + geometry_.layer_weights[l];
  const float* bias = parameters + geometry_.layer_bias[l];
  for (uint32_t out = 0; out < layer.out_classes(); ++out) {
    float* sums = layers_[l].sums.data() + out * layer.filter_stride;
    if (layer.first) {
      std::copy_n(bias, layer.filter_stride, sums);
      continue;
    }
    std::vector<double> exact(bias, bias + layer.conv.filters);
    visit_kernel(layer, out, [&](uint32_t in, size_t row) {
      const float* value = pooled(l - 1) + in * layer.channel_stride;
      for (uint32_t f = 0; f < layer.conv.filters; ++f) {
        const float* weight = weights + (row + f) * layer.channel_stride;
        float sum = 0;
        for (uint32_t c = 0; c < layer.channels; ++c) {
          sum += value[c] * weight[c];
        }
        exact[f] += sum;
      }
    });
    std::transform(exact.begin(), exact.end(), sums,
                   [](double sum) { return static_cast<float>(sum); });
  }
}

void CnnBackground::compute_pooled(size_t l) {
  const CnnLayer& layer = geometry_.layers[l];
  Layer& own = layers_[l];
  for (uint32_t window = 0; window < layer.window_classes(); ++window) {
    for (uint32_t f = 0; f < layer.conv.filters; ++f) {
      float most = 0;
      uint32_t winner = kNone;
      for (uint32_t sub = 0; sub < layer.subs(); ++sub) {
        const uint32_t out = layer.out_class(window, sub);
        const float sum = own.sums[out * layer.filter_stride + f];
        if (sum > most) {
          most = sum;
          winner = out;
        }
      }
      own.pooled[window * layer.filter_stride + f] = most;
      own.winner[window * layer.filter_stride + f] = winner;
    }
  }
}

void CnnBackground::backward(const float* parameters, const CnnClassGradient& classes,
                             float* gradient) const {
  const CnnLayer& last = geometry_.layers.back();
  std::vector<double> windows(layers_.back().pooled.size());
  for (uint32_t window = 0; window < last.windows(); ++window) {
    const float* from = classes.idle.data() + size_t{window} * last.conv.filters;
    double* to = windows.data() + last.window_class(window) * last.filter_stride;
    for (uint32_t f = 0; f < last.conv.filters; ++f) {
      to[f] += static_cast<double>(from[f]);
    }
  }
  for (size_t l = layers_.size(); l-- > 0;) {
    const CnnLayer& layer = geometry_.layers[l];
    std::vector<double> outputs = classes.layers[l].reached;
    for (size_t i = 0; i < windows.size(); ++i) {
      if (layers_[l].winner[i] != kNone) {
        outputs[layers_[l].winner[i] * layer.filter_stride + i % layer.filter_stride] += windows[i];
      }
    }
    float* bias = gradient + geometry_.layer_bias[l];
    for (uint32_t f = 0; f < layer.conv.filters; ++f) {
      double sum = 0;
      for (size_t i = f; i < outputs.size(); i += layer.filter_stride) {
        sum += outputs[i];
      }
      bias[f] += static_cast<float>(sum);
    }
    if (l > 0) {
      windows = through_weights(l, parameters, outputs, gradient);
      for (size_t i = 0; i < windows.size(); ++i) {
        windows[i] -= classes.layers[l - 1].taken[i];
      }
    }
  }
}

/// From the gradients of a convolution's outputs: adds to its weights' what the background in front
/// of it contributes, and returns the gradients of all pooled values there, by window class.
std::vector<double> CnnBackground::through_weights(size_t l, const float* parameters,
                                                   const std::vector<double>& outputs,
                                                   float* gradient) const {
  const CnnLayer& layer = geometry_.layers[l];
  const float* weights = parameters + geometry_.layer_weights[l];
  float* weight_gradient = gradient + geometry_.layer_weights[l];
  std::vector<double> windows(layers_[l - 1].pooled.size());
  for (uint32_t out = 0; out < layer.out_classes(); ++out) {
    visit_kernel(layer, out, [&](uint32_t in, size_t row) {
      const float* value = pooled(l - 1) + in * layer.channel_stride;
      double* window = windows.data() + in * layer.channel_stride;
      for (uint32_t f = 0; f < layer.conv.filters; ++f) {
        const double g = outputs[out * layer.filter_stride + f];
        const size_t at = (row + f) * layer.channel_stride;
        for (uint32_t c = 0; c < layer.channels; ++c) {
          weight_gradient[at + c] += static_cast<float>(g) * value[c];
          window[c] += g * static_cast<double>(weights[at + c]);
        }
      }
    });
  }
  return windows;
}

}  // namespace flowmark

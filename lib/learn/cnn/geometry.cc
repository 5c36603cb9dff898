#include "learn/cnn/geometry.h"

#include <algorithm>
#include <map>

namespace flowmark {
namespace {

/// Numbers equal lists alike, in order of appearance.
class Classes {
 public:
  uint32_t of(const std::vector<uint32_t>& signature) {
    const auto [found, added] = classes_.emplace(signature, classes_.size());
    if (added) {
      signatures_.insert(signatures_.end(), signature.begin(), signature.end());
    }
    return found->second;
  }
  uint32_t count() const { return static_cast<uint32_t>(classes_.size()); }
  const std::vector<uint32_t>& signatures() const { return signatures_; }

 private:
  std::map<std::vector<uint32_t>, uint32_t> classes_;
  std::vector<uint32_t> signatures_;
};

uint32_t count_of(const std::vector<uint32_t>& classes) {
  return *std::max_element(classes.begin(), classes.end()) + 1;
}

}  // namespace

CnnAxis::CnnAxis(uint32_t inputs, const CnnConv& conv, const std::vector<uint32_t>& in_class,
                 bool first_layer)
    : in(inputs), in_classes(count_of(in_class)) {
  const uint32_t out = (in + conv.pad_before + conv.pad_after - conv.kernel) / conv.stride + 1;
  pooled = out / conv.pool;
  used = pooled * conv.pool;
  for (uint32_t p = 0; p < conv.stride; ++p) {
    taps.push_back(p < conv.kernel ? (conv.kernel - p - 1) / conv.stride + 1 : 0);
  }
  margin = taps[0] - 1;
  places = std::max(used, (in - 1 + conv.pad_before) / conv.stride + 1) + margin;
  for (uint32_t i = 0; i < in; ++i) {
    phase.push_back((i + conv.pad_before) % conv.stride);
    const uint32_t last = (i + conv.pad_before) / conv.stride + margin;
    const uint32_t reached = taps[phase[i]];
    place.push_back(last + 1 - reached);
    // Of its places those that are outputs.
    const uint32_t begin = std::max(place[i], margin) - margin;
    const uint32_t end = std::min(std::max(last + 1, margin) - margin, used);
    const bool any = reached > 0 && begin < end;
    first_window.push_back(any ? begin / conv.pool : 0);
    end_window.push_back(any ? (end - 1) / conv.pool + 1 : 0);
  }
  Classes outputs;
  std::vector<uint32_t> out_class;
  for (uint32_t o = 0; o < used; ++o) {
    std::vector<uint32_t> under;
    for (uint32_t k = 0; k < conv.kernel; ++k) {
      const uint32_t i = o * conv.stride + k - conv.pad_before;  // wraps below 0
      under.push_back(i < in ? in_class[i] : first_layer ? 0 : kPadding);
    }
    out_class.push_back(outputs.of(under));
    window_of.push_back(o / conv.pool);
    place_in_window.push_back(o % conv.pool);
  }
  out_classes = outputs.count();
  under_kernel = outputs.signatures();
  Classes windows;
  for (uint32_t v = 0; v < pooled; ++v) {
    const auto begin = out_class.begin() + v * conv.pool;
    window_class.push_back(windows.of({begin, begin + conv.pool}));
  }
  window_classes = windows.count();
  in_window = windows.signatures();
}

CnnLayer::CnnLayer(const CnnConv& shape, uint32_t in_channels, const CnnAxis& rows,
                   const CnnAxis& columns)
    : conv(shape), channels(in_channels), h(rows), w(columns), first(in_channels == 0) {
  channels = std::max(channels, 1U);
  channel_stride = first ? 1 : cnn_padded(channels);
  filter_stride = cnn_padded(conv.filters);
  size_t row = 0;
  for (const uint32_t taps_h : h.taps) {
    for (const uint32_t taps_w : w.taps) {
      phase_row.push_back(row);
      phase_forward.push_back(forward_size);
      row += size_t{taps_h} * taps_w * conv.filters;
      forward_size += taps_h * channels * cnn_padded(size_t{taps_w} * conv.filters);
    }
  }
}

uint32_t CnnLayer::out_class(uint32_t window_class, uint32_t sub) const noexcept {
  const uint32_t y = h.in_window[window_class / w.window_classes * conv.pool + sub / conv.pool];
  const uint32_t x = w.in_window[window_class % w.window_classes * conv.pool + sub % conv.pool];
  return y * w.out_classes + x;
}

size_t CnnLayer::weight_row(uint32_t ky, uint32_t kx) const noexcept {
  const uint32_t ph = ky % conv.stride;
  const uint32_t pw = kx % conv.stride;
  const uint32_t tap_y = h.taps[ph] - 1 - ky / conv.stride;
  const uint32_t tap_x = w.taps[pw] - 1 - kx / conv.stride;
  return phase_row[size_t{ph} * conv.stride + pw] +
         (size_t{tap_y} * w.taps[pw] + tap_x) * conv.filters;
}

size_t CnnLayer::weight_count() const noexcept {
  const size_t places = size_t{conv.kernel} * conv.kernel;
  return first ? places * filter_stride : places * conv.filters * channel_stride;
}

CnnGeometry::CnnGeometry(const CnnShape& from) : shape(from) {
  std::vector<uint32_t> class_h(shape.height, 0);
  std::vector<uint32_t> class_w(shape.width, 0);
  uint32_t channels = 0;  // marks the first convolution
  for (const CnnConv& conv : shape.convs) {
    const bool first = channels == 0;
    const CnnAxis h(static_cast<uint32_t>(class_h.size()), conv, class_h, first);
    const CnnAxis w(static_cast<uint32_t>(class_w.size()), conv, class_w, first);
    layers.emplace_back(conv, channels, h, w);
    channels = conv.filters;
    class_h = h.window_class;
    class_w = w.window_class;
    layer_weights.push_back(parameters);
    parameters += layers.back().weight_count();
    layer_bias.push_back(parameters);
    parameters += layers.back().filter_stride;
  }
  flat = shape.flat_size();
  uint32_t inputs = static_cast<uint32_t>(flat);
  for (size_t i = 0; i <= shape.hidden.size(); ++i) {
    CnnDense layer;
    layer.inputs = inputs;
    layer.outputs = i < shape.hidden.size() ? shape.hidden[i].outputs : shape.classes;
    layer.dropout = i < shape.hidden.size() ? shape.hidden[i].dropout : 0;
    layer.stride = cnn_padded(layer.outputs);
    layer.weights = parameters;
    parameters += layer.inputs * layer.stride;
    layer.bias = parameters;
    parameters += layer.stride;
    inputs = layer.outputs;
    dense.push_back(layer);
  }
}

/// Calls visit(is it a convolution, layer, is it a weight, index in CnnParameters, index in the
/// array) for every number.
template <typename Visit>
void CnnGeometry::visit(const Visit& visit) const {
  for (size_t l = 0; l < layers.size(); ++l) {
    const CnnLayer& layer = layers[l];
    const uint32_t kernel = layer.conv.kernel;
    size_t from = 0;
    for (uint32_t f = 0; f < layer.conv.filters; ++f) {
      visit(true, l, false, size_t{f}, layer_bias[l] + f);
      for (uint32_t c = 0; c < layer.channels; ++c) {
        for (uint32_t place = 0; place < kernel * kernel; ++place) {
          const size_t at = layer.first ? place * layer.filter_stride + f
                                        : (layer.weight_row(place / kernel, place % kernel) + f) *
                                                  layer.channel_stride +
                                              c;
          visit(true, l, true, from++, layer_weights[l] + at);
        }
      }
    }
  }
  const size_t cells = layers.back().windows();
  const size_t channels = layers.back().conv.filters;
  for (size_t l = 0; l < dense.size(); ++l) {
    size_t from = 0;
    for (uint32_t out = 0; out < dense[l].outputs; ++out) {
      visit(false, l, false, size_t{out}, dense[l].bias + out);
      for (size_t in = 0; in < dense[l].inputs; ++in) {
        const size_t at = l > 0 ? in : in % cells * channels + in / cells;
        visit(false, l, true, from++, dense[l].weights + at * dense[l].stride + out);
      }
    }
  }
}

void CnnGeometry::import(const CnnParameters& from, double input_scale, float* to) const {
  std::fill_n(to, parameters, 0.0F);
  visit([&](bool conv, size_t l, bool weight, size_t index, size_t at) {
    const CnnParameters::Layer& layer = conv ? from.convs[l] : from.dense[l];
    const double scale = conv && l == 0 && weight ? input_scale : 1;
    to[at] = static_cast<float>((weight ? layer.weights : layer.bias)[index] / scale);
  });
}

CnnParameters CnnGeometry::export_from(const float* from, double input_scale) const {
  CnnParameters to = CnnParameters::zeros(shape);
  visit([&](bool conv, size_t l, bool weight, size_t index, size_t at) {
    CnnParameters::Layer& layer = conv ? to.convs[l] : to.dense[l];
    const double scale = conv && l == 0 && weight ? input_scale : 1;
    (weight ? layer.weights : layer.bias)[index] = static_cast<float>(from[at] * scale);
  });
  return to;
}

}  // namespace flowmark

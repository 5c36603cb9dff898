#include "learn/cnn/net.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>

namespace flowmark {
namespace {

/// Samples whose gradients are added up one after the other: fixed, whatever the number of threads,
/// because the order of additions decides the last bits.
constexpr size_t kChunk = 8;

/// Which of CnnDropout's random numbers are for the convolutions' outputs.
constexpr uint64_t kFlatUse = 0;

}  // namespace

CnnNet::CnnNet(const CnnShape& shape, double input_scale)
    : geometry_(shape),
      input_scale_(static_cast<float>(input_scale)),
      kernels_(default_cnn_kernels()),
      background_(geometry_),
      head_(geometry_),
      forward_weights_(geometry_.layers.size()),
      runners_([this] { return std::make_unique<CnnSampleRunner>(geometry_, background_); }) {}

void CnnNet::set_parameters(const float* parameters) {
  parameters_ = parameters;
  for (size_t l = 1; l < geometry_.layers.size(); ++l) {
    forward_copy(geometry_.layers[l], parameters + geometry_.layer_weights[l], forward_weights_[l]);
  }
  background_.compute(parameters);
}

void CnnNet::forward(const CnnBatch& batch, const CnnDropout& dropout) {
  const size_t count = batch.windows.size();
  head_.resize(count);
  samples_.resize(std::max(samples_.size(), count));
  const double share = geometry_.shape.conv_dropout;
  const CnnDropoutPlace place = geometry_.shape.dropout_place;
  const size_t group = place == CnnDropoutPlace::filters ? geometry_.layers.back().conv.filters : 0;
  const bool drops = dropout.on && share > 0;
  tbb::parallel_for(size_t{0}, count, [&](size_t i) {
    const KeyedRandom random = dropout.random.sub(kFlatUse).sub(i);
    const CnnDropDraw draw(share, random);
    const bool unpooled = drops && place == CnnDropoutPlace::unpooled;
    runners_.local()->forward(batch.windows[i], input_scale_, parameters_, forward_weights_,
                              unpooled ? &draw : nullptr, samples_[i], head_.flat(i));
    if (drops && !unpooled) {
      drop_values({head_.flat(i), geometry_.flat}, share, group, random);
    }
  });
  head_.forward(parameters_, dropout);
}

CnnScore CnnNet::evaluate(const CnnBatch& batch) {
  forward(batch, {});
  return head_.score(batch.labels, batch.weights);
}

CnnScore CnnNet::gradient(const CnnBatch& batch, const CnnDropout& dropout, float* gradient) {
  forward(batch, dropout);
  head_.backward(parameters_, batch.labels, batch.weights, gradient);
  backward(batch, dropout, gradient);
  return head_.score(batch.labels, batch.weights);
}

void CnnNet::backward(const CnnBatch& batch, const CnnDropout& dropout, float* gradient) {
  const size_t count = batch.windows.size();
  const size_t chunks = (count + kChunk - 1) / kChunk;
  while (sums_.size() < chunks) {
    sums_.push_back(std::make_unique<CnnSampleGradient>(geometry_));
  }
  const auto scale = static_cast<float>(dropout.on ? 1 / (1 - geometry_.shape.conv_dropout) : 1);
  tbb::parallel_for(size_t{0}, chunks, [&](size_t chunk) {
    sums_[chunk]->clear();
    CnnSampleRunner& runner = *runners_.local();
    for (size_t i = chunk * kChunk; i < std::min((chunk + 1) * kChunk, count); ++i) {
      float* flat = head_.flat_gradient(i);
      kernels_.gate(flat, head_.flat(i), scale, cnn_padded(geometry_.flat));
      runner.backward(samples_[i], parameters_, flat, *sums_[chunk]);
    }
  });
  const size_t convs = geometry_.dense.front().weights;
  std::fill_n(gradient, convs, 0.0F);
  tbb::parallel_for(tbb::blocked_range<size_t>(0, convs, 4096), [&](const auto& range) {
    for (size_t chunk = 0; chunk < chunks; ++chunk) {
      kernels_.add(gradient + range.begin(), sums_[chunk]->weights.data() + range.begin(),
                   range.size());
    }
  });
  for (size_t chunk = 1; chunk < chunks; ++chunk) {
    sums_[0]->classes.add(sums_[chunk]->classes);
  }
  background_.backward(parameters_, sums_[0]->classes, gradient);
}

}  // namespace flowmark

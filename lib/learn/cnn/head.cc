#include "learn/cnn/head.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

namespace flowmark {
namespace {

/// Rows of a product that one task computes: whole tiles of the kernel.
constexpr size_t kRows = 24;

void softmax_row(float* scores, size_t classes) {
  const float top = *std::max_element(scores, scores + classes);
  double sum = 0;
  for (size_t c = 0; c < classes; ++c) {
    scores[c] = std::exp(scores[c] - top);
    sum += static_cast<double>(scores[c]);
  }
  for (size_t c = 0; c < classes; ++c) {
    scores[c] = static_cast<float>(static_cast<double>(scores[c]) / sum);
  }
}

}  // namespace

void CnnScore::add(const CnnScore& other) {
  loss += other.loss;
  weight += other.weight;
  right += other.right;
  count += other.count;
}

CnnHead::CnnHead(const CnnGeometry& geometry)
    : geometry_(geometry), kernels_(default_cnn_kernels()) {
  strides_.push_back(cnn_padded(geometry.flat));
  for (const CnnDense& layer : geometry.dense) {
    strides_.push_back(layer.stride);
  }
  values_.resize(strides_.size());
  gradients_.resize(strides_.size());
}

void CnnHead::resize(size_t batch) {
  batch_ = batch;
  for (size_t i = 0; i < strides_.size(); ++i) {
    values_[i].resize(batch * strides_[i]);
    gradients_[i].resize(batch * strides_[i]);
  }
}

/// Splits a product by rows.
void CnnHead::multiply(CnnProduct task) const {
  const size_t tasks = (task.m + kRows - 1) / kRows;
  tbb::parallel_for(size_t{0}, tasks, [&](size_t i) {
    CnnProduct part = task;
    part.a += i * kRows * task.a_row;
    part.c += i * kRows * task.c_row;
    part.m = std::min(kRows, task.m - i * kRows);
    kernels_.product(part);
  });
}

void CnnHead::forward(const float* parameters, const CnnDropout& dropout) {
  dropped_ = dropout.on;
  for (size_t l = 0; l < geometry_.dense.size(); ++l) {
    const CnnDense& layer = geometry_.dense[l];
    CnnProduct task;
    task.a = values_[l].data();
    task.a_row = strides_[l];
    task.a_column = 1;
    task.b = parameters + layer.weights;
    task.b_row = layer.stride;
    task.init = parameters + layer.bias;
    task.c = values_[l + 1].data();
    task.c_row = layer.stride;
    task.m = batch_;
    task.n = layer.stride;
    task.k = layer.inputs;
    multiply(task);
    for (size_t i = 0; i < batch_; ++i) {
      const std::span<float> row(values_[l + 1].data() + i * layer.stride, layer.outputs);
      if (l + 1 == geometry_.dense.size()) {
        softmax_row(row.data(), row.size());
        continue;
      }
      for (float& value : row) {
        value = std::max(value, 0.0F);
      }
      if (dropout.on && layer.dropout > 0) {
        drop_values(row, layer.dropout, 0, dropout.random.sub(l + 1).sub(i));
      }
    }
  }
}

std::span<const float> CnnHead::probabilities(size_t sample) const {
  return {values_.back().data() + sample * strides_.back(), geometry_.shape.classes};
}

CnnScore CnnHead::score(std::span<const uint32_t> labels, std::span<const float> weights) const {
  CnnScore score;
  for (size_t i = 0; i < batch_; ++i) {
    const std::span<const float> row = probabilities(i);
    const double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
    // Below the smallest float the cross entropy is unknown but large.
    score.loss -= weight * std::log(std::max(static_cast<double>(row[labels[i]]), 1e-38));
    score.weight += weight;
    score.right += std::max_element(row.begin(), row.end()) - row.begin() == labels[i] ? 1 : 0;
    ++score.count;
  }
  return score;
}

/// The weights of a layer as [output][padded input].
void CnnHead::transpose(const CnnDense& layer, const float* weights) {
  constexpr size_t kBlock = 64;
  const size_t stride = cnn_padded(layer.inputs);
  transposed_.resize(layer.outputs * stride);
  tbb::parallel_for(size_t{0}, (stride + kBlock - 1) / kBlock, [&](size_t block) {
    const size_t end = std::min((block + 1) * kBlock, stride);
    for (size_t out = 0; out < layer.outputs; ++out) {
      for (size_t in = block * kBlock; in < end; ++in) {
        transposed_[out * stride + in] = in < layer.inputs ? weights[in * layer.stride + out] : 0;
      }
    }
  });
}

void CnnHead::weight_gradient(size_t l, float* gradient) const {
  const CnnDense& layer = geometry_.dense[l];
  CnnProduct task;
  task.a = values_[l].data();
  task.a_row = 1;
  task.a_column = strides_[l];
  task.b = gradients_[l + 1].data();
  task.b_row = layer.stride;
  task.c = gradient + layer.weights;
  task.c_row = layer.stride;
  task.m = layer.inputs;
  task.n = layer.stride;
  task.k = batch_;
  multiply(task);
  float* bias = gradient + layer.bias;
  std::fill_n(bias, layer.stride, 0.0F);
  for (size_t i = 0; i < batch_; ++i) {
    kernels_.add(bias, gradients_[l + 1].data() + i * layer.stride, layer.stride);
  }
}

void CnnHead::backward(const float* parameters, std::span<const uint32_t> labels,
                       std::span<const float> weights, float* gradient) {
  double total = 0;
  for (size_t i = 0; i < batch_; ++i) {
    total += weights.empty() ? 1 : static_cast<double>(weights[i]);
  }
  const size_t classes = geometry_.shape.classes;
  std::fill(gradients_.back().begin(), gradients_.back().end(), 0.0F);
  for (size_t i = 0; i < batch_; ++i) {
    const double share = (weights.empty() ? 1 : static_cast<double>(weights[i])) / total;
    float* row = gradients_.back().data() + i * strides_.back();
    for (size_t c = 0; c < classes; ++c) {
      const double target = c == labels[i] ? 1 : 0;
      row[c] = static_cast<float>(
          (static_cast<double>(values_.back()[i * strides_.back() + c]) - target) * share);
    }
  }
  for (size_t l = geometry_.dense.size(); l-- > 0;) {
    const CnnDense& layer = geometry_.dense[l];
    weight_gradient(l, gradient);
    transpose(layer, parameters + layer.weights);
    CnnProduct task;
    task.a = gradients_[l + 1].data();
    task.a_row = layer.stride;
    task.a_column = 1;
    task.b = transposed_.data();
    task.b_row = strides_[l];
    task.c = gradients_[l].data();
    task.c_row = strides_[l];
    task.m = batch_;
    task.n = strides_[l];
    task.k = layer.outputs;
    multiply(task);
    if (l > 0) {
      const double share = geometry_.dense[l - 1].dropout;
      const auto scale = static_cast<float>(dropped_ ? 1 / (1 - share) : 1);
      kernels_.gate(gradients_[l].data(), values_[l].data(), scale, gradients_[l].size());
    }
  }
}

}  // namespace flowmark

// The convolutional network on sparse pictures, exact and resumable.
#include <algorithm>
#include <memory>

#include "base/error.h"
#include "model/engine/cnn/cell_conv.h"
#include "model/engine/cnn/conv_cost.h"
#include "model/engine/cnn/engine.h"
#include "model/engine/cnn/pixel_conv.h"
#include "model/engine/dense_stack.h"

namespace flowmark {
namespace {

struct CnnScratch final : EngineScratch {
  std::span<const SparseValue> window;
  size_t stage = 0;  ///< 0: pixels, then the later convolutions, then the dense layers
  PixelConv::State pixels;
  std::vector<CellConv::State> cells;
  DenseStack::State dense;
  AlignedVector<uint32_t> indices;  ///< flat inputs of the first dense layer that deviate
  AlignedVector<float> deviations;
  size_t input_count = 0;
  size_t next_input = 0;
};

class CnnEngine final : public Engine {
 public:
  CnnEngine(const NetworkPlan& plan, const Kernels& kernels, Precision precision,
            LoadBudget& budget);

  std::unique_ptr<EngineScratch> make_scratch() const override;
  void begin(EngineScratch& scratch, std::span<const SparseValue> window) const noexcept override;
  bool step(EngineScratch& scratch, uint32_t work) const noexcept override;
  std::span<const float> probabilities(const EngineScratch& scratch) const noexcept override {
    const auto& own = static_cast<const CnnScratch&>(scratch);
    return std::span(own.dense.probabilities).first(dense_->classes());
  }
  uint32_t input_length() const noexcept override { return inputs_; }
  uint32_t class_count() const noexcept override { return dense_->classes(); }
  const char* kind() const noexcept override { return "cnn"; }
  Precision precision() const noexcept override { return precision_; }

 private:
  uint32_t pass_on(CnnScratch& own, const CellRow& cells) const noexcept;
  bool step_stage(CnnScratch& own, int64_t& work) const noexcept;
  bool step_dense(CnnScratch& own, int64_t& work) const noexcept;

  const Kernels& kernels_;
  Precision precision_;
  std::unique_ptr<PixelConv> pixels_;
  std::vector<std::unique_ptr<CellConv>> cells_;
  std::unique_ptr<DenseStack> dense_;
  uint32_t inputs_;
  uint32_t last_filters_ = 0;
  uint32_t last_columns_ = 0;
  size_t flat_inputs_ = 0;
};

CnnEngine::CnnEngine(const NetworkPlan& plan, const Kernels& kernels, Precision precision,
                     LoadBudget& budget)
    : kernels_(kernels),
      precision_(kernels.has_bf16() ? precision : Precision::exact),
      inputs_(plan.inputs) {
  const ConvLayer& first = plan.convs.front();
  if (first.in_channels != 1) {
    fail("the first convolution reads {} channels; a picture has 1", first.in_channels);
  }
  for (const ConvLayer& layer : plan.convs) {
    reserve_conv(layer, &layer == &first, precision_, budget);
  }
  pixels_ = std::make_unique<PixelConv>(
      first, make_geometry(first, empty_picture(first.in_h, first.in_w), budget), kernels);
  const Background* background = &pixels_->geometry().pooled;
  for (size_t i = 1; i < plan.convs.size(); ++i) {
    const ConvLayer& layer = plan.convs[i];
    cells_.push_back(std::make_unique<CellConv>(layer, make_geometry(layer, *background, budget),
                                                kernels, precision_));
    background = &cells_.back()->geometry().pooled;
  }
  const ConvLayer& last = plan.convs.back();
  last_filters_ = last.filters;
  last_columns_ = last.pool.out_w;
  flat_inputs_ = size_t{last.pool.out_h} * last.pool.out_w * last.filters;
  const auto flat_bytes = static_cast<double>(flat_inputs_) * sizeof(float);
  budget.reserve(flat_bytes, "the last convolution's output");
  budget.reserve_scratch(2 * flat_bytes, "the last convolution's output");
  std::vector<float> flat;
  flat.reserve(flat_inputs_);
  for (uint32_t y = 0; y < last.pool.out_h; ++y) {
    for (uint32_t x = 0; x < last.pool.out_w; ++x) {
      flat.insert(flat.end(), background->at(y, x), background->at(y, x) + last.filters);
    }
  }
  dense_ = std::make_unique<DenseStack>(plan, flat, kernels, budget, precision_);
}

std::unique_ptr<EngineScratch> CnnEngine::make_scratch() const {
  auto scratch = std::make_unique<CnnScratch>();
  scratch->pixels = pixels_->make_state();
  for (const auto& stage : cells_) scratch->cells.push_back(stage->make_state());
  scratch->dense = dense_->make_state();
  scratch->indices.assign(flat_inputs_ + kKernelPad, 0);
  scratch->deviations.assign(flat_inputs_ + kKernelPad, 0.0F);
  return scratch;
}

void CnnEngine::begin(EngineScratch& scratch, std::span<const SparseValue> window) const noexcept {
  auto& own = static_cast<CnnScratch&>(scratch);
  own.window = window;
  own.stage = 0;
  own.input_count = 0;
  own.next_input = 0;
  pixels_->start(own.pixels);
  for (size_t i = 0; i < cells_.size(); ++i) cells_[i]->start(own.cells[i]);
  dense_->start(own.dense);
}

/// Hands a stage's output to the next convolution, or to the dense layers.
uint32_t CnnEngine::pass_on(CnnScratch& own, const CellRow& cells) const noexcept {
  if (own.stage < cells_.size()) return cells_[own.stage]->accept(own.cells[own.stage], cells);
  for (size_t i = 0; i < cells.count; ++i) {
    if (cells.changed[i] == 0) continue;
    const uint32_t flat = (cells.row * last_columns_ + cells.columns[i]) * last_filters_;
    own.input_count += kernels_.compress(cells.deviations + i * cells.stride, last_filters_, flat,
                                         own.indices.data() + own.input_count,
                                         own.deviations.data() + own.input_count);
  }
  return static_cast<uint32_t>(cells.count * (10 + last_filters_));
}

/// One batch of the convolution under way. True when the convolutions are through.
bool CnnEngine::step_stage(CnnScratch& own, int64_t& work) const noexcept {
  const bool first = own.stage == 0;
  const size_t later = own.stage - 1;
  const CellRow cells = first ? pixels_->step(own.pixels, own.window, work)
                              : cells_[later]->step(own.cells[later], work);
  if (cells.count != 0) work -= pass_on(own, cells);
  if (first ? PixelConv::finished(own.pixels, own.window)
            : cells_[later]->finished(own.cells[later])) {
    ++own.stage;
  }
  return own.stage > cells_.size();
}

bool CnnEngine::step_dense(CnnScratch& own, int64_t& work) const noexcept {
  while (work > 0 && own.next_input < own.input_count) {
    const size_t count = std::min(dense_->batch(), own.input_count - own.next_input);
    work -= dense_->add(own.dense, own.indices.data() + own.next_input,
                        own.deviations.data() + own.next_input, count);
    own.next_input += count;
  }
  return own.next_input == own.input_count && dense_->step(own.dense, work);
}

bool CnnEngine::step(EngineScratch& scratch, uint32_t work) const noexcept {
  auto& own = static_cast<CnnScratch&>(scratch);
  int64_t left = work;
  while (left > 0 && own.stage <= cells_.size()) {
    if (step_stage(own, left)) break;
  }
  return own.stage > cells_.size() && step_dense(own, left);
}

}  // namespace

std::unique_ptr<const Engine> make_cnn_engine(const ModelPlan& plan, const Kernels& kernels,
                                              Precision precision, LoadBudget& budget) {
  const auto* network = std::get_if<NetworkPlan>(&plan);
  if (network == nullptr || network->convs.empty()) return nullptr;
  return std::make_unique<CnnEngine>(*network, kernels, precision, budget);
}

}  // namespace flowmark

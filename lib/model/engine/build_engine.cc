// The list of engines: the one place that knows which kinds there are.

#include "model/engine/build_engine.h"

#include "base/error.h"
#include "model/engine/cnn/engine.h"
#include "model/engine/dense/engine.h"
#include "model/engine/forest/engine.h"

namespace flowmark {
namespace {

using MakeEngine = std::unique_ptr<const Engine> (*)(const ModelPlan& plan, const Kernels& kernels,
                                                     Precision precision, LoadBudget& budget);
/// The first that can run a plan does.
constexpr MakeEngine kEngines[] = {
    make_cnn_engine,
    make_dense_engine,
    make_forest_engine,
};

}  // namespace

const char* to_string(Precision precision) noexcept {
  return precision == Precision::bf16 ? "bf16" : "exact";
}

std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels,
                                           Precision precision) {
  LoadBudget budget;
  return build_engine(plan, kernels, precision, budget);
}

std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels,
                                           Precision precision, LoadBudget& budget) {
  for (const MakeEngine make : kEngines) {
    if (auto engine = make(plan, kernels, precision, budget)) return engine;
  }
  fail("no engine runs such a model");
}

}  // namespace flowmark

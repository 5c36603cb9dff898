#include "bench/pipeline/bench_models.h"

#include <filesystem>
#include <random>

#include "base/error.h"
#include "feature/histogram/histogram.h"
#include "model/compile/plan.h"
#include "model/write/model_writer.h"

namespace flowmark::bench {
namespace {

const std::vector<std::string> kClasses = {"voip",     "streaming",     "chat",
                                           "browsing", "file-transfer", "p2p"};

std::vector<float> random_weights(size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 0.05F);
  std::vector<float> weights(count);
  for (float& weight : weights) weight = normal(random);
  return weights;
}

ConvLayer conv(uint32_t channels, uint32_t size, uint32_t filters, std::mt19937& random) {
  ConvLayer layer;
  layer.in_channels = channels;
  layer.in_h = layer.in_w = size;
  layer.filters = filters;
  layer.kernel_h = layer.kernel_w = 10;
  layer.stride_h = layer.stride_w = 5;
  layer.pad_top = layer.pad_left = 2;
  layer.pad_bottom = layer.pad_right = 3;
  layer.relu = true;
  layer.pool.kernel_h = layer.pool.kernel_w = layer.pool.stride_h = layer.pool.stride_w = 2;
  layer.weights = random_weights(size_t{filters} * channels * 100, random);
  layer.bias = random_weights(filters, random);
  derive_output_shape(layer);
  return layer;
}

DenseLayer dense(uint32_t inputs, uint32_t outputs, Activation activation, std::mt19937& random) {
  return {inputs, outputs, random_weights(size_t{inputs} * outputs, random),
          random_weights(outputs, random), activation};
}

// FlowPic's network (Shapira & Shavitt 2019, IV): 1500 x 1500, 309,094 + 65 m parameters.
NetworkPlan flowpic_network(uint32_t classes, std::mt19937& random) {
  NetworkPlan plan;
  plan.inputs = 1500 * 1500;
  plan.convs.push_back(conv(1, 1500, 10, random));
  plan.convs.push_back(conv(10, plan.convs[0].pool.out_h, 20, random));
  const uint32_t side = plan.convs[1].pool.out_h;
  plan.dense.push_back(dense(20 * side * side, 64, Activation::relu, random));
  plan.dense.push_back(dense(64, classes, Activation::none, random));
  return plan;
}

ActiveModel activate(const std::filesystem::path& file, std::string name) {
  ActiveModel active;
  active.name = std::move(name);
  active.model = load_model(file);
  active.class_dscp = {dscp::kExpedited, dscp::kAf31, dscp::kAf21,
                       dscp::kDefault,   dscp::kAf11, dscp::kLowerEffort};
  return active;
}

}  // namespace

void write_bench_model(const std::filesystem::path& file, BenchModel kind, uint32_t seed) {
  std::mt19937 random(seed);
  ModelDescription description;
  description.task = "category";
  description.classes = kClasses;
  if (kind == BenchModel::linear) {
    description.input = histogram({.kind = HistogramKind::combined});
    const size_t features = description.input.length();
    write_linear_model(file, description,
                       {random_weights(kClasses.size() * features, random),
                        random_weights(kClasses.size(), random)});
  } else {
    description.input = FeatureSpec{};
    write_network_model(file, description,
                        flowpic_network(static_cast<uint32_t>(kClasses.size()), random));
  }
}

ModelSet make_models(const std::string& which) {
  if (which != "both" && which != "linear" && which != "cnn" && which != "none") {
    fail("--models={}: should be both, linear, cnn or none", which);
  }
  const auto file = std::filesystem::temp_directory_path() / "flowmark-pipeline-bench.onnx";
  std::vector<ActiveModel> models;
  if (which == "both" || which == "linear") {
    write_bench_model(file, BenchModel::linear, 1);
    models.push_back(activate(file, "linear"));
  }
  if (which == "both" || which == "cnn") {
    write_bench_model(file, BenchModel::cnn, 2);
    models.push_back(activate(file, "cnn"));
  }
  std::filesystem::remove(file);
  return ModelSet(1, std::move(models));
}

}  // namespace flowmark::bench

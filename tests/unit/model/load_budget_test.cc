// Small files that ask for much: refused by what their shapes say, before they get it.
#include <sys/resource.h>

#include "model/model.h"
#include "model/onnx/model_metadata.h"
#include "model/onnx/onnx_file.h"
#include "model/write/onnx_builder.h"
#include "unit/model/model_test_util.h"

namespace flowmark {
namespace {

using namespace onnx_builder;
using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

/// The most memory that this process had so far.
long peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

class LoadBudgetTest : public ::testing::Test {
 protected:
  /// The message with which a model of these nodes is refused. Checks that little memory was taken.
  static std::string refusal(const FeatureSpec& input, std::vector<OnnxNode> nodes,
                             std::vector<OnnxTensor> constants) {
    return refusal_of(file(input, std::move(nodes), std::move(constants)));
  }
  static std::string refusal_of(const std::string& bytes) {
    const long before = peak_mb();
    std::string message = error_of([&] { load_model(bytes, "m.onnx"); });
    EXPECT_LT(peak_mb() - before, 900) << message;
    return message;
  }
  static std::string file(const FeatureSpec& input, std::vector<OnnxNode> nodes,
                          std::vector<OnnxTensor> constants,
                          std::vector<std::string> classes = {"voip", "web"}) {
    const ModelDescription description{"category", classes, input, false, "", {}};
    OnnxModel model = empty_model(description);
    model.metadata = write_metadata({"category", classes, input, false, "", {}});
    model.nodes = std::move(nodes);
    model.initializers = std::move(constants);
    model.outputs = {
        float_value(model.nodes.back().outputs.back(), {1, static_cast<int64_t>(classes.size())})};
    return serialize_onnx(model);
  }
  static OnnxNode node(const std::string& op, int number, std::vector<std::string> constants = {}) {
    OnnxNode out{op, "", op + std::to_string(number), {}, {}, {}};
    out.inputs = {number == 0 ? kInputName : "t" + std::to_string(number - 1)};
    out.inputs.insert(out.inputs.end(), constants.begin(), constants.end());
    out.outputs = {"t" + std::to_string(number)};
    return out;
  }
};

TEST_F(LoadBudgetTest, TwentyConvolutionsOnALargePicture) {
  std::vector<OnnxNode> nodes;
  for (int i = 0; i < 20; ++i) nodes.push_back(node("Conv", i, {i == 0 ? "first" : "later"}));
  nodes.push_back(node("Flatten", 20));
  nodes.push_back(node("MatMul", 21, {"dense"}));
  EXPECT_THAT(refusal(testing::picture_spec(4096, 4096), nodes,
                      {float_tensor("first", {16, 1, 1, 1}, std::vector<float>(16, 1)),
                       float_tensor("later", {16, 16, 1, 1}, std::vector<float>(256, 1)),
                       float_tensor("dense", {1, 2}, {1, 2})}),
              HasSubstr("m.onnx: node 'MatMul21' (MatMul): its weights [1, 2] do not fit"));
}

TEST_F(LoadBudgetTest, ConvolutionsWhoseMapsAreLarge) {
  std::vector<OnnxNode> nodes{node("Conv", 0, {"first"}), node("Conv", 1, {"later"})};
  OnnxNode pool = node("MaxPool", 2);
  pool.attributes = {{"kernel_shape", integers({1000, 1000})}, {"strides", integers({1000, 1000})}};
  nodes.push_back(pool);
  nodes.push_back(node("Flatten", 3));
  nodes.push_back(node("MatMul", 4, {"dense"}));
  EXPECT_THAT(refusal(testing::picture_spec(4000, 4000), nodes,
                      {float_tensor("first", {16, 1, 1, 1}, std::vector<float>(16, 1)),
                       float_tensor("later", {16, 16, 1, 1}, std::vector<float>(256, 1)),
                       float_tensor("dense", {256, 2}, std::vector<float>(512, 1))}),
              AllOf(HasSubstr("m.onnx: the convolution of 16 filters 1 x 1 over 4000 x 4000"),
                    HasSubstr("at most 768 MB are allowed (max_load_mb)")));
}

TEST_F(LoadBudgetTest, BordersInVeryManyVariants) {
  std::vector<OnnxNode> nodes;
  for (int i = 0; i < 2; ++i) {
    OnnxNode conv = node("Conv", i, {i == 0 ? "first" : "later", "bias"});
    conv.attributes = {{"pads", integers({500, 500, 500, 500})}};
    nodes.push_back(conv);
  }
  nodes.push_back(node("Flatten", 2));
  nodes.push_back(node("MatMul", 3, {"dense"}));
  EXPECT_THAT(
      refusal(testing::picture_spec(100, 100), nodes,
              {float_tensor("first", {1, 1, 600, 600}, std::vector<float>(360'000, 1)),
               float_tensor("later", {1, 1, 600, 600}, std::vector<float>(360'000, 1)),
               float_tensor("bias", {1}, {1}),
               float_tensor("dense", {902 * 902, 2}, std::vector<float>(2 * 902 * 902, 1))}),
      AllOf(HasSubstr("m.onnx: a convolution's borders"),
            HasSubstr("billion operations up to here; at most 1.0 are allowed")));
}

TEST_F(LoadBudgetTest, ATreeForManyClasses) {
  constexpr int64_t kLeaves = 1 << 20;
  std::vector<std::string> classes;
  for (int i = 0; i < 254; ++i) classes.push_back("class " + std::to_string(i));
  OnnxNode tree = node("TreeEnsembleClassifier", 0);
  tree.domain = "ai.onnx.ml";
  std::vector<int64_t> id, feature, yes, no, zeros(2 * kLeaves - 1, 0);
  for (int64_t i = 0; i < 2 * kLeaves - 1; ++i) {
    id.push_back(i);
    yes.push_back(i < kLeaves - 1 ? 2 * i + 1 : 0);
    no.push_back(i < kLeaves - 1 ? 2 * i + 2 : 0);
  }
  std::vector<std::string> modes(kLeaves - 1, "BRANCH_LEQ");
  modes.resize(2 * kLeaves - 1, "LEAF");
  tree.attributes = {{"nodes_treeids", integers(zeros)},
                     {"nodes_nodeids", integers(id)},
                     {"nodes_featureids", integers(zeros)},
                     {"nodes_truenodeids", integers(yes)},
                     {"nodes_falsenodeids", integers(no)},
                     {"nodes_values", numbers(std::vector<float>(2 * kLeaves - 1, 1))},
                     {"nodes_modes", texts(modes)},
                     {"classlabels_strings", texts(classes)},
                     {"class_treeids", integers({0})},
                     {"class_nodeids", integers({2 * kLeaves - 2})},
                     {"class_ids", integers({0})},
                     {"class_weights", numbers({1})}};
  tree.outputs = {"label", "t0"};
  const std::string bytes = file(testing::histogram_spec(2, 3), {tree}, {}, classes);
  EXPECT_THAT(refusal_of(bytes), HasSubstr("are allowed"));
}

TEST_F(LoadBudgetTest, MessagesOfTwoBytesEach) {
  const std::string bytes = file(testing::histogram_spec(2, 3), {node("Identity", 0)}, {});
  // A graph (field 7) of empty nodes (field 1): merged with the one that is there.
  std::string nodes;
  for (int i = 0; i < 4'000'000; ++i) nodes += std::string("\x0a\x00", 2);
  std::string graph = "\x3a";
  for (size_t length = nodes.size(); length != 0; length >>= 7) {
    graph += static_cast<char>((length & 0x7f) | (length >= 0x80 ? 0x80 : 0));
  }
  EXPECT_THAT(refusal_of(bytes + graph + nodes),
              AllOf(HasSubstr("m.onnx: the file's messages: loading the model would take"),
                    HasSubstr("at most 768 MB")));
}

TEST_F(LoadBudgetTest, CopiesOfALargeConstant) {
  std::vector<OnnxNode> nodes;
  for (int i = 0; i < 100; ++i) {
    OnnxNode copy{"Identity", "", "copy" + std::to_string(i), {}, {}, {}};
    copy.inputs = {i == 0 ? "large" : "c" + std::to_string(i - 1)};
    copy.outputs = {"c" + std::to_string(i)};
    nodes.push_back(copy);
  }
  nodes.push_back(node("MatMul", 0, {"c99"}));
  EXPECT_THAT(refusal(testing::histogram_spec(2, 3), nodes,
                      {float_tensor("large", {4'000'000}, std::vector<float>(4'000'000, 1))}),
              AllOf(HasSubstr("m.onnx: node 'copy"), HasSubstr("at most 768 MB are allowed")));
}

TEST_F(LoadBudgetTest, TransposesOfALargePicture) {
  std::vector<OnnxNode> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.push_back(node("Transpose", i));
    nodes.back().attributes = {{"perm", integers({0, 1, 3, 2})}};
  }
  EXPECT_THAT(refusal(testing::picture_spec(4096, 4096), nodes, {}),
              AllOf(HasSubstr("m.onnx: node 'Transpose"), HasSubstr("are allowed")));
}

TEST_F(LoadBudgetTest, LongMetadata) {
  OnnxModel model = parse_onnx(file(testing::histogram_spec(2, 3), {node("Identity", 0)}, {}));
  model.metadata["flowmark.card"] = "{\"a\":\"" + std::string(2 << 20, 'x') + "\"}";
  EXPECT_THAT(refusal_of(serialize_onnx(model)),
              HasSubstr("flowmark.card has 2097160 bytes; at most 1048576 are allowed"));
}

TEST(LoadBudget, EveryThreadThatRunsTheModelCounts) {
  LoadBudget budget({.memory_bytes = 10 << 20, .scratches = 4});
  budget.reserve(1 << 20, "the file");
  budget.reserve_scratch(2 << 20, "a layer");
  EXPECT_THAT(error_of([&] { budget.reserve_scratch(1 << 20, "another layer"); }),
              HasSubstr("another layer: loading the model would take 13 MB up to here; at most 10 "
                        "MB are allowed"));
}

TEST_F(LoadBudgetTest, ADeadlineThatHasPassedEndsTheLoad) {
  LoadOptions options;
  options.limits.deadline = std::chrono::steady_clock::now();
  const std::string bytes = file(testing::histogram_spec(2, 3), {node("Identity", 0)}, {});
  EXPECT_THAT(error_of([&] { load_model(bytes, "m.onnx", options); }),
              HasSubstr("loading has not come further in the time it has"));
}

}  // namespace
}  // namespace flowmark

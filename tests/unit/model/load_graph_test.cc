// Graphs and weights that load_model refuses, and with which words.
#include <algorithm>
#include <limits>

#include "unit/model/load_model_fixture.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

TEST_F(LoadModel, NamesTheNodeItCannotRun) {
  const auto with = [&](const std::function<void(OnnxModel&)>& change) {
    return refusal(cnn_, change);
  };
  EXPECT_THAT(with([](OnnxModel& m) { node(m, "MaxPool").op = "AveragePool"; }),
              HasSubstr("m.onnx: node 'MaxPool2' (AveragePool): this operator is not one"));
  EXPECT_THAT(with([](OnnxModel& m) { node(m, "Relu").domain = "com.example"; }),
              HasSubstr("(com.example.Relu)"));
  EXPECT_THAT(with([](OnnxModel& m) {
                node(m, "Conv").attributes["group"].type = OnnxAttribute::Type::integer;
                node(m, "Conv").attributes["group"].i = 2;
              }),
              HasSubstr("node 'Conv0' (Conv): grouped convolutions"));
  EXPECT_THAT(with([](OnnxModel& m) {
                node(m, "Conv").attributes["strides"].ints = {0, 1};
              }),
              HasSubstr("strides of 0 is not accepted"));
  EXPECT_THAT(with([](OnnxModel& m) {
                node(m, "Conv").attributes["dilations"] = node(m, "Conv").attributes["strides"];
                node(m, "Conv").attributes["dilations"].ints = {2, 2};
              }),
              HasSubstr("dilations other than 1"));
  EXPECT_THAT(with([](OnnxModel& m) { node(m, "Softmax").op = "LogSoftmax"; }),
              HasSubstr("node 'Softmax12' (LogSoftmax)"));
  EXPECT_THAT(with([](OnnxModel& m) {
                const OnnxNode branch{"Relu", "", "branch", {"Conv0.out"}, {"b"}, {}};
                m.nodes.insert(m.nodes.end() - 1, branch);
                m.nodes.back().inputs.emplace_back("b");
              }),
              HasSubstr("node 'branch' (Relu): it does not read 'Gemm11.out', the result of the "
                        "node before; only a chain is accepted"));
  EXPECT_THAT(with([](OnnxModel& m) { node(m, "Gemm").inputs[1] = "nothing"; }),
              HasSubstr("its input 'nothing' is neither a constant nor"));
  EXPECT_THAT(with([](OnnxModel& m) { m.inputs.push_back(m.inputs[0]); }),
              HasSubstr("the graph has 2 inputs; one is read"));
  EXPECT_THAT(with([](OnnxModel& m) { m.outputs.clear(); }), HasSubstr("the graph has no output"));
}

TEST_F(LoadModel, RefusesShapesThatDoNotFit) {
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.inputs[0].dims = {1, 1, 64, 32};
                      }),
              HasSubstr("input 'input' has the shape [1, 1, 64, 32]; flowmark.input makes it "
                        "[1, 1, 32, 32]"));
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.initializers[0].dims = {6, 5, 5, 1};
                      }),
              HasSubstr("node 'Conv0' (Conv): its weights [6, 5, 5, 1] do not fit its input"));
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.initializers[4].dims = {200, 240};
                      }),
              HasSubstr("node 'Gemm7' (Gemm): its weights [200, 240] do not fit its input"));
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.initializers[0].dims = {6, 1, 5, 6};
                      }),
              HasSubstr("tensor 'Conv0.weights' has 600 bytes of data; its shape needs 720"));
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.initializers[0].dims = {int64_t{1} << 40, 1, 1, 1};
                      }),
              HasSubstr("tensor 'Conv0.weights' has more than"));
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.initializers[0].dims = {-6, 1, 5, 5};
                      }),
              HasSubstr("negative dimension -6"));
  EXPECT_THAT(refusal(linear_,
                      [](OnnxModel& m) {
                        node(m, "LinearClassifier").attributes["coefficients"].floats.pop_back();
                      }),
              HasSubstr("it has 35 coefficients for 12 inputs"));
}

TEST_F(LoadModel, RefusesWeightsThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal(cnn_, [&](OnnxModel& m) { m.initializers[2].floats[7] = nan; }),
              HasSubstr("node 'Conv3' (Conv): its weights has the value nan at 7"));
  EXPECT_THAT(refusal(linear_,
                      [&](OnnxModel& m) {
                        auto& weights = node(m, "LinearClassifier").attributes["coefficients"];
                        weights.floats[0] = std::numeric_limits<float>::infinity();
                      }),
              HasSubstr("coefficients has the value inf at 0"));
  EXPECT_THAT(refusal(forest_,
                      [&](OnnxModel& m) {
                        node(m, "TreeEnsembleClassifier").attributes["nodes_values"].floats[0] =
                            nan;
                      }),
              HasSubstr("node 0 of tree 0 has the threshold nan"));
}

TEST_F(LoadModel, RefusesFiniteWeightsWhoseSumsAreNot) {
  const auto with = [&](size_t place) {
    return refusal(linear_, [place](OnnxModel& m) {
      m.metadata.erase("flowmark.golden");
      node(m, "LinearClassifier").attributes["coefficients"].floats[place] = 3e38F;
    });
  };
  for (const size_t place : {0U, 11U, 35U}) {
    EXPECT_THAT(with(place), AllOf(HasSubstr("m.onnx: for a window of the largest values class '"),
                                   HasSubstr("comes out as")))
        << place;
  }
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& m) {
                        m.metadata.erase("flowmark.golden");
                        auto& weights =
                            m.initializers[m.initializers.size() - 2].floats;  // of the last layer
                        std::ranges::fill(weights, 3e38F);
                      }),
              HasSubstr("m.onnx: for an empty window class '"));
}

TEST_F(LoadModel, RefusesForestsThatAreNone) {
  const auto with = [&](const char* attribute, const std::function<void(OnnxAttribute&)>& change) {
    return refusal(forest_, [&](OnnxModel& m) {
      change(node(m, "TreeEnsembleClassifier").attributes[attribute]);
    });
  };
  const auto ints = [](std::vector<int64_t> values) {
    return [values](OnnxAttribute& a) { a.ints = values; };
  };
  EXPECT_THAT(with("nodes_truenodeids", ints({9, 0, 0})), HasSubstr("child that does not exist"));
  EXPECT_THAT(with("nodes_truenodeids", ints({2, 0, 0})), HasSubstr("has two parents"));
  EXPECT_THAT(with("nodes_truenodeids", ints({0, 0, 0})), HasSubstr("go round in a circle"));
  EXPECT_THAT(with("nodes_featureids", ints({12, 0, 0})), HasSubstr("reads feature 12 of 12"));
  EXPECT_THAT(with("nodes_nodeids", ints({0, 1, 1})), HasSubstr("tree 0 has the node 1 twice"));
  EXPECT_THAT(with("nodes_nodeids", ints({0, 1})), HasSubstr("different lengths"));
  EXPECT_THAT(with("nodes_modes", [](OnnxAttribute& a) { a.strings[0] = "BRANCH_MEMBER"; }),
              HasSubstr("the mode 'BRANCH_MEMBER' is not known"));
  EXPECT_THAT(with("class_ids", ints({0, 1, 2, 3, 2})), HasSubstr("class_ids names class 3 of 3"));
  EXPECT_THAT(with("class_nodeids", ints({0, 1, 1, 2, 2})), HasSubstr("which is no leaf"));
  EXPECT_THAT(with("post_transform", [](OnnxAttribute& a) { a.s = "PROBIT"; }),
              HasSubstr("post_transform 'PROBIT' is not accepted"));
  EXPECT_THAT(with("class_weights", [](OnnxAttribute& a) { a.floats[0] = -1; }),
              HasSubstr("negative scores"));
  EXPECT_THAT(with("classlabels_strings", [](OnnxAttribute& a) { a.strings[1] = "other"; }),
              HasSubstr("class 1 is 'other' here and 'video' in flowmark.classes"));
}

TEST_F(LoadModel, RefusesRingsOfNodes) {
  EXPECT_THAT(refusal(forest_,
                      [](OnnxModel& m) {
                        // A second tree whose two inner nodes are each other's children.
                        auto& to = node(m, "TreeEnsembleClassifier").attributes;
                        for (const int64_t id : {0, 1}) {
                          to["nodes_treeids"].ints.push_back(1);
                          to["nodes_nodeids"].ints.push_back(id);
                          to["nodes_featureids"].ints.push_back(0);
                          to["nodes_values"].floats.push_back(1);
                          to["nodes_modes"].strings.emplace_back("BRANCH_LEQ");
                          to["nodes_truenodeids"].ints.push_back(1 - id);
                          to["nodes_falsenodeids"].ints.push_back(2 + id);
                        }
                        for (const int64_t id : {2, 3}) {
                          to["nodes_treeids"].ints.push_back(1);
                          to["nodes_nodeids"].ints.push_back(id);
                          to["nodes_featureids"].ints.push_back(0);
                          to["nodes_values"].floats.push_back(0);
                          to["nodes_modes"].strings.emplace_back("LEAF");
                          to["nodes_truenodeids"].ints.push_back(0);
                          to["nodes_falsenodeids"].ints.push_back(0);
                        }
                      }),
              HasSubstr("go round in a circle"));
}

}  // namespace
}  // namespace flowmark

// What load_model refuses, and with which words; signatures and golden windows.
#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "model/engine/build_engine.h"
#include "model/model.h"
#include "model/onnx/model_metadata.h"
#include "model/onnx/onnx_file.h"
#include "model/onnx/signature.h"
#include "unit/model/model_test_util.h"
#include "unit/model/network_maker.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

class LoadModel : public ::testing::Test {
 protected:
  LoadModel() {
    std::mt19937 random(20);
    ModelDescription cnn = describe(testing::picture_spec(32, 32), random);
    write_network_model(directory_ / "cnn.onnx", cnn, testing::lenet(32, 3, random));
    cnn_ = read_bytes(directory_ / "cnn.onnx");

    ModelDescription linear = describe(testing::histogram_spec(2, 3), random);
    write_linear_model(directory_ / "linear.onnx", linear,
                       {testing::random_floats(36, 1, random), {0, 1, 2}});
    linear_ = read_bytes(directory_ / "linear.onnx");

    ForestPlan forest;
    forest.inputs = 12;
    forest.scores = 3;
    forest.output.transform = OutputRule::Transform::none;
    forest.nodes = {{1, 0.5F, 1, 2}, {ForestPlan::kLeaf, 0, 0, 0}, {ForestPlan::kLeaf, 0, 1, 0}};
    forest.roots = {0};
    forest.leaves = {1, 0, 0, 0, 0.5F, 0.5F};
    write_forest_model(directory_ / "forest.onnx", linear, forest);
    forest_ = read_bytes(directory_ / "forest.onnx");
  }

  static ModelDescription describe(const FeatureSpec& input, std::mt19937& random) {
    ModelDescription description;
    description.task = "category";
    description.classes = {"voip", "video", "web"};
    description.input = input;
    description.golden_inputs = {{}, testing::random_window(input.length(), 10, random)};
    return description;
  }

  /// The message with which a changed model is refused.
  static std::string refusal(const std::string& bytes,
                             const std::function<void(OnnxModel&)>& change) {
    OnnxModel model = parse_onnx(bytes);
    change(model);
    return error_of([&] { load_model(serialize_onnx(model), "m.onnx"); });
  }

  static OnnxNode& node(OnnxModel& model, const std::string& op) {
    for (OnnxNode& each : model.nodes) {
      if (each.op == op) return each;
    }
    throw Error("no " + op);
  }

  testing::TestDirectory directory_;
  std::string cnn_, linear_, forest_;
};

TEST_F(LoadModel, TakesWhatTheWritersWrote) {
  for (const std::string& bytes : {cnn_, linear_, forest_}) {
    EXPECT_EQ(load_model(bytes, "m.onnx")->golden_windows, 2u);
  }
}

TEST_F(LoadModel, RefusesFilesThatAreNone) {
  EXPECT_THAT(error_of([&] { load_model(directory_ / "none.onnx"); }),
              AllOf(HasSubstr("none.onnx"), HasSubstr("no such file")));
  EXPECT_THAT(error_of([&] { load_model(directory_ / ""); }), HasSubstr("no regular file"));
  EXPECT_THAT(error_of([&] { load_model("", "m.onnx"); }), HasSubstr("m.onnx: this is no ONNX"));
  EXPECT_THAT(error_of([&] { load_model("not a model at all", "m.onnx"); }),
              HasSubstr("m.onnx: this is no ONNX"));
  EXPECT_THAT(error_of([&] { load_model(directory_ / "cnn.onnx", {.max_bytes = 1000}); }),
              HasSubstr("at most 1000 are allowed"));
}

TEST_F(LoadModel, RefusesEveryTruncation) {
  for (const std::string& bytes : {cnn_, linear_, forest_}) {
    for (size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 300) {
      EXPECT_THAT(error_of([&] { load_model(bytes.substr(0, length), "m.onnx"); }),
                  HasSubstr("m.onnx: "))
          << length;
    }
  }
}

TEST_F(LoadModel, NamesTheMetadataThatIsMissingOrWrong) {
  const auto with = [&](const std::string& key, const std::string& value) {
    return refusal(cnn_, [&](OnnxModel& model) { model.metadata[key] = value; });
  };
  for (const char* key :
       {"flowmark.version", "flowmark.task", "flowmark.classes", "flowmark.input"}) {
    EXPECT_THAT(refusal(cnn_, [&](OnnxModel& model) { model.metadata.erase(key); }),
                HasSubstr("m.onnx: metadata key '" + std::string(key) + "' is missing"));
  }
  EXPECT_THAT(with("flowmark.version", "2"), HasSubstr("flowmark.version is '2'; this program"));
  EXPECT_THAT(with("flowmark.task", "a b"), HasSubstr("flowmark.task"));
  EXPECT_THAT(with("flowmark.classes", "[\"a\","), HasSubstr("flowmark.classes is not valid JSON"));
  EXPECT_THAT(with("flowmark.classes", "{}"), HasSubstr("flowmark.classes is no JSON array"));
  EXPECT_THAT(with("flowmark.classes", "[1]"), HasSubstr("flowmark.classes: 1 is no string"));
  EXPECT_THAT(with("flowmark.classes", R"(["a","b","a"])"), HasSubstr("'a' is there twice"));
  EXPECT_THAT(refusal(cnn_,
                      [](OnnxModel& model) {
                        model.metadata.erase("flowmark.golden");
                        model.metadata["flowmark.classes"] = R"(["a","b"])";
                      }),
              HasSubstr("the graph has 3 outputs, flowmark.classes has 2 names"));
  EXPECT_THAT(with("flowmark.input", "{}"), HasSubstr("flowmark.input"));
  EXPECT_THAT(with("flowmark.multilabel", "yes"), HasSubstr("'true' or 'false' is right"));
  EXPECT_THAT(with("flowmark.multilabel", "true"), HasSubstr("it takes a Sigmoid"));
  EXPECT_THAT(with("flowmark.card", "[]"), HasSubstr("flowmark.card is no JSON object"));
  EXPECT_THAT(with("flowmark.clases", "[]"), HasSubstr("'flowmark.clases' is not known"));
  EXPECT_THAT(with("flowmark.card", std::string(100000, '[')), HasSubstr("nested too deeply"));
}

TEST_F(LoadModel, RunsTheGoldenWindows) {
  const auto with = [&](const std::string& golden) {
    return refusal(linear_, [&](OnnxModel& model) { model.metadata["flowmark.golden"] = golden; });
  };
  EXPECT_THAT(with(R"({"windows":[{"input":[],"output":[0.3,0.3,0.4]}]})"),
              AllOf(HasSubstr("golden window 0: class 'voip' comes out as"),
                    HasSubstr("the file expects 0.3 within 0.0001")));
  EXPECT_THAT(with("{}"), HasSubstr("flowmark.golden is no object with an array 'windows'"));
  EXPECT_THAT(with(R"({"windows":[{"input":[[12,1]],"output":[0,0,0]}]})"),
              HasSubstr("flowmark.golden.windows[0].input: index 12 is not below 12"));
  EXPECT_THAT(with(R"({"windows":[{"input":[[3,1],[3,1]],"output":[0,0,0]}]})"),
              HasSubstr("index 3 does not ascend"));
  EXPECT_THAT(with(R"({"windows":[{"input":[[3,"x"]],"output":[0,0,0]}]})"),
              HasSubstr("\"x\" is no number"));
  EXPECT_THAT(with(R"({"windows":[{"input":[],"output":[0,0]}]})"),
              HasSubstr("output is no array of 3 probabilities"));
  EXPECT_THAT(with(R"({"windows":[],"tolerance":2})"), HasSubstr("tolerance 2 is out of range"));
  OnnxModel model = parse_onnx(linear_);
  model.metadata.erase("flowmark.golden");
  const std::string bytes = serialize_onnx(model);
  EXPECT_EQ(load_model(bytes, "m.onnx")->golden_windows, 0u);
  EXPECT_THAT(error_of([&] { load_model(bytes, "m.onnx", {.require_golden = true}); }),
              HasSubstr("'flowmark.golden' is missing; the configuration demands a self-test"));
}

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

TEST_F(LoadModel, DemandsASignatureWhenKeysAreTrusted) {
  const SigningKeys keys = make_signing_keys(), others = make_signing_keys();
  const auto path = directory_ / "cnn.onnx";
  const LoadOptions trusting{.trusted_keys = {others.public_key, keys.public_key}};
  EXPECT_THAT(error_of([&] { load_model(path, trusting); }),
              AllOf(HasSubstr("cnn.onnx.sig"), HasSubstr("a signature is needed")));
  const auto sign = [&](const std::string& text) {
    std::ofstream(directory_ / "cnn.onnx.sig", std::ios::binary) << text;
  };
  const std::string signature = sign_model(cnn_, keys.secret_key);
  sign(signature + "\n");
  EXPECT_EQ(load_model(path, trusting)->task, "category");
  EXPECT_EQ(
      load_model(cnn_, "m", {.trusted_keys = {keys.public_key}, .signature = signature})->sha256,
      sha256_hex(cnn_));
  EXPECT_THAT(error_of([&] { load_model(path, {.trusted_keys = {others.public_key}}); }),
              HasSubstr("not of any of the 1 trusted keys"));
  EXPECT_THAT(error_of([&] { load_model(path, {.trusted_keys = {"abc"}}); }),
              HasSubstr("trusted key 'abc' is no base64 of 32 bytes"));
  sign("nonsense");
  EXPECT_THAT(error_of([&] { load_model(path, trusting); }),
              HasSubstr("neither 64 raw bytes nor base64"));
  sign(signature);
  std::ofstream(path, std::ios::binary | std::ios::app) << "x";
  EXPECT_THAT(error_of([&] { load_model(path, trusting); }), HasSubstr("or the file was changed"));
}

TEST_F(LoadModel, KnownHash) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/// Later steps walk through JSON by recursion: nothing nested deeply may get that far.
TEST(ModelMetadataTest, RefusesDeepNesting) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::map<std::string, std::string> good{
      {"flowmark.version", "1"},
      {"flowmark.task", "t"},
      {"flowmark.classes", R"(["a","b"])"},
      {"flowmark.input", R"({"kind":"size_iat"})"},
      {"flowmark.card", R"({"confidence":{"threshold":0.75}})"}};
  EXPECT_EQ(read_metadata(good).confidence, 0.75F);
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"flowmark.card", "{\"a\":" + deep + "}"},
                                          {"flowmark.golden", "{\"windows\":" + deep + "}"},
                                          {"flowmark.classes", deep},
                                          {"flowmark.input", "{\"kind\":" + deep + "}"}}) {
    auto bad = good;
    bad[key] = value;
    EXPECT_THAT(
        error_of([&] { read_metadata(bad); }),
        HasSubstr(key == "flowmark.input" ? "nested more than 8 deep" : "nested too deeply"))
        << key;
  }
  auto bad = good;
  bad["flowmark.card"] = R"({"confidence":{"threshold":1.5}})";
  EXPECT_THAT(error_of([&] { read_metadata(bad); }), HasSubstr("0 to 1 is right"));
}

TEST_F(LoadModel, TakesTheOpenSetRuleOfForestsOnly) {
  const auto with = [](const std::string& bytes, const std::string& thresholds) {
    OnnxModel model = parse_onnx(bytes);
    model.metadata["flowmark.card"] = R"({"open_set":{"thresholds":)" + thresholds + "}}";
    return serialize_onnx(model);
  };
  const std::string good = R"({"voip":0.25,"video":0.5,"web":0})";
  const auto model = load_model(with(forest_, good), "m.onnx");
  EXPECT_THAT(model->most_disagreement, ::testing::ElementsAre(0.25F, 0.5F, 0.0F));
  const auto refused = [&](const std::string& bytes, const std::string& thresholds) {
    return error_of([&] { load_model(with(bytes, thresholds), "m.onnx"); });
  };
  EXPECT_THAT(refused(linear_, good), HasSubstr("m.onnx: flowmark.card: open_set.thresholds are "
                                                "for forests of one label"));
  EXPECT_THAT(refused(forest_, "[1,2,3]"), HasSubstr("is no object of numbers by class"));
  EXPECT_THAT(refused(forest_, R"({"voip":1,"web":1})"), HasSubstr("class 'video' is missing"));
  EXPECT_THAT(refused(forest_, R"({"voip":-1,"video":1,"web":1})"),
              HasSubstr("open_set.thresholds.voip -1 is out of range; 0 or more is right"));
  EXPECT_THAT(refused(forest_, R"({"voip":"x","video":1,"web":1})"), HasSubstr("is no number"));
}

TEST_F(LoadModel, AWindowAboveTheThresholdOfItsLikeliestClassIsUnfamiliar) {
  Model model;
  ForestPlan plan;  // the first of three trees contradicts the others where feature 0 is above 0.5
  plan.inputs = 1;
  plan.scores = 2;
  plan.output.transform = OutputRule::Transform::none;
  plan.nodes = {{0, 0.5F, 1, 2},
                {ForestPlan::kLeaf, 0, 0, 0},
                {ForestPlan::kLeaf, 0, 1, 0},
                {ForestPlan::kLeaf, 0, 0, 0}};
  plan.roots = {0, 3, 3};
  plan.leaves = {1, 0, 0, 1};
  model.engine = build_engine(plan, default_kernels());
  const auto scratch = model.engine->make_scratch();
  const auto is_unfamiliar_at = [&](float value) {
    const SparseWindow window{{0, value}};
    model.engine->run(*scratch, window);
    return is_unfamiliar(model, *scratch);
  };
  EXPECT_FALSE(is_unfamiliar_at(1)) << "there is no rule";
  model.most_disagreement = {0.3F, 0.0F};
  EXPECT_FALSE(is_unfamiliar_at(0.1F));
  EXPECT_TRUE(is_unfamiliar_at(1)) << "one of three trees contradicts: 0.64 nats";
  model.most_disagreement = {0.7F, 0.0F};
  EXPECT_FALSE(is_unfamiliar_at(1)) << "the threshold of the likeliest class counts";
}

}  // namespace
}  // namespace flowmark

// What load_model says of a file: its bytes, metadata, golden windows and signature.
#include <algorithm>
#include <limits>

#include "model/engine/build_engine.h"
#include "model/onnx/model_metadata.h"
#include "model/onnx/signature.h"
#include "unit/model/load_model_fixture.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace flowmark

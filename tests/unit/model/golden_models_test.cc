// Model files made with other tools; their golden answers come from PyTorch, scikit-learn and ONNX
// Runtime (tests/golden/model/make_models.py).
#include <algorithm>

#include "model/model.h"
#include "unit/model/model_test_util.h"

namespace flowmark {
namespace {

std::vector<std::string> golden_files() {
  std::vector<std::string> names;
  const std::filesystem::path folder = FLOWMARK_SOURCE_DIR "/tests/golden/model";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenModels : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenModels, AnswersAsTheOtherToolDid) {
  const auto path = std::filesystem::path(FLOWMARK_SOURCE_DIR "/tests/golden/model") / GetParam();
  const auto model = load_model(path, {.require_golden = true});
  EXPECT_GE(model->golden_windows, 4u);
  const std::string& name = GetParam();
  const std::string kind = model->engine->kind();
  if (name.starts_with("torch_") || name.starts_with("keras_")) {
    EXPECT_EQ(kind, "cnn");
  } else if (name.starts_with("trees_") || name.starts_with("sklearn_forest")) {
    EXPECT_EQ(kind, "forest");
  } else if (name.starts_with("sklearn_perceptron")) {
    EXPECT_EQ(kind, "mlp");
  } else {
    EXPECT_EQ(kind, "linear");
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenModels, ::testing::ValuesIn(golden_files()),
                         [](const auto& tested) {
                           return std::filesystem::path(tested.param).stem().string();
                         });

TEST(GoldenModels, AllAreThere) {
  EXPECT_GE(golden_files().size(), 25u);
}

}  // namespace
}  // namespace flowmark

#include "runtime/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ClassFaultsTest : public ::testing::Test {
 protected:
  void add_model(const std::vector<std::string>& classes, bool marks = true) {
    ModelSettings model;
    model.name = "m" + std::to_string(settings_.models.size());
    model.path = folder_.path() / (model.name + ".onnx");
    model.marks = marks;
    testing::write_constant_model(model.path, 0, classes);
    settings_.models.push_back(model);
  }
  std::vector<std::string> faults() const {
    return class_faults(settings_, *load_models(settings_, 1));
  }

  testing::TemporaryFolder folder_;
  Settings settings_;
};

TEST_F(ClassFaultsTest, AMapThatFitsHasNone) {
  add_model({"voip", "mine"});
  add_model({"vpn", "tor"});
  settings_.marking.classes["mine"] = Dscp{10};
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(ClassFaultsTest, AClassThatNoModelHasIsNamedWithThoseThereAre) {
  add_model({"voip", "streaming"});
  settings_.marking.classes["viop"] = Dscp{46};
  EXPECT_THAT(faults(), ElementsAre(AllOf(StartsWith("marking.classes.viop: "),
                                          HasSubstr("streaming, voip"))));
}

TEST_F(ClassFaultsTest, AMapThatNoMarkingModelFitsIsNamed) {
  add_model({"vpn", "tor"});
  add_model({"voip", "chat"}, false);
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("nothing would be marked")));
  settings_.models[0].marks = false;
  EXPECT_THAT(faults(), IsEmpty()) << "nothing is meant to be marked";
  settings_.models[0].marks = true;
  settings_.marking.mode = MarkMode::report;
  EXPECT_THAT(faults(), IsEmpty()) << "nor here";
  settings_.marking.mode = MarkMode::always;
  settings_.marking.classes["tor"] = std::nullopt;  // "keep" is an answer, too
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(ClassFaultsTest, WithoutModelsThereIsNothingToCompare) {
  settings_.marking.classes["viop"] = Dscp{46};
  EXPECT_THAT(faults(), IsEmpty());
}

}  // namespace
}  // namespace flowmark

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "model/compile/plan.h"

namespace flowmark {

/// What every model file says of itself (flowmark.* of metadata_props).
struct ModelDescription {
  std::string task;
  std::vector<std::string> classes;
  FeatureSpec input;
  bool multilabel = false;
  std::string card;                         ///< JSON object text or empty
  std::vector<SparseWindow> golden_inputs;  ///< windows to store with our outputs as self-test
};

/// A multinomial linear model: scores = weights * x + intercepts, probabilities = softmax(scores),
/// or the logistic function of each score if multilabel. Naive Bayes (multinomial) is of this form.
struct LinearParameters {
  std::vector<float> weights;     ///< [class][feature], row-major
  std::vector<float> intercepts;  ///< [class]
};

/// Writes an ai.onnx.ml LinearClassifier that ONNX Runtime opens (outputs `label`,
/// `probabilities`). The file is replaced by rename. Throws Error.
void write_linear_model(const std::filesystem::path& path, const ModelDescription& description,
                        const LinearParameters& parameters);

/// Scores that are quadratic in every feature by itself: linear * x + squared * x^2 + intercepts;
/// probabilities = softmax(scores). Gaussian naive Bayes is of this form.
struct QuadraticParameters {
  std::vector<float> linear;      ///< [class][feature], row-major
  std::vector<float> squared;     ///< [class][feature]
  std::vector<float> intercepts;  ///< [class]
};

/// Writes Mul (the input by itself), Concat, Gemm, Softmax. Histograms only. The file is replaced
/// by rename. Throws Error.
void write_quadratic_model(const std::filesystem::path& path, const ModelDescription& description,
                           const QuadraticParameters& parameters);

/// Writes a network: Conv, Relu, MaxPool, Flatten, Gemm, activations and a final Softmax (Sigmoid
/// if multilabel; plan.output is not read). Throws Error.
void write_network_model(const std::filesystem::path& path, const ModelDescription& description,
                         const NetworkPlan& plan);

/// Writes a TreeEnsembleClassifier that adds the leaf scores of its trees: one score a class, e.g.
/// the share of the class in the leaf divided by the number of trees. Of plan.output only
/// `transform` is read: softmax, logistic (multi-label) or none. No node may have two parents.
/// Throws Error.
void write_forest_model(const std::filesystem::path& path, const ModelDescription& description,
                        const ForestPlan& plan);

}  // namespace flowmark

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "feature/feature_spec.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// A model file, read, checked and compiled (docs/models.md). Immutable.
struct Model {
  std::string path;
  std::string sha256;  ///< of the file, hex
  std::string task;    ///< flowmark.task
  std::vector<std::string> classes;
  FeatureSpec input;
  bool multilabel = false;
  std::string card;                 ///< flowmark.card, JSON text; may be empty
  std::optional<float> confidence;  ///< the card's: below it the model had better keep silent
  /// Of a multi-label model, one a class: above it the label is said to be there.
  std::vector<float> label_thresholds;
  /// By class, of Engine::disagreement(): above it a window that is likeliest of the class
  /// resembles none. Empty: the model has no such rule.
  std::vector<float> most_disagreement;
  uint32_t golden_windows = 0;  ///< how many golden windows the self-test ran
  uint64_t parameters = 0;
  std::unique_ptr<const Engine> engine;
};

/// Whether the window whose result is ready in `scratch` resembles no class that the model knows
/// (docs/adr/0032-open-set.md). Such an answer is for no class, whatever its probabilities. Any
/// thread; allocates nothing.
bool is_unfamiliar(const Model& model, const EngineScratch& scratch) noexcept;

struct LoadOptions {
  static constexpr uint64_t kDefaultMaxBytes = 256ull << 20;
  uint64_t max_bytes = kDefaultMaxBytes;
  LoadBudget::Limits limits{};  ///< of memory and work, whatever the file's size
  bool require_golden = false;
  /// Ed25519 public keys (base64, 32 bytes). If not empty, FILE.sig must hold a valid signature.
  std::vector<std::string> trusted_keys{};
  /// Wished for; Engine::precision says what the engine has (docs/models.md).
  Precision precision = Precision::exact;
  /// What FILE.sig would hold, for models from memory.
  std::string signature{};
};

/// Reads and checks a model file. Throws Error: "FILE: ..." naming the node, the key and the
/// reason.
std::shared_ptr<const Model> load_model(const std::filesystem::path& path,
                                        const LoadOptions& options = {});

/// The same from memory; `name` stands for the file in messages.
std::shared_ptr<const Model> load_model(std::string_view bytes, const std::string& name,
                                        const LoadOptions& options = {});

}  // namespace flowmark

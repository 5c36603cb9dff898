#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "feature/histogram/histogram.h"
#include "model/write/model_writer.h"

namespace flowmark::testing {

/// A folder of its own for one test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "flowmark-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// A linear model file that always answers the class `winner`.
inline void write_constant_model(const std::filesystem::path& path, size_t winner,
                                 std::vector<std::string> classes = {"voip", "streaming"}) {
  ModelDescription description;
  description.task = "category";
  description.classes = std::move(classes);
  description.input = histogram({.kind = HistogramKind::size_iat, .window_packets = 64});
  description.card = R"({"class_shares":{"voip":0.25,"streaming":0.75}})";
  LinearParameters parameters;
  parameters.weights.assign(description.classes.size() * description.input.length(), 0.0F);
  parameters.intercepts.assign(description.classes.size(), 0.0F);
  parameters.intercepts[winner] = 5.0F;
  write_linear_model(path, description, parameters);
}

}  // namespace flowmark::testing

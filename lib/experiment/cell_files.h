#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace flowmark {

/// The finished cells of an experiment, one file each in a folder `cells`: an interrupted
/// experiment goes on from them.
class CellFiles {
 public:
  /// Makes the folder. Throws Error when it cannot.
  explicit CellFiles(const std::filesystem::path& folder);

  /// A cell's result, if it is of the same data and options (`digest`). What is not ours or damaged
  /// is not there.
  std::optional<nlohmann::ordered_json> read(const std::string& id, uint64_t digest) const;
  /// Replaced by rename. Throws Error.
  void write(const std::string& id, uint64_t digest, const nlohmann::ordered_json& result) const;

 private:
  std::filesystem::path file_of(const std::string& id) const;

  std::filesystem::path cells_;
};

}  // namespace flowmark

#include "experiment/cell_files.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "report/html.h"

namespace flowmark {

using Json = nlohmann::ordered_json;

CellFiles::CellFiles(const std::filesystem::path& folder) : cells_(folder / "cells") {
  std::error_code error;
  std::filesystem::create_directories(cells_, error);
  if (error) {
    fail("{}: cannot be made: {}", cells_.string(), error.message());
  }
}

std::filesystem::path CellFiles::file_of(const std::string& id) const {
  std::string name;
  for (const char letter : id) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
    name += letter == '/' ? "."
            : plain       ? std::string(1, letter)
                          : fmt::format("%{:02x}", static_cast<unsigned char>(letter));
  }
  return cells_ / (name + ".json");
}

std::optional<Json> CellFiles::read(const std::string& id, uint64_t digest) const {
  std::ifstream file(file_of(id));
  if (!file) {
    return std::nullopt;
  }
  try {
    const Json json = Json::parse(file);
    if (json.at("digest") == fmt::format("{:016x}", digest)) {
      return json.at("result");
    }
  } catch (const nlohmann::json::exception&) {
    // Not ours or damaged: it is computed again and replaced.
  }
  return std::nullopt;
}

void CellFiles::write(const std::string& id, uint64_t digest, const Json& result) const {
  const Json json{{"digest", fmt::format("{:016x}", digest)}, {"result", result}};
  write_text_file(file_of(id), json.dump(1) + "\n");
}

}  // namespace flowmark

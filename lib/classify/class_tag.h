#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace flowmark {

/// A number for the name of a model and of one of its classes. It is the same in every model set,
/// so that what is counted by it goes on when models are replaced.
using ClassTag = uint32_t;
inline constexpr ClassTag kNoTag = 0;  ///< no class

/// A 32-bit hash (FNV-1a). Any thread.
ClassTag class_tag(std::string_view model, std::string_view class_name) noexcept;

struct ClassName {
  std::string model;
  std::string name;
};

/// What tags mean.
using ClassNames = std::map<ClassTag, ClassName>;

}  // namespace flowmark

#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "classify/class_tag.h"
#include "classify/host_groups.h"
#include "classify/host_usage.h"

namespace flowmark {

/// Which hosts `ctl hosts` tells of.
struct HostQuestion {
  size_t most = 20;
  std::string class_name;  ///< only hosts that used this class, ordered by its bytes; empty: by all
};

/// The hosts with the most bytes, as a JSON array: the uses of all workers added up by host and
/// class. A host is named with the first of the `groups` that has it.
nlohmann::ordered_json host_report(const std::vector<HostUse>& uses, const HostQuestion& question,
                                   const std::vector<HostGroup>& groups, const ClassNames& names);

}  // namespace flowmark

#include "daemon/flowmarkd/mark_matrix.h"

#include <nlohmann/json.hpp>

#include "mark/dscp.h"

namespace flowmark {

nlohmann::ordered_json mark_matrix(const Totals& totals, const std::vector<std::string>& ports) {
  auto out = nlohmann::ordered_json::array();
  for (size_t p = 0; p < ports.size() && p < kMaxPorts; ++p) {
    auto cells = nlohmann::ordered_json::array();
    for (size_t cell = 0; cell < totals.ports[p].dscp_changes.size(); ++cell) {
      const uint64_t packets = totals.ports[p].dscp_changes[cell].get();
      if (packets == 0) continue;
      const auto received = static_cast<Dscp>(cell / kDscps);
      const auto sent = static_cast<Dscp>(cell % kDscps);
      cells.push_back({{"received", dscp_name(received)},
                       {"sent", dscp_name(sent)},
                       {"received_dscp", received},
                       {"sent_dscp", sent},
                       {"packets", packets}});
    }
    out.push_back({{"port", ports[p]}, {"packets", std::move(cells)}});
  }
  return out;
}

}  // namespace flowmark

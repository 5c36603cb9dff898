#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actuator/flow_tuple.h"
#include "mark/dscp.h"

namespace flowmark {

/// The format of the stream that this program reads: `"format"` of the line "hello".
inline constexpr uint64_t kStreamFormat = 1;

/// What an actuator needs of one line of the stream of verdicts.
struct StreamLine {
  enum class Kind : uint8_t {
    hello,  ///< the connection begins; what lives follows
    mark,   ///< a flow's class or mark
    end,    ///< a flow has ended
    live,   ///< what lived has been told; `count` flows
    lost,   ///< `count` lines did not reach this reader
    other,  ///< a type that a later version may add
  };

  Kind kind = Kind::other;
  FlowTuple flow;                   ///< of mark and end
  std::optional<Dscp> dscp;         ///< of mark: towards the WAN; none where the flow has no mark
  std::optional<Dscp> dscp_to_lan;  ///< of mark: towards the LAN
  std::string class_name;           ///< of mark: empty where the flow has no class
  bool snapshot = false;            ///< of mark: the flow lived before the connection
  uint64_t count = 0;               ///< of live and lost
};

/// Reads one line, without its line end. Unknown fields are ignored. Throws Error that names the
/// field, its value and what would be right; also for a hello of another format.
StreamLine parse_stream_line(std::string_view text);

}  // namespace flowmark

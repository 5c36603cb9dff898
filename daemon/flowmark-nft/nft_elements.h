#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "actuator/flow_tuple.h"
#include "actuator/mark_layout.h"

namespace flowmark {

/// What the maps say of a flow.
enum class NftValue : uint8_t {
  mark,  ///< a packet mark, laid out by a MarkLayout
  dscp,  ///< a jump to the chain dscp_NUMBER, which writes the DSCP into the packet
};

/// An element of a map as the kernel has it.
struct NftElement {
  std::optional<Dscp> dscp;  ///< none: a value that is not ours
  uint32_t expires_s = 0;    ///< seconds left
};
using NftElements = std::unordered_map<FlowTuple, NftElement>;

/// Elements of the maps in nft's language. A key is the flow as the stream names it: source
/// address, destination address, protocol, source port, destination port.
class NftLanguage {
 public:
  /// `table`: family and name, "inet flowmark". Throws UsageError if it is neither.
  NftLanguage(std::string table, NftValue value, const MarkLayout& layout);

  const std::string& table() const noexcept { return table_; }
  NftValue value() const noexcept { return value_; }
  /// "flows4" or "flows6": the map that holds flows of this IP version.
  static const char* map_of(const FlowTuple& flow);
  /// Commands that make the table, and a map.
  std::string make_table() const;
  std::string make_map(const std::string& map, size_t size) const;
  /// Commands that make the chain of a DSCP and its rules.
  std::string make_chain(Dscp dscp) const;
  static std::string chain_name(Dscp dscp);
  /// "10.0.0.1 . 10.0.0.2 . 17 . 5004 . 6000".
  static std::string key(const FlowTuple& flow);
  /// The key with its timeout and value.
  std::string element(const FlowTuple& flow, Dscp dscp, uint32_t timeout_s) const;
  /// Throws Error if the listing of `map` in JSON says that it has other keys or values.
  void check_map(const std::string& map, const std::string& json) const;
  /// Adds what a map's listing in JSON holds. Throws Error if it is no such listing.
  void read_listing(const std::string& json, NftElements& elements) const;

 private:
  const char* value_type() const noexcept { return value_ == NftValue::mark ? "mark" : "verdict"; }

  std::string table_;
  NftValue value_;
  MarkLayout layout_;
};

}  // namespace flowmark

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

/// The table and its maps in nft's language, and what nft says of their elements. A key is the flow
/// as the stream names it: source address, destination address, protocol, source port, destination
/// port.
class NftLanguage {
 public:
  /// `table`: family and name, "inet flowmark". Throws UsageError if it is neither.
  NftLanguage(std::string table, NftValue value, const MarkLayout& layout);

  const std::string& table() const noexcept { return table_; }
  /// The table's family as the kernel numbers it (NFPROTO_...), and its name alone.
  uint16_t family() const noexcept { return family_; }
  const std::string& table_name() const noexcept { return table_name_; }
  NftValue value() const noexcept { return value_; }
  const MarkLayout& layout() const noexcept { return layout_; }
  /// Commands that make the table, and a map.
  std::string make_table() const;
  std::string make_map(const std::string& map, size_t size) const;
  /// Commands that make the chain of a DSCP and its rules.
  std::string make_chain(Dscp dscp) const;
  static std::string chain_name(Dscp dscp);
  /// Throws Error if the listing of `map` in JSON says that it has other keys or values.
  void check_map(const std::string& map, const std::string& json) const;
  /// Adds what a map's listing in JSON holds. Throws Error if it is no such listing.
  void read_listing(const std::string& json, NftElements& elements) const;

 private:
  const char* value_type() const noexcept { return value_ == NftValue::mark ? "mark" : "verdict"; }

  std::string table_;
  std::string table_name_;
  uint16_t family_ = 0;
  NftValue value_;
  MarkLayout layout_;
};

}  // namespace flowmark

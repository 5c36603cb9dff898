#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "actuator/flow_tuple.h"
#include "daemon/flowmark-nft/nft_elements.h"

struct nftnl_set;

namespace flowmark {

/// Changes of the maps' elements as the messages of one nfnetlink transaction: all of them happen
/// or none. libnftnl encodes them, because libnftables would read each element as text. One thread.
class NftTransaction {
 public:
  /// `language` names the table and says what a value is.
  explicit NftTransaction(const NftLanguage& language);

  void remove(const FlowTuple& flow);
  /// With an element that is there, the kernel refuses the transaction unless it is removed too.
  void add(const FlowTuple& flow, Dscp dscp, uint32_t timeout_s);
  /// What was removed and then what was added, ready for Netlink::request. Elements' messages are
  /// to be acknowledged.
  std::vector<uint8_t> messages() const;

 private:
  struct Free {
    void operator()(nftnl_set* map) const noexcept;
  };
  using Elements = std::unique_ptr<nftnl_set, Free>;

  /// Of one map, named as `language` says.
  Elements make_elements(const char* map) const;

  const NftLanguage& language_;
  std::array<Elements, 2> removed_;  ///< IPv4, IPv6
  std::array<Elements, 2> added_;
};

}  // namespace flowmark

#pragma once

#include "base/keyed_random.h"
#include "flow/recorded_flow.h"

namespace flowmark {

/// What differs between the network that a flow was recorded in and another that the same program
/// may be seen in. Sizes are IP total lengths, bytes.
struct NetworkChange {
  double speed = 1;           ///< all times since the flow's first packet are divided by it
  size_t seen_from = 0;       ///< so many packets had passed before anybody looked
  double acks_thinned = 0;    ///< share of pure acknowledgements that are gone: filters, offload
  uint16_t mtu = UINT16_MAX;  ///< longer packets are cut to it
  uint16_t options = 0;       ///< taken from packets of TCP: options that others do not send
};

/// A copy of the flow as another network would show it; name, label and attributes stay.
RecordedFlow change_network(const RecordedFlow& flow, const NetworkChange& how,
                            const KeyedRandom& random);

/// Random amounts: half of the flows 0.4 to 2.5 times as fast, a quarter seen from the 2nd to the
/// 1000th packet on (of the first half), half with up to all acknowledgements gone, half with an
/// MTU of 1280 to 1500, a third without the 12 bytes of TCP timestamps.
NetworkChange random_network(const RecordedFlow& flow, const KeyedRandom& random);

}  // namespace flowmark

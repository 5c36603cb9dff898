#pragma once

#include "flow/recorded_flow.h"

namespace flowmark {

/// For recordings that hold sizes and times alone: finds TCP by the sizes of its handshake. A flow
/// that begins with one gets `transport` "tcp", and its packets that are nothing but a header (with
/// up to three blocks of selective acknowledgements, RFC 2018) are pure acknowledgements. Any other
/// flow gets "udp". A flow whose transport is known, or of whose packets one is marked, stays as it
/// is. For recordings that hold each flow from its first packet on: TCP caught midway is taken for
/// UDP. Segments that end a connection count as acknowledgements too.
void infer_tcp(RecordedFlow& flow);

}  // namespace flowmark

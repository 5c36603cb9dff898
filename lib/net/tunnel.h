#pragma once

#include "net/dissect.h"

namespace flowmark {

/// The tunnel that an IP protocol number or a pair of UDP ports announces, if it is asked for, else
/// Step::done.
Step step_of_protocol(const Dissection& d) noexcept;
Step step_of_udp(const ParseOptions& options, uint16_t source, uint16_t destination) noexcept;

Step read_gre(Dissection& d) noexcept;      ///< RFC 2784, RFC 2890; version 1: RFC 2637 (PPTP)
Step read_vxlan(Dissection& d) noexcept;    ///< RFC 7348
Step read_geneve(Dissection& d) noexcept;   ///< RFC 8926
Step read_gtpu(Dissection& d) noexcept;     ///< 3GPP TS 29.281
Step read_teredo(Dissection& d) noexcept;   ///< RFC 4380, authentication and origin before IPv6
Step read_gue(Dissection& d) noexcept;      ///< draft-ietf-intarea-gue, versions 0 and 1
Step read_etherip(Dissection& d) noexcept;  ///< RFC 3378

// Mirrored frames (draft-foschiano-erspan; type I has no header of its own; TaZmen Sniffer
// Protocol).
Step read_erspan2(Dissection& d) noexcept;
Step read_erspan3(Dissection& d) noexcept;
Step read_tzsp(Dissection& d) noexcept;

}  // namespace flowmark

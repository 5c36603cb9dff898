#pragma once

#include <cstdint>

namespace flowmark {

// IANA protocol numbers that the parser tells apart.
inline constexpr uint8_t kProtoHopByHop = 0;
inline constexpr uint8_t kProtoIcmp = 1;
inline constexpr uint8_t kProtoIp4 = 4;
inline constexpr uint8_t kProtoTcp = 6;
inline constexpr uint8_t kProtoUdp = 17;
inline constexpr uint8_t kProtoDccp = 33;
inline constexpr uint8_t kProtoIp6 = 41;
inline constexpr uint8_t kProtoRouting = 43;
inline constexpr uint8_t kProtoFragment = 44;
inline constexpr uint8_t kProtoGre = 47;
inline constexpr uint8_t kProtoEsp = 50;
inline constexpr uint8_t kProtoAh = 51;
inline constexpr uint8_t kProtoIcmpV6 = 58;
inline constexpr uint8_t kProtoNone = 59;
inline constexpr uint8_t kProtoDestination = 60;
inline constexpr uint8_t kProtoEtherIp = 97;
inline constexpr uint8_t kProtoL2tp = 115;
inline constexpr uint8_t kProtoSctp = 132;
inline constexpr uint8_t kProtoUdpLite = 136;
inline constexpr uint8_t kProtoMpls = 137;
inline constexpr uint8_t kProtoShim6 = 140;

// TCP flags (RFC 9293, 3.1).
inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpAck = 0x10;

// UDP ports of the tunnels.
inline constexpr uint16_t kPortL2tp = 1701;
inline constexpr uint16_t kPortGtpu = 2152;
inline constexpr uint16_t kPortTeredo = 3544;
inline constexpr uint16_t kPortVxlan = 4789;
inline constexpr uint16_t kPortGue = 6080;
inline constexpr uint16_t kPortGeneve = 6081;
inline constexpr uint16_t kPortMpls = 6635;
inline constexpr uint16_t kPortVxlanLinux = 8472;  ///< Linux' default from before the assignment
inline constexpr uint16_t kPortTzsp = 37008;

}  // namespace flowmark

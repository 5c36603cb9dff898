#include "daemon/flowmark-conntrack/conntrack_entry.h"

#include <arpa/inet.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cstring>

#include "base/error.h"
#include "daemon/netlink/netlink.h"

namespace flowmark {
namespace {

constexpr int kChangeEntry = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
constexpr size_t kLargestRequest = 512;  // an IPv6 tuple and the mark take 136 bytes

IpAddress mapped(uint32_t wire) {
  IpAddress address{};
  address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 12, &wire, sizeof wire);
  return address;
}

IpAddress ipv6_attribute(const nf_conntrack* entry, nf_conntrack_attr name) {
  IpAddress address{};
  std::memcpy(address.data(), nfct_get_attr(entry, name), address.size());
  return address;
}

struct SideNames {
  nf_conntrack_attr ipv4_source, ipv4_destination, ipv6_source, ipv6_destination;
  nf_conntrack_attr source_port, destination_port, protocol;
};
constexpr SideNames kOriginal{ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_SRC,
                              ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST,
                              ATTR_ORIG_L4PROTO};
constexpr SideNames kReply{ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_SRC,
                           ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST,
                           ATTR_REPL_L4PROTO};

FlowTuple side(const nf_conntrack* entry, const SideNames& names) {
  FlowTuple tuple;
  tuple.protocol = nfct_get_attr_u8(entry, names.protocol);
  if (nfct_get_attr_u8(entry, ATTR_ORIG_L3PROTO) == AF_INET) {
    tuple.source = mapped(nfct_get_attr_u32(entry, names.ipv4_source));
    tuple.destination = mapped(nfct_get_attr_u32(entry, names.ipv4_destination));
  } else {
    tuple.source = ipv6_attribute(entry, names.ipv6_source);
    tuple.destination = ipv6_attribute(entry, names.ipv6_destination);
  }
  tuple.source_port = ntohs(nfct_get_attr_u16(entry, names.source_port));
  tuple.destination_port = ntohs(nfct_get_attr_u16(entry, names.destination_port));
  return tuple;
}

bool has_both_sides(const nf_conntrack* entry) {
  const bool ipv4 = nfct_attr_is_set(entry, ATTR_ORIG_IPV4_SRC) > 0 &&
                    nfct_attr_is_set(entry, ATTR_REPL_IPV4_SRC) > 0;
  const bool ipv6 = nfct_attr_is_set(entry, ATTR_ORIG_IPV6_SRC) > 0 &&
                    nfct_attr_is_set(entry, ATTR_REPL_IPV6_SRC) > 0;
  return ipv4 || ipv6;
}

}  // namespace

std::optional<ConntrackEntry> parse_entry(const nlmsghdr& message) {
  const std::unique_ptr<nf_conntrack, decltype(&nfct_destroy)> entry(nfct_new(), nfct_destroy);
  if (!entry || nfct_nlmsg_parse(&message, entry.get()) < 0 || !has_both_sides(entry.get())) {
    return std::nullopt;
  }
  ConntrackEntry result{side(entry.get(), kOriginal), side(entry.get(), kReply),
                        nfct_get_attr_u32(entry.get(), ATTR_MARK)};
  if (!has_ports(result.original)) return std::nullopt;
  return result;
}

std::array<FlowTuple, 4> names_of(const ConntrackEntry& entry) {
  return {entry.original, reversed(entry.reply), entry.reply, reversed(entry.original)};
}

MarkRequests::MarkRequests(uint32_t mask) : mask_(mask), ipv4_(nfct_new()), ipv6_(nfct_new()) {
  if (ipv4_ == nullptr || ipv6_ == nullptr) fail("no memory for a conntrack entry");
  nfct_set_attr_u8(ipv4_, ATTR_L3PROTO, AF_INET);
  nfct_set_attr_u8(ipv6_, ATTR_L3PROTO, AF_INET6);
}

MarkRequests::~MarkRequests() {
  nfct_destroy(ipv4_);
  nfct_destroy(ipv6_);
}

void MarkRequests::append(std::vector<uint8_t>& messages, const FlowTuple& tuple, uint32_t value) {
  const bool v4 = is_ipv4(tuple.source);
  nf_conntrack* entry = v4 ? ipv4_ : ipv6_;
  if (v4) {
    nfct_set_attr(entry, ATTR_IPV4_SRC, tuple.source.data() + 12);
    nfct_set_attr(entry, ATTR_IPV4_DST, tuple.destination.data() + 12);
  } else {
    nfct_set_attr(entry, ATTR_IPV6_SRC, tuple.source.data());
    nfct_set_attr(entry, ATTR_IPV6_DST, tuple.destination.data());
  }
  nfct_set_attr_u8(entry, ATTR_L4PROTO, tuple.protocol);
  nfct_set_attr_u16(entry, ATTR_PORT_SRC, htons(tuple.source_port));
  nfct_set_attr_u16(entry, ATTR_PORT_DST, htons(tuple.destination_port));
  nfct_set_attr_u32(entry, ATTR_MARK, value);

  const size_t at = messages.size();
  messages.resize(at + kLargestRequest);
  const auto family = static_cast<uint8_t>(v4 ? AF_INET : AF_INET6);
  nlmsghdr& header = Netlink::begin_message(messages.data() + at, kChangeEntry, NLM_F_ACK, family);
  if (nfct_nlmsg_build(&header, entry) < 0) fail("no request for {}", to_string(tuple));
  // libnetfilter_conntrack writes the mark alone: with the mask the kernel changes our bits only.
  mnl_attr_put_u32(&header, CTA_MARK_MASK, htonl(mask_));
  messages.resize(at + NLMSG_ALIGN(header.nlmsg_len));
}

}  // namespace flowmark

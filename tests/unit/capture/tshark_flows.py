#!/usr/bin/env python3
"""Counts the conversations of a capture by what tshark says of its packets: an independent check of
the parser. Prints one line a conversation, in order of first packets, the first sender first:
name, packets and bytes of the first sender, packets and bytes of the other."""
import ipaddress
import subprocess
import sys

NAMES = {1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre",
         50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 103: "pim", 112: "vrrp", 115: "l2tp",
         132: "sctp", 136: "udplite"}
PORTS = {6: "tcp", 17: "udp", 132: "sctp"}
EXTENSIONS = {"ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "ipv6.fraghdr", "ipv6.shim6"}
UPPER_OF_IP6 = {"tcp": 6, "udp": 17, "icmpv6": 58, "esp": 50, "ah": 51, "ipv6": 41, "sctp": 132}
FIELDS = """frame.protocols ip.src ip.dst ip.proto ip.len ip.id ip.frag_offset ip.flags.mf ipv6.src
    ipv6.dst ipv6.plen ipv6.fraghdr.ident ipv6.fraghdr.offset ipv6.fraghdr.nxt tcp.srcport
    tcp.dstport udp.srcport udp.dstport sctp.srcport sctp.dstport""".split()


def outermost(f):
    """Addresses, protocol, length and fragment (identification, offset, more) of the first header."""
    layers = f["frame.protocols"].split(":")
    version = next((layer for layer in layers if layer in ("ip", "ipv6")), None)
    if version == "ip" and f["ip.src"]:
        fragment = (f["ip.id"], int(f["ip.frag_offset"] or 0), f["ip.flags.mf"] in ("1", "True"))
        protocol = int(f["ip.proto"])
        return f["ip.src"], f["ip.dst"], protocol, int(f["ip.len"]), fragment
    if version == "ipv6" and f["ipv6.src"]:
        rest = [x for x in layers[layers.index("ipv6") + 1:] if x not in EXTENSIONS]
        protocol = UPPER_OF_IP6.get(rest[0], -1) if rest else 59
        identification = f["ipv6.fraghdr.ident"]
        fragment = (identification, int(f["ipv6.fraghdr.offset"] or "0", 0), bool(identification))
        if identification and fragment[1]:
            protocol = int(f["ipv6.fraghdr.nxt"])
        return f["ipv6.src"], f["ipv6.dst"], protocol, int(f["ipv6.plen"]) + 40, fragment
    return None


def endpoints(f, first_fragments):
    found = outermost(f)
    if found is None:
        return None
    source, destination, protocol, length, (identification, offset, more) = found
    name = PORTS.get(protocol)
    ports = (f[name + ".srcport"], f[name + ".dstport"]) if name else ("", "")
    packet = (source, destination, identification)
    if offset > 0:
        ports, protocol = first_fragments.get((*packet, protocol), (("", ""), protocol))
    elif more:
        first_fragments[(*packet, protocol)] = (ports, protocol)
    ends = [(ipaddress.ip_address(a).packed, int(p or 0), text(a, p))
            for a, p in zip((source, destination), ports)]
    return NAMES.get(protocol, str(protocol)), ends, length


def text(address, port):
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def main(capture):
    command = ["tshark", "-n", "-r", capture, "-o", "ip.defragment:FALSE", "-o",
               "ipv6.defragment:FALSE", "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS:
        command += ["-e", field]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    flows, first_fragments = {}, {}
    for line in lines:
        found = endpoints(dict(zip(FIELDS, line.split("\t"))), first_fragments)
        if found is None:
            continue
        protocol, ends, length = found
        flow = flows.setdefault((protocol, *sorted(ends)), {"ends": ends, "count": [0, 0, 0, 0]})
        back = 2 if ends[0] != flow["ends"][0] else 0
        flow["count"][back] += 1
        flow["count"][back + 1] += length
    for (protocol, *_), flow in flows.items():
        print(protocol, flow["ends"][0][2], flow["ends"][1][2], *flow["count"])


main(sys.argv[1])

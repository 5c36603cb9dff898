#!/usr/bin/env python3
"""Writes encapsulation.txt and fabric.txt: frames of the tunnels of mirrors, carriers and gateways
and of the tags of switches and fabrics, built from their specifications, and what the parser must
say of them. With --seeds FOLDER also one seed of the parse fuzzer for each frame.

The expected offsets follow from the lengths of the layers put together here, not from the parser.
"""

import argparse
import ipaddress
import pathlib
import re
import struct

FOLDER = pathlib.Path(__file__).parent
LINKS = ["ethernet", "raw_ip", "linux_sll", "linux_sll2", "bsd_loopback", "ppp", "dsa", "dsa_before"]
TUNNELS = ["vxlan", "gre", "geneve", "gtpu", "ipip", "erspan", "tzsp", "teredo", "gue", "mpls",
           "l2tp", "etherip"]
ADDRESSES = "020000000001" "020000000002"
OUTER, INNER = ("198.51.100.1", "198.51.100.2"), ("10.0.0.1", "192.0.2.7")
INNER6 = ("2001:db8::1", "2001:db8:0:1::2")


class Layer:
    """A name for people and bytes; IP headers get their lengths once what follows is known."""

    def __init__(self, name, data, ip=None):
        self.name, self.data, self.ip = name, data, ip


def raw(name, text):
    return Layer(name, bytes.fromhex(text.replace(" ", "")))


def ethernet(ethertype):
    return raw("ethernet", ADDRESSES + ethertype)


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(protocol, hosts=OUTER, traffic_class=0):
    return Layer("ipv4", None, {"version": 4, "protocol": protocol, "hosts": hosts,
                                "class": traffic_class})


def ipv6(protocol, hosts=INNER6, traffic_class=0):
    return Layer("ipv6", None, {"version": 6, "protocol": protocol, "hosts": hosts,
                                "class": traffic_class})


def udp(source, destination):
    return Layer("udp", None, {"ports": (source, destination)})


INSIDE = [ipv4(17, INNER), udp(1000, 2000)]
INSIDE6 = [ipv6(17), udp(1000, 2000)]
NAMES = {1: "icmp", 47: "gre", 97: "97", 115: "l2tp", 137: "137"}


def finish(layers):
    """The bytes of each layer, its lengths filled in from the last to the first."""
    behind, done = b"", []
    for layer in reversed(layers):
        data = layer.data
        if data is None and "ports" in layer.ip:
            data = struct.pack(">HHHH", *layer.ip["ports"], 8 + len(behind), 0)
        elif data is None:
            hosts = b"".join(ipaddress.ip_address(h).packed for h in layer.ip["hosts"])
            if layer.ip["version"] == 4:
                head = struct.pack(">BBHHHBBH", 0x45, layer.ip["class"], 20 + len(behind), 0x1234,
                                   0x4000, 64, layer.ip["protocol"], 0) + hosts
                data = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
            else:
                data = struct.pack(">IHBB", 6 << 28 | layer.ip["class"] << 20, len(behind),
                                   layer.ip["protocol"], 64) + hosts
        behind = data + behind
        done.insert(0, data)
    return done


def key(ip, ports):
    if ports is None:
        return f"{NAMES[ip['protocol']]} {ip['hosts'][0]} {ip['hosts'][1]}"
    texts = [f"{h}:{p}" if ":" not in h else f"[{h}]:{p}" for h, p in zip(ip["hosts"], ports)]
    return f"udp {texts[0]} {texts[1]}"


def expectation(layers, parts, inside):
    """The flow of the last IP header (`inside`) or of the first; all sources are the smaller end."""
    at, headers = 0, []
    for layer, part in zip(layers, parts):
        if layer.ip and "version" in layer.ip:
            headers.append((layer, at, len(part)))
        at += len(part)
    if not headers:
        return "status=not_ip"
    first, (layer, l3, size) = headers[0], headers[-1 if inside else 0]
    position = layers.index(layer)
    follower = layers[position + 1] if position + 1 < len(layers) else None
    ports = follower.ip.get("ports") if follower and follower.ip else None
    return (f'status=ok key="{key(layer.ip, ports)}" from_a=1 length={at - l3} mark={first[1]} '
            f'l3={l3} l4={l3 + size} version={first[0].ip["version"]} '
            f'class=0x{first[0].ip["class"]:02x} flags=0x00 ack=0')


def grouped(data):
    text = data.hex()
    return " ".join(text[i:i + 8] for i in range(0, len(text), 8))


class Table:
    def __init__(self, name, title):
        self.path = FOLDER / name
        self.lines = [f"# {title} Made by make_encapsulations.py; the format is explained in README.md."]
        self.seeds = []

    def case(self, name, layers, tunnels=(), inside=True, link="ethernet", expect=None):
        parts = finish(layers)
        self.lines += ["", f"case {name}", f"link {link}"]
        if tunnels:
            self.lines.append("options " + " ".join("inside_" + t for t in tunnels))
        for layer, part in zip(layers, parts):
            for i in range(0, len(part), 32):
                label = layer.name if i == 0 else "..."
                self.lines.append(f"bytes {label:<12} | {grouped(part[i:i + 32])}")
        self.lines.append("expect " + (expect or expectation(layers, parts, inside)))
        bits = sum(1 << TUNNELS.index(t) for t in tunnels)
        head = bytes([LINKS.index(link) | bits >> 8 << 4, bits & 0xff, 0])
        self.seeds.append((re.sub(r"[^A-Za-z0-9]", "-", name), head + b"".join(parts)))

    def both(self, name, layers, tunnel):
        """Inside when asked for; outside when all others are asked for."""
        self.case(name, layers, [tunnel])
        self.case(name + ", not asked for", layers, [t for t in TUNNELS if t != tunnel], False)

    def write(self, seeds):
        self.path.write_text("\n".join(self.lines) + "\n")
        for name, data in self.seeds if seeds else []:
            if "not asked for" not in name and "not-asked-for" not in name:
                (pathlib.Path(seeds) / name).write_bytes(data)


def mirrors(t):
    outer = [ethernet("0800"), ipv4(47, traffic_class=0x28)]
    frame = [ethernet("0800"), *INSIDE]
    t.both("erspan type 1", [*outer, raw("gre", "0000 88be"), *frame], "erspan")
    second = [*outer, raw("gre", "1000 88be 00000001"), raw("erspan", "1001 0001 00000000")]
    t.both("erspan type 2", [*second, *frame], "erspan")
    t.case("erspan type 2 with arp in it", [*second, ethernet("0806"), raw("arp", "00" * 28)],
           ["erspan"], False)
    t.case("erspan type 2 of another version",
           [*outer, raw("gre", "1000 88be 00000001"), raw("erspan", "2001 0001 00000000"), *frame],
           ["erspan"], False)
    third = [*outer, raw("gre", "1000 22eb 00000001")]
    t.both("erspan type 3", [*third, raw("erspan", "2001 0001 00000000 00000000"), *frame], "erspan")
    t.case("erspan type 3 with a platform's words, a vlan in it",
           [*third, raw("erspan", "2001 0001 00000000 00000001"), raw("platform", "00" * 8),
            ethernet("8100"), raw("vlan", "0005 0800"), *INSIDE], ["erspan"])
    t.case("erspan type 3 with an ip packet",
           [*third, raw("erspan", "2001 0001 00000000 00000800"), *INSIDE6], ["erspan"])
    t.case("erspan does not open other gre", [*outer, raw("gre", "0000 0800"), *INSIDE], ["erspan"],
           False)
    tzsp = [ethernet("0800"), ipv4(17), udp(40000, 37008)]
    t.both("tzsp", [*tzsp, raw("tzsp", "01 00 0001"), raw("end", "01"), *frame], "tzsp")
    t.case("tzsp with tags", [*tzsp, raw("tzsp", "01 01 0001"), raw("tags", "00 0a 01 c4 29 04 00000005 01"),
                              *frame], ["tzsp"])
    t.case("tzsp keep-alive", [*tzsp, raw("tzsp", "01 04 0000")], ["tzsp"], False)
    t.case("tzsp with 802.11", [*tzsp, raw("tzsp", "01 00 0012"), raw("end", "01"), raw("802.11", "00" * 30)],
           ["tzsp"], False)
    t.case("tzsp whose tags do not end", [*tzsp, raw("tzsp", "01 00 0001"), raw("tags", "00" * 20)],
           ["tzsp"], False)


def carriers(t):
    def over_udp(source, destination):
        return [ethernet("0800"), ipv4(17), udp(source, destination)]

    auth = raw("auth", "0001 02 03 aabb ccddee 0102030405060708 00")
    origin = raw("origin", "0000 1234 c6336407")
    t.both("teredo", [*over_udp(3544, 3545), *INSIDE6], "teredo")
    t.case("teredo with an origin", [*over_udp(40000, 3544), origin, *INSIDE6], ["teredo"])
    t.case("teredo with authentication", [*over_udp(40000, 3544), auth, *INSIDE6], ["teredo"])
    t.case("teredo with both", [*over_udp(40000, 3544), auth, origin, *INSIDE6], ["teredo"])
    t.case("no ipv6 on the teredo port", [*over_udp(40000, 3544), raw("payload", "0101" + "00" * 40)],
           ["teredo"], False)
    t.both("gue with ipv4", [*over_udp(40000, 6080), raw("gue", "00 04 0000"), *INSIDE], "gue")
    t.case("gue with ipv6 and options", [*over_udp(40000, 6080), raw("gue", "02 29 0000"),
                                         raw("options", "00" * 8), *INSIDE6], ["gue"])
    t.case("gue version 1, ipv4 alone", [*over_udp(40000, 6080), *INSIDE], ["gue"])
    t.case("gue with mpls", [*over_udp(40000, 6080), raw("gue", "00 89 0000"),
                             raw("mpls", "00011140"), *INSIDE], ["gue"])
    t.case("gue with ethernet", [*over_udp(40000, 6080), raw("gue", "00 61 0000"),
                                 raw("etherip", "3000"), ethernet("0800"), *INSIDE], ["gue"])
    t.case("gue control", [*over_udp(40000, 6080), raw("gue", "20 01 0000"), *INSIDE], ["gue"], False)
    t.both("mpls in udp", [*over_udp(6635, 6635), raw("mpls", "00011140"), *INSIDE], "mpls")
    t.case("mpls in udp, two labels, ipv6", [*over_udp(40000, 6635), raw("mpls", "00010040 00011140"),
                                            *INSIDE6], ["mpls"])
    t.case("mpls in ip", [ethernet("0800"), ipv4(137), raw("mpls", "00011140"), *INSIDE], ["mpls"])
    t.both("etherip", [ethernet("0800"), ipv4(97), raw("etherip", "3000"), ethernet("0800"), *INSIDE],
           "etherip")
    t.case("etherip in ipv6", [ethernet("86dd"), ipv6(97, traffic_class=0xb8), raw("etherip", "3000"),
                               ethernet("86dd"), *INSIDE6], ["etherip"])
    t.case("etherip of another version", [ethernet("0800"), ipv4(97), raw("etherip", "4000"),
                                          ethernet("0800"), *INSIDE], ["etherip"], False)


def l2tp(t):
    def over_udp():
        return [ethernet("0800"), ipv4(17), udp(1701, 40000)]

    ppp = raw("ppp", "ff03 0021")
    t.both("l2tp version 2", [*over_udp(), raw("l2tp", "0002 0001 0002"), ppp, *INSIDE], "l2tp")
    t.case("l2tp version 2 with length, numbers and padding",
           [*over_udp(), raw("l2tp", "4a02 0000 0001 0002 0003 0004 0004"), raw("padding", "00" * 4),
            raw("ppp", "0057"), *INSIDE6], ["l2tp"])
    t.case("l2tp version 2 control", [*over_udp(), raw("l2tp", "c802 000c 0001 0002 0003 0004")],
           ["l2tp"], False)
    t.case("l2tp version 2 with too much padding",
           [*over_udp(), raw("l2tp", "0202 0001 0002 ffff"), ppp, *INSIDE], ["l2tp"], False)
    third = [*over_udp(), raw("l2tp", "0003 0000 00000007")]
    t.both("l2tp version 3 in udp, ethernet", [*third, ethernet("0800"), *INSIDE], "l2tp")
    t.case("l2tp version 3 in udp, ip", [*third, *INSIDE], ["l2tp"])
    t.case("l2tp version 3 in udp, control", [*over_udp(), raw("l2tp", "c803 000c 00000007 0003 0004")],
           ["l2tp"], False)
    in_ip = [ethernet("0800"), ipv4(115), raw("l2tp", "00000007")]
    t.both("l2tp version 3 in ip, ethernet", [*in_ip, ethernet("0800"), *INSIDE], "l2tp")
    t.case("l2tp version 3 in ip, sublayer", [*in_ip, raw("sublayer", "00000000"), ethernet("86dd"),
                                             *INSIDE6], ["l2tp"])
    t.case("l2tp version 3 in ip, cookie", [*in_ip, raw("cookie", "a1b2c3d4 e5f60718"),
                                           ethernet("8100"), raw("vlan", "0005 0800"), *INSIDE], ["l2tp"])
    t.case("l2tp version 3 in ip, cookie and sublayer",
           [*in_ip, raw("cookie", "a1b2c3d4 e5f60718"), raw("sublayer", "40000001"), ethernet("0800"),
            *INSIDE], ["l2tp"])
    t.case("l2tp version 3 in ip, nothing that is known",
           [*in_ip, raw("payload", "01" * 60)], ["l2tp"], False)
    t.case("l2tp version 3 in ip, control", [ethernet("0800"), ipv4(115), raw("l2tp", "00000000"),
                                             raw("control", "c803 0014")], ["l2tp"], False)


def nested(t):
    t.case("a mirrored frame of a fabric with gue in it",
           [ethernet("0800"), ipv4(47), raw("gre", "1000 88be 00000001"),
            raw("erspan", "1001 0001 00000000"), ethernet("893f"), raw("e-tag", "00000001 0000 0800"),
            ipv4(17), udp(40000, 6080), raw("gue", "00 04 0000"), *INSIDE], ["erspan", "gue"])
    t.case("l2tp in teredo in tzsp",
           [ethernet("0800"), ipv4(17), udp(40000, 37008), raw("tzsp", "01 00 0001 01"),
            ethernet("0800"), ipv4(17), udp(40000, 3544), ipv6(17), udp(40000, 1701),
            raw("l2tp", "0002 0001 0002"), raw("ppp", "0021"), *INSIDE], ["tzsp", "teredo", "l2tp"])


def fabrics(t):
    tags = {"vn-tag": ("8926", "80010002"), "e-tag": ("893f", "000000010000"),
            "cisco metadata": ("8909", "010100010001"), "marvell edsa": ("dada", "0000 c0100000"),
            "nsh": ("894f", ""),
            "fabricpath": ("8903", "1841"), "pbb": ("88e7", "00000001")}
    for name, (ethertype, tag) in tags.items():
        head = [ethernet(ethertype)]
        whole = name in ("fabricpath", "pbb")
        for family, inside in (("0800", INSIDE), ("86dd", INSIDE6)):
            wrapped = [raw(name, tag), ethernet(family)] if whole else [raw(name, tag + family)]
            if name == "nsh":
                following = "01" if family == "0800" else "02"
                wrapped = [raw(name, f"0fc6 01{following} 000001ff" + "00" * 16)]
            t.case(f"{name}, {inside[0].name}", [*head, *wrapped, *inside])
    nsh = ethernet("894f")
    t.case("nsh with ethernet", [nsh, raw("nsh", "0fc2 0203 000001ff"), ethernet("0800"), *INSIDE])
    t.case("nsh in nsh", [nsh, raw("nsh", "0fc2 0204 000001ff"), raw("nsh", "0fc2 0201 000001ff"),
                          *INSIDE])
    t.case("nsh with mpls", [nsh, raw("nsh", "0fc2 0205 000001ff"), raw("mpls", "00011140"), *INSIDE])
    t.case("nsh shorter than its header", [nsh, raw("nsh", "0fc1 0201 000001ff"), *INSIDE],
           expect="status=malformed")
    t.case("nsh of another version", [nsh, raw("nsh", "4fc2 0201 000001ff"), *INSIDE],
           expect="status=malformed")
    t.case("pbb behind a backbone vlan, a vlan in it",
           [ethernet("88a8"), raw("vlan", "0005 88e7"), raw("pbb", "00000001"), ethernet("8100"),
            raw("vlan", "0006 0800"), *INSIDE])


def switches(t):
    addresses = raw("addresses", ADDRESSES)
    for link, kind in (("ethernet", "ethernet"), ("dsa", "its own link type")):
        t.case(f"broadcom tag to the switch, {kind}", [addresses, raw("tag", "20000001 0800"), *INSIDE],
               link=link)
        t.case(f"broadcom tag from the switch, {kind}", [addresses, raw("tag", "00000005 86dd"), *INSIDE6],
               link=link)
        t.case(f"marvell dsa tag, forwarded, {kind}", [addresses, raw("tag", "c0080005 0800"), *INSIDE],
               link=link)
        t.case(f"marvell dsa tag and a vlan, {kind}", [addresses, raw("tag", "c0080005 8100"),
                                                      raw("vlan", "0005 0800"), *INSIDE], link=link)
    t.case("broadcom tag before the addresses", [raw("tag", "20000001"), ethernet("0800"), *INSIDE],
           link="dsa_before")
    t.case("an unknown ethertype with something like ip that does not fit",
           [addresses, raw("tag", "20000001 0800"), raw("no ip", "45000100" + "00" * 24)],
           expect="status=not_ip")
    t.case("spanning tree", [addresses, raw("llc", "0026 424203" + "00" * 35)], expect="status=not_ip")


def loopbacks(t):
    for family, name in ((22, "hp-ux"), (23, "windows"), (24, "openbsd"), (26, "solaris"),
                         (28, "freebsd"), (30, "darwin"), (10, "linux")):
        for order, end in (("<", "little"), (">", "big")):
            t.case(f"ipv6 of {name}, {end} endian",
                   [Layer("family", struct.pack(order + "I", family)), *INSIDE6], link="bsd_loopback")
    t.case("an ethertype in place of the family", [raw("family", "00000800"), *INSIDE],
           link="bsd_loopback")
    t.case("ipx, with the number that is ipv6 on windows",
           [raw("family", "17000000"), raw("ipx", "ffff" + "00" * 40)], link="bsd_loopback",
           expect="status=not_ip")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", help="folder of the parse fuzzer's corpus")
    seeds = arguments.parse_args().seeds
    tunnels = Table("encapsulation.txt", "Tunnels of mirrors, carriers and gateways.")
    for part in (mirrors, carriers, l2tp, nested):
        part(tunnels)
    tunnels.write(seeds)
    links = Table("fabric.txt", "Tags of switches and fabrics, loopback families.")
    for part in (fabrics, switches, loopbacks):
        part(links)
    links.write(seeds)


if __name__ == "__main__":
    main()

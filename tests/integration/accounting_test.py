#!/usr/bin/env python3
"""What a source has sent = what has arrived + what counters show as lost, to the packet, over each of
DPDK's software ports that carries packets: af_packet, af_xdp, tap, memif, ring, null."""

import os
import re
import struct
import unittest

import inline_test
import ports_rig
import rig
from inline_test import LAN, WAN, ip
from ports_rig import statistic

SOL_PACKET, PACKET_STATISTICS = 263, 6
SENT = 20_000
RING = "blocksz=65536,framesz=2048,framecnt=1024"
JUMBO_RING = "blocksz=65536,framesz=16384,framecnt=256"


def af_packet(number, device, ring=RING):
    return "net_af_packet%d,iface=%s,%s" % (number, device, ring)


def frames(mtu):
    """UDP packets from the shortest to as long as the MTU takes, of several flows, some of them
    fragments, and frames that are no IP."""
    lengths = [length for length in (28, 46, 68, 200, 576, 1280, 1500, 4000, 9000) if length <= mtu]
    out = []
    for i in range(64):
        frame = bytearray(rig.ipv4_udp(LAN, WAN, 1000 + i % 7, 5004, lengths[i % len(lengths)]))
        if i % 5 == 0:
            frame[20:22] = b"\x20\x00" if i % 2 else b"\x00\x03"  # more fragments, or an offset
            frame[24:26] = b"\0\0"
            frame[24:26] = rig.checksum(bytes(frame[14:34])).to_bytes(2, "big")
        if i % 11 == 0:
            frame[12:14] = b"\x88\xb5"
        out.append(bytes(frame))
    return out


def lost(summary):
    """By all counters of an exit summary."""
    at_ports = summary[summary.index("lost at the ports\n"):]
    return rig.summary_count(summary, "dropped") + sum(map(int, re.findall(r" (\d+)$", at_ports, re.M)))


def seen(daemon):
    """What it has received, and what was lost before that."""
    status = daemon.ctl("status")
    return status["received"] + sum(port[reason] for port in status["port_devices"]
                                    for reason in ("missed", "rx_errors", "no_memory"))


class AccountingTest(ports_rig.PortsFolderTest):
    def start(self, number, lan, wan):
        """A daemon between two ports. The test is skipped where a driver is not to be had."""
        folder = self.path("daemon%d" % number)
        os.mkdir(folder)
        config = self.base_config().replace("file_prefix: fmtest", "file_prefix: fmtest%d-" % number)
        config += ("metrics: {listen: ''}\nports:\n  - {name: '%s', role: lan}\n"
                   "  - {name: '%s', role: wan}\n" % (lan, wan))
        daemon = rig.Daemon(folder, config, namespace=self.rig.dp)
        self.addCleanup(daemon.__exit__)
        try:
            return daemon.__enter__()
        except AssertionError as error:
            if "the port is missing" not in str(error):
                raise
            self.skipTest("no driver here for %s or %s" % (lan, wan))

    def check(self, daemons, source, arrived, mtu=1500):
        """Sends from `source`, a namespace and its device; `arrived` counts at the other end, at last
        with the daemons' summaries."""
        for daemon in daemons:
            rig.wait_for("the links", lambda: set(self.port_up(daemon)) == {"up"})
        before = arrived("")
        sock, mix = self.raw(*source), frames(mtu)
        for i in range(SENT):
            sock.send(mix[i % len(mix)])
        rig.wait_for("the first daemon", lambda: seen(daemons[0]) >= SENT)
        summaries = []
        for daemon in daemons:  # each when the one before it has sent its last
            summaries.append(self.stop(daemon))
            if len(summaries) < len(daemons):
                passed = SENT - sum(map(lost, summaries))
                rig.wait_for("the next one", lambda: seen(daemons[len(summaries)]) >= passed)
        told = "\n".join(summaries)
        self.assertEqual(arrived(told) - before + sum(map(lost, summaries)), SENT, told)
        self.assertGreater(arrived(told) - before, 0, told)

    def from_lan(self, daemons, mtu=1500):
        self.check(daemons, (self.rig.lan, "lan0"),
                   lambda _: statistic(self.rig.wan, "wan0", "rx_packets"), mtu)

    def test_af_packet(self):
        for mtu, ring in ((68, RING), (1500, RING), (9000, JUMBO_RING)):
            with self.subTest(mtu=mtu):
                self.set_mtu(mtu, "lan0", "dlan", "dwan", "wan0")
                self.from_lan([self.start(mtu, af_packet(0, "dlan", ring),
                                          af_packet(1, "dwan", ring))], mtu)

    def test_af_packet_between_links_of_different_mtu(self):
        self.set_mtu(9000, "lan0", "dlan")
        self.from_lan([self.start(0, af_packet(0, "dlan", JUMBO_RING), af_packet(1, "dwan"))], 9000)

    def test_af_xdp(self):
        self.from_lan([self.start(0, "net_af_xdp0,iface=dlan", "net_af_xdp1,iface=dwan")])

    def test_tap(self):
        daemon = self.start(0, "net_tap0,iface=fmtl", "net_tap1,iface=fmtw")
        for device in ("fmtl", "fmtw"):
            ip("-n", self.rig.dp, "link", "set", device, "up", "txqueuelen", str(SENT))
        # Its interfaces go with the daemon: a socket counts.
        listener, count = self.raw(self.rig.dp, "fmtw"), [0]
        listener.bind(("fmtw", 3))

        def arrived(_):
            count[0] += struct.unpack("II", listener.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[0]
            return count[0]
        self.check([daemon], (self.rig.dp, "fmtl"), arrived)

    def test_memif(self):
        memif = "net_memif0,role=%s,socket-abstract=no,socket=" + self.path("memif.sock")
        second = self.start(1, memif % "server", af_packet(1, "dwan"))
        first = self.start(0, af_packet(0, "dlan"), memif % "client")
        self.from_lan([first, second])

    def test_ring(self):
        """What goes into the ring comes out of it and leaves where it came from."""
        daemon = self.start(0, af_packet(0, "dlan"), "net_ring0")
        self.check([daemon], (self.rig.lan, "lan0"),
                   lambda _: statistic(self.rig.lan, "lan0", "rx_packets"))

    def test_null(self):
        daemon = self.start(0, af_packet(0, "dlan"), "net_null0,no-rx=1")
        self.check([daemon], (self.rig.lan, "lan0"),
                   lambda told: rig.summary_count(told, "forwarded"))


if __name__ == "__main__":
    inline_test.need_namespaces()
    unittest.main()

#!/usr/bin/env python3
"""What becomes of frames at af_packet ports between two namespaces: fragments, frames that are too
long, losses, a daemon that stood still."""

import os
import signal
import time
import unittest

import inline_test
import ports_rig
import rig
from inline_test import LAN, WAN
from ports_rig import inside, statistic


def until(moment):
    """Time that passes is the input here, not a wait for something to happen."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)


class PortsTest(ports_rig.PortsFolderTest):
    # Frames of the gateway itself.

    def test_what_the_gateway_sends_is_not_forwarded(self):
        wan = self.raw(self.rig.wan, "wan0")
        wan.bind(("wan0", 3))
        for queues in ([1, 2] if os.cpu_count() > 1 else [1]):
            arguments = "blocksz=65536,framesz=2048,framecnt=1024,qpairs=%d" % queues
            with self.subTest(queues=queues), self.daemon(
                    arguments, "workers: %d\n" % queues) as daemon:
                own = self.raw(self.rig.dp, "dlan")
                for _ in range(10):
                    own.send(rig.ipv4_udp("10.9.0.7", LAN, 5004, 5004, 200))
                self.raw(self.rig.lan, "lan0").send(rig.ipv4_udp(LAN, WAN, 5004, 5004, 300))
                self.assertEqual(len(wan.recv(65536)), 314, "only what came from lan")
                self.assertEqual(rig.summary_count(self.stop(daemon), "received"), 1)

    def test_a_mirror_sees_what_the_gateway_sends(self):
        config = (self.base_config() + "mode: mirror\nmetrics: {listen: ''}\n"
                  "ports: [{name: 'net_af_packet0,iface=dlan'}]\n")
        with rig.Daemon(self.folder, config, namespace=self.rig.dp) as daemon:
            own = self.raw(self.rig.dp, "dlan")
            for _ in range(10):
                own.send(rig.ipv4_udp("10.9.0.7", LAN, 5004, 5004, 200))
            rig.wait_for("the frames", lambda: daemon.ctl("status")["received"] == 10)
            self.assertEqual(daemon.stop()[0], 0)

    # Frames that vanished or left cut off.

    def test_fragments_pass(self):
        for queues in ([1, 2] if os.cpu_count() > 1 else [1]):
            with self.subTest(queues=queues):
                arguments = "blocksz=65536,framesz=2048,framecnt=1024,qpairs=%d" % queues
                with self.daemon(arguments, "workers: %d\n" % queues) as daemon:
                    self.ping(2000)
                    self.ping(20000)
                    self.assertEqual(self.lost(self.stop(daemon)), 0)

    def test_frames_that_do_not_fit_the_ring_are_dropped_and_counted(self):
        wan = self.raw(self.rig.wan, "wan0")
        wan.bind(("wan0", 3))
        with self.daemon() as daemon:
            self.set_mtu(9000, "lan0", "dlan", "wan0")  # after the start, which would refuse it
            lan = self.raw(self.rig.lan, "lan0")
            for length in (100, 1968, 4000, 8000, 200):
                lan.send(rig.ipv4_udp(LAN, WAN, 5004, 5004, length))
            got = [len(wan.recv(65536)) for _ in range(2)]
            self.assertEqual(got, [114, 214], "whole frames only, in order")
            self.assertIn("longer than the port's ring", rig.wait_for("the warning", lambda: (
                lambda log: log if "ring" in log else None)(daemon.log())))
            summary = self.stop(daemon)
        self.assertEqual(rig.summary_count(summary, "cut_off"), 2)
        # Whole, but for the other side too long.
        self.assertEqual(rig.summary_count(summary, "over_mtu"), 1)

    def test_frames_above_the_egress_mtu_are_dropped_and_counted(self):
        self.set_mtu(1800, "lan0", "dlan")
        tagged = rig.ipv4_udp(LAN, WAN, 5004, 5004, 1500)
        tagged = tagged[:12] + b"\x81\x00\x00\x05" + tagged[12:]
        with self.daemon() as daemon:
            lan = self.raw(self.rig.lan, "lan0")
            before = statistic(self.rig.wan, "wan0", "rx_packets")
            for frame in (rig.ipv4_udp(LAN, WAN, 5004, 5004, 1500), tagged,
                          rig.ipv4_udp(LAN, WAN, 5004, 5004, 1501),
                          rig.ipv4_udp(LAN, WAN, 5004, 5004, 1800)):
                lan.send(frame)
            rig.wait_for("the frames", lambda: daemon.ctl("status")["received"] >= 4)
            summary = self.stop(daemon)
        self.assertEqual(statistic(self.rig.wan, "wan0", "rx_packets") - before, 2)
        self.assertEqual(rig.summary_count(summary, "over_mtu"), 2)
        self.assertEqual(rig.summary_count(summary, "forwarded"), 2)

    def test_large_frames_pass_where_the_ring_has_room(self):
        self.set_mtu(9000, "lan0", "wan0")
        with self.daemon("blocksz=65536,framesz=16384,framecnt=256", mtu=9000) as daemon:
            self.ping(8972, more=("-M", "do"))
            self.assertEqual(self.lost(self.stop(daemon)), 0)

    def test_an_mtu_that_the_ring_has_no_room_for_is_refused(self):
        told = self.refusals(self.config("blocksz=65536,framesz=2048,framecnt=1024", mtu=9000))
        self.assertIn("ports[0].name", told)
        self.assertIn("give framesz=16384,blocksz=65536", told)
        self.set_mtu(4000, "dwan")
        told = self.refusals(self.config())
        self.assertIn("ports[1].name", told)
        self.assertIn("MTU 4000", told)

    def test_a_ring_that_does_not_work_is_refused(self):
        for arguments, told in (("framesz=16384", "blocksz: value 4096"),
                                ("framesz=1000", "framesz: value 1000"),
                                ("blocksz=65536,framesz=2048,framecnt=100", "framecnt: value 100"),
                                ("blocksz=65536,framesz=many", "framesz: value many")):
            self.assertIn(told, self.refusals(self.config(arguments)))

    def test_packet_buffers_without_memory_are_refused(self):
        config = self.config("blocksz=65536,framesz=32768,framecnt=256")
        self.assertIn("eal.memory_mb: value 300", self.refusals(config))

    def test_an_interface_that_merges_packets_is_refused(self):
        inside(self.rig.dp, "ethtool", "-K", "dwan", "gro", "on")
        told = self.refusals(self.config())
        self.assertIn("the interface dwan has gro on", told)
        self.assertIn("ethtool -K dwan gro off", told)

    # Losses.

    def test_what_a_daemon_misses_is_counted_and_nothing_leaves_late(self):
        for workers in ([1, 2] if os.cpu_count() > 1 else [1]):  # alone, and behind a distributor
            with self.subTest(workers=workers):
                self.stand_still(workers)

    def stand_still(self, workers):
        frame = rig.ipv4_udp(LAN, WAN, 5004, 5004, 200)
        sent, ring = 5000, 1024
        lan = self.raw(self.rig.lan, "lan0")
        before = statistic(self.rig.wan, "wan0", "rx_packets")
        with self.daemon(more="workers: %d\n" % workers) as daemon:
            daemon.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
            start = time.monotonic()
            for _ in range(sent):
                lan.send(frame)
            until(start + 1.5)
            daemon.process.send_signal(signal.SIGCONT)
            rig.wait_for("the daemon", lambda: daemon.ctl("status")["received"] >= ring)
            for _ in range(10):
                lan.send(frame)
            rig.wait_for("the last frames", lambda: daemon.ctl("status")["forwarded"] >= 10)
            missed = daemon.ctl("status")["port_devices"][0]["missed"]
            summary = self.stop(daemon)
        arrived = statistic(self.rig.wan, "wan0", "rx_packets") - before
        self.assertEqual(arrived, 10, "what waited for over a second does not leave late")
        self.assertEqual(missed, sent - ring)
        self.assertEqual(arrived + self.lost(summary), sent + 10)
        self.assertEqual(rig.summary_count(summary, "stale"), ring)

    def test_every_packet_of_a_flood_arrives_or_is_counted(self):
        frame = rig.ipv4_udp(LAN, WAN, 5004, 5004, 100)
        lan = self.raw(self.rig.lan, "lan0")
        before = statistic(self.rig.wan, "wan0", "rx_packets")
        sent = 200_000
        with self.daemon("blocksz=65536,framesz=2048,framecnt=64") as daemon:
            for _ in range(sent):
                lan.send(frame)
            summary = self.stop(daemon)
        arrived = statistic(self.rig.wan, "wan0", "rx_packets") - before
        self.assertEqual(arrived + self.lost(summary), sent, summary)


if __name__ == "__main__":
    inline_test.need_namespaces()
    unittest.main()

#!/usr/bin/env python3
"""flowmarkd over DPDK's software ports: a capture in, a capture out."""

import contextlib
import os
import signal
import socket
import unittest

import rig

EF = 46


def conversations(count, packets):
    """`count` UDP conversations, `packets` packets each, interleaved 1 ms apart; the ECN bits of
    each packet differ, every third conversation is IPv6, and some frames are no IP at all."""
    out, time_us = [], 1_700_000_000_000_000
    for i in range(packets):
        for c in range(count):
            time_us += 1000
            ends = [("10.0.0.%d" % (c + 1), 40000 + c), ("192.0.2.1", 5004)]
            if i % 2:
                ends.reverse()
            (source, sport), (destination, dport) = ends
            ecn = (i + c) % 4
            if c % 3 == 2:
                frame = rig.ipv6_udp("2001:db8::" + source.split(".")[-1],
                                     "2001:db8::" + destination.split(".")[-1], sport, dport,
                                     160, ecn)
            else:
                frame = rig.ipv4_udp(source, destination, sport, dport, 200 + i % 7, ecn)
            out.append((time_us, frame))
        if i % 10 == 0:
            out.append((time_us, b"\xff" * 6 + b"\x02\0\0\0\0\x01\x08\x06" + bytes(46)))
    return out


class VdevTest(rig.FolderTest):
    def config(self, more=""):
        rig.write_pcap(self.path("empty.pcap"), [])
        return self.base_config() + (
            "ports:\n"
            "  - {name: 'net_pcap0,rx_pcap=%s,tx_pcap=%s', role: lan}\n"
            "  - {name: 'net_pcap1,rx_pcap=%s,tx_pcap=%s', role: wan}\n"
            % (self.path("in.pcap"), self.path("back.pcap"), self.path("empty.pcap"),
               self.path("out.pcap"))) + rig.ASKS_AFTER_EVERY_BURST + more

    def pass_through(self, packets, more):
        """What comes out when `packets` go in, and the exit summary."""
        rig.write_pcap(self.path("in.pcap"), packets)
        port = rig.free_port()
        config = self.config("metrics: {listen: '127.0.0.1:%d'}\n" % port + more)
        with rig.Daemon(self.folder, config) as daemon:
            done = 'flowmark_packets_total{port="net_pcap1",direction="tx"} %d\n' % len(packets)
            rig.wait_for("all packets to pass", lambda: done in rig.scrape(port))
            status, summary = daemon.stop()
            self.assertEqual(status, 0, daemon.log())
        self.assertEqual(rig.summary_count(summary, "received"), len(packets))
        self.assertEqual(rig.summary_count(summary, "forwarded"), len(packets))
        self.assertEqual(rig.summary_count(summary, "dropped"), 0)
        return [frame for _, frame in rig.read_pcap(self.path("out.pcap"))], summary

    def test_without_models_every_byte_passes(self):
        packets = conversations(5, 100)
        # A frame of several segments, and damaged ones.
        packets += [(packets[-1][0] + 1, rig.ipv4_udp("10.0.0.9", "192.0.2.9", 1, 2, 6000)),
                    (packets[-1][0] + 2, packets[0][1][:20]),
                    (packets[-1][0] + 3, packets[0][1][:14] + b"\x4f" + packets[0][1][15:40])]
        out, _ = self.pass_through(packets, "")
        self.assertEqual(out, [frame for _, frame in packets])

    def test_marks_both_directions_and_nothing_else(self):
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        packets = conversations(6, 400)
        out, summary = self.pass_through(packets, "models: [{name: category, path: m.onnx}]\n")
        self.check_marks(packets, out)
        self.assertGreater(rig.summary_count(summary, "EF"), 900)

    def test_marks_in_packets_of_several_segments(self):
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        packets = [(time_us, rig.ipv4_udp("10.0.0.1", "192.0.2.1", 40000, 5004, 5000, 2))
                   for time_us in range(10**15, 10**15 + 24_000_000, 40_000)]
        out, _ = self.pass_through(packets, "models: [{name: category, path: m.onnx}]\n")
        self.check_marks(packets, out)

    def test_two_workers_over_one_queue_lose_and_reorder_nothing(self):
        if os.cpu_count() < 2:
            self.skipTest("needs two cores")
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        packets = conversations(9, 150)
        out, _ = self.pass_through(packets,
                                   "workers: 2\nmodels: [{name: category, path: m.onnx}]\n")
        self.assertEqual(sorted(map(rig.without_mark, out)),
                         sorted(rig.without_mark(frame) for _, frame in packets))
        by_flow = lambda frames: {key: [rig.without_mark(f) for f in frames if flow_of(f) == key]
                                  for key in {flow_of(f) for f in frames}}
        sent = by_flow([frame for _, frame in packets])
        for key, frames in by_flow(out).items():
            if key is not None:
                self.assertEqual(frames, sent[key], "order within the flow %r" % (key,))

    def check_marks(self, packets, out):
        self.assertEqual([rig.without_mark(frame) for frame in out],
                         [rig.without_mark(frame) for _, frame in packets])
        marked = 0
        for frame in out:
            if frame[12:14] == b"\x08\x00":
                self.assertEqual(rig.checksum(frame[14:34]), 0, "IPv4 checksum")
            if frame[12:14] != b"\x08\x06":
                self.assertIn(rig.dscp_of(frame), (0, EF))
                marked += rig.dscp_of(frame) == EF
        self.assertGreater(marked, len(out) / 2)
        ip = [frame for frame in out if frame[12:14] != b"\x08\x06"]
        self.assertTrue(all(rig.dscp_of(frame) == EF for frame in ip[-20:]))
        self.assertEqual(rig.dscp_of(ip[0]), 0)


def flow_of(frame):
    """A name of the conversation, the same both ways; None for others."""
    if frame[12:14] == b"\x08\x00":
        return frozenset([frame[26:30] + frame[34:36], frame[30:34] + frame[36:38]])
    if frame[12:14] == b"\x86\xdd":
        return frozenset([frame[22:38] + frame[54:56], frame[38:54] + frame[56:58]])
    return None


class StartTest(rig.FolderTest):
    NULL_PORTS = ("ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
                  "metrics: {listen: ''}\n")

    def start(self, config, *arguments):
        with open(self.path("c.yaml"), "w") as file:
            file.write(config)
        return rig.run(rig.tool("flowmarkd"), "--config", self.path("c.yaml"), *arguments)

    def test_idle_and_slow_clients_do_not_keep_scrapes_out(self):
        port = rig.free_port()
        config = self.base_config() + self.NULL_PORTS.replace("''", "'127.0.0.1:%d'" % port)
        connect = lambda: socket.create_connection(("127.0.0.1", port), timeout=rig.PATIENCE_S)
        with rig.Daemon(self.folder, config) as daemon, contextlib.ExitStack() as stack:
            slow = [stack.enter_context(connect()) for _ in range(200)]
            rig.scrape(port)
            for byte in b"GET /metrics":
                for client in slow:
                    client.send(bytes([byte]))
                rig.scrape(port)
            self.assertEqual(daemon.stop()[0], 0, daemon.log())

    def test_conserves_at_full_speed_and_stops_on_either_signal(self):
        for number, workers in ((signal.SIGTERM, 1), (signal.SIGINT, 2)):
            if workers > os.cpu_count():
                continue
            config = self.base_config() + self.NULL_PORTS + "workers: %d\n" % workers
            with rig.Daemon(self.folder, config) as daemon:
                rig.wait_for("packets", lambda: daemon.ctl("status")["received"] > 100_000)
                status, summary = daemon.stop(number)
                self.assertEqual(status, 0, daemon.log() + summary)
            received = rig.summary_count(summary, "received")
            self.assertGreater(received, 100_000)
            self.assertEqual(received, rig.summary_count(summary, "forwarded") +
                             rig.summary_count(summary, "dropped"))
            self.assertFalse(os.path.exists(self.path("ctl.sock")))
            self.assertFalse(os.path.exists("/var/run/dpdk/fmtest%d" % os.getpid()))

    def test_feeds_the_service_managers_watchdog(self):
        os.environ["WATCHDOG_USEC"] = "400000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        with rig.Daemon(self.folder, self.base_config() + self.NULL_PORTS) as daemon:
            for _ in range(3):
                daemon.wait_notification("WATCHDOG=1")
            self.assertEqual(daemon.stop()[0], 0)
            daemon.wait_notification("STOPPING=1")

    def test_mirror_receives_and_sends_nothing(self):
        config = (self.base_config() + "mode: mirror\nports: [{name: net_null0}]\n"
                  "metrics: {listen: ''}\n")
        with rig.Daemon(self.folder, config) as daemon:
            status = rig.wait_for("packets", lambda: (
                lambda s: s if s["received"] > 10_000 else None)(daemon.ctl("status")))
            self.assertEqual(status["ports"][0]["tx_packets"], 0)
            self.assertEqual(daemon.stop()[0], 0)

    def test_wrong_configuration_tells_everything_and_ends_with_2(self):
        result = self.start("ports: 1\nflows: {capcity: 1}\nworkers: x\n")
        self.assertEqual(result.returncode, 2)
        lines = result.stderr.strip().split("\n")
        self.assertEqual(len(lines), 4, result.stderr)
        self.assertIn("c.yaml:1: ports: value 1: expected a list", result.stderr)
        self.assertIn('c.yaml:2: flows.capcity: unknown key: did you mean "capacity"?',
                      result.stderr)
        self.assertIn("c.yaml:3: workers: value x:", result.stderr)

    def test_a_missing_port_is_named(self):
        ports = ("ports: [{name: net_null0, role: lan}, "
                 "{name: 'net_af_packet0,iface=nosuchif0', role: wan}]\n")
        result = self.start(self.base_config() + ports)
        self.assertEqual(result.returncode, 1)
        self.assertIn("ports[1].name", result.stderr)
        self.assertIn("nosuchif0", result.stderr)

    def test_a_port_that_dpdk_does_not_give_is_named(self):
        name = "net_pcap0,tx_pcap=" + self.folder  # a folder cannot be written
        ports = "ports: [{name: net_null0, role: lan}, {name: '%s', role: wan}]\n" % name
        result = self.start(self.base_config() + ports)
        self.assertEqual(result.returncode, 1)
        self.assertIn("ports[1] (%s): the port is missing" % name, result.stderr)

    def test_check_config_loads_the_models(self):
        config = self.base_config() + self.NULL_PORTS
        models = "models: [{name: a, path: m.onnx}]\n"
        self.assertEqual(self.start(config, "--check-config").returncode, 0)
        result = self.start(config + models, "--check-config")
        self.assertEqual(result.returncode, 1)
        self.assertIn("m.onnx", result.stderr)
        rig.make_model(self.path("m.onnx"), "voip", "chat")
        self.assertEqual(self.start(config + models, "--check-config").returncode, 0)

    def test_more_workers_than_cores_are_refused(self):
        result = self.start(self.base_config() + self.NULL_PORTS + "workers: 64\n")
        if os.cpu_count() >= 64:
            self.skipTest("this machine has them")
        self.assertEqual(result.returncode, 1)
        self.assertIn("workers: value 64", result.stderr)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""What happens to frames at af_packet ports between two namespaces: fragments, frames that are too
long, losses, a daemon that stood still, links that go and come back, ports that others use."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import time
import unittest

import inline_test
import rig
from inline_test import LAN, WAN, ip

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def inside(namespace, *command):
    return rig.run("ip", "netns", "exec", namespace, *command)


def statistic(namespace, device, name):
    return int(inside(namespace, "cat", "/sys/class/net/%s/statistics/%s" % (device, name)).stdout)


def until(moment):
    """Time that passes is the input here, not a wait for something to happen."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)


@contextlib.contextmanager
def frozen(thread):
    """One thread of a process stands still."""
    def trace(request):
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
    trace(PTRACE_SEIZE)
    trace(PTRACE_INTERRUPT)
    os.waitpid(thread, 0x40000000)  # __WALL
    try:
        yield
    finally:
        trace(PTRACE_DETACH)


class PortsTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        self.rig = inline_test.Rig()
        self.addCleanup(self.rig.close)

    def config(self, arguments="blocksz=65536,framesz=2048,framecnt=1024", more="", mtu=0):
        port = "{name: 'net_af_packet%d,iface=%s,%s', role: %s, mtu: " + str(mtu) + "}"
        ports = "ports:\n  - %s\n  - %s\n" % (port % (0, "dlan", arguments, "lan"),
                                              port % (1, "dwan", arguments, "wan"))
        return self.base_config() + "metrics: {listen: ''}\n" + ports + more

    def daemon(self, *arguments, **options):
        return rig.Daemon(self.folder, self.config(*arguments, **options), namespace=self.rig.dp)

    def refusals(self, config, *options):
        """What --check-config and a start say; both must refuse."""
        with open(self.path("refused.yaml"), "w") as file:
            file.write(config)
        told = []
        for option in (["--check-config"], []):
            result = inside(self.rig.dp, rig.tool("flowmarkd"), "--config",
                            self.path("refused.yaml"), *option)
            self.assertEqual(result.returncode, 1, result.stderr)
            told.append(result.stderr)
        self.assertEqual(told[0], told[1], "check-config judges as the start does")
        return told[0]

    def check(self, config):
        with open(self.path("checked.yaml"), "w") as file:
            file.write(config)
        return inside(self.rig.dp, rig.tool("flowmarkd"), "--config", self.path("checked.yaml"),
                      "--check-config")

    def set_mtu(self, mtu, *devices):
        names = {"lan0": self.rig.lan, "wan0": self.rig.wan}
        for device in devices:
            ip("-n", names.get(device, self.rig.dp), "link", "set", device, "mtu", str(mtu))

    def raw(self, namespace, device):
        with rig.in_namespace(namespace):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.addCleanup(sock.close)
        sock.bind((device, 0))
        return sock

    def ping(self, size, count=10, more=()):
        result = inside(self.rig.lan, "ping", "-c", str(count), "-i", "0.05", "-W", "5", "-s",
                        str(size), *more, WAN)
        self.assertIn(" %d received" % count, result.stdout, result.stdout)

    def stop(self, daemon):
        status, summary = daemon.stop()
        self.assertEqual(status, 0, daemon.log() + summary)
        return summary

    def lost(self, summary):
        """Packets that any counter of the summary shows as lost."""
        reasons = ("missed", "rx_error", "no_memory", "tx_error", "tx_dropped")
        return rig.summary_count(summary, "dropped") + sum(
            rig.summary_count(summary, "net_af_packet%d %s" % (port, reason))
            for port in (0, 1) for reason in reasons)

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

    def base_config(self):
        return super().base_config().replace("memory_mb: 160", "memory_mb: 300")

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
        frame = rig.ipv4_udp(LAN, WAN, 5004, 5004, 200)
        sent = 5000
        lan = self.raw(self.rig.lan, "lan0")
        before = statistic(self.rig.wan, "wan0", "rx_packets")
        with self.daemon() as daemon:
            daemon.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
            start = time.monotonic()
            for _ in range(sent):
                lan.send(frame)
            until(start + 1.5)
            daemon.process.send_signal(signal.SIGCONT)
            rig.wait_for("the daemon", lambda: daemon.ctl("status")["received"] >= 1000)
            for _ in range(10):
                lan.send(frame)
            rig.wait_for("the last frames", lambda: daemon.ctl("status")["forwarded"] >= 10)
            devices = daemon.ctl("status")["port_devices"]
            summary = self.stop(daemon)
        arrived = statistic(self.rig.wan, "wan0", "rx_packets") - before
        self.assertEqual(arrived, 10, "what waited for over a second does not leave late")
        self.assertGreater(devices[0]["missed"], 3000)
        self.assertEqual(arrived + self.lost(summary), sent + 10)
        self.assertEqual(rig.summary_count(summary, "stale"), 1024)

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

    # Threads.

    def test_a_frozen_thread_of_the_packet_path_stops_the_watchdogs_food(self):
        if os.cpu_count() < 2:
            self.skipTest("needs two cores")
        os.environ["WATCHDOG_USEC"] = "400000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        with self.daemon(more="workers: 2\n") as daemon:
            tasks = "/proc/%d/task" % daemon.process.pid
            names = {}
            for task in os.listdir(tasks):
                with open(os.path.join(tasks, task, "comm")) as file:
                    names[file.read().strip()] = int(task)
            for thread, name in (("rte-worker-1", "worker 0"), ("rte-worker-2", "worker 1"),
                                 ("rte-worker-3", "the distributor")):
                daemon.wait_notification("WATCHDOG=1")
                with frozen(names[thread]):
                    told = name + " makes no progress"
                    rig.wait_for(told, lambda: told in daemon.log())
                daemon.forget_notifications()
            daemon.wait_notification("WATCHDOG=1")
            self.assertEqual(daemon.stop()[0], 0)

    # Links.

    def port_up(self, daemon):
        return [port["link"] for port in daemon.ctl("status")["port_devices"]]

    def test_a_link_that_goes_down_is_told_and_used_again(self):
        with self.daemon() as daemon:
            self.ping(56)
            ip("-n", self.rig.dp, "link", "set", "dwan", "down")
            rig.wait_for("the link to be down", lambda: self.port_up(daemon) == ["up", "down"])
            lan = self.raw(self.rig.lan, "lan0")
            lan.send(rig.ipv4_udp(LAN, WAN, 5004, 5004, 200))
            rig.wait_for("the drop", lambda: daemon.ctl("status")["dropped_by_reason"].get(
                "link_down"))
            ip("-n", self.rig.dp, "link", "set", "dwan", "up")
            rig.wait_for("the link to be up", lambda: self.port_up(daemon) == ["up", "up"])
            self.ping(56)
            self.assertRegex(daemon.log(), r"ports\[1\].*the link is down")
            self.assertRegex(daemon.log(), r"ports\[1\].*the link is up")
            self.stop(daemon)

    def test_what_could_not_be_sent_does_not_leave_when_the_link_is_back(self):
        port = rig.free_port()
        config = self.config().replace("listen: ''", "listen: '127.0.0.1:%d'" % port)

        def errors():
            with rig.in_namespace(self.rig.dp):
                page = rig.scrape(port)
            return int(re.search(r'port="net_af_packet1",reason="tx_error"} (\d+)', page).group(1))

        lan = self.raw(self.rig.lan, "lan0")
        frame = rig.ipv4_udp(LAN, WAN, 5004, 5004, 200)
        with rig.Daemon(self.folder, config, namespace=self.rig.dp) as daemon:
            with frozen(daemon.process.pid):  # the thread that looks at the links
                ip("-n", self.rig.dp, "link", "set", "dwan", "down")
                for _ in range(100):
                    lan.send(frame)
                rig.wait_for("the errors", lambda: errors() == 100)
            rig.wait_for("the link to be down", lambda: self.port_up(daemon) == ["up", "down"])
            ip("-n", self.rig.dp, "link", "set", "dwan", "up")
            rig.wait_for("the link to be up", lambda: self.port_up(daemon) == ["up", "up"])
            before = statistic(self.rig.wan, "wan0", "rx_packets")
            for _ in range(10):
                lan.send(frame)
            rig.wait_for("the frames", lambda: daemon.ctl("status")["received"] >= 110)
            summary = self.stop(daemon)
        self.assertEqual(statistic(self.rig.wan, "wan0", "rx_packets") - before, 10, summary)
        self.assertEqual(self.lost(summary), 100, summary)

    def make_dwan_anew(self):
        ip("-n", self.rig.dp, "link", "del", "dwan")
        return lambda: self.rig.join(self.rig.wan, "wan0", "dwan", WAN)

    def test_an_interface_that_is_made_anew_is_taken_up_again(self):
        with self.daemon() as daemon:
            self.ping(56)
            make = self.make_dwan_anew()
            rig.wait_for("the link to be gone", lambda: self.port_up(daemon) == ["up", "gone"])
            self.assertIn("the interface was deleted", daemon.log())
            make()
            ip("-n", self.rig.lan, "neigh", "flush", "all")  # wan0 has another address now
            rig.wait_for("the link to be up", lambda: self.port_up(daemon) == ["up", "up"])
            self.ping(56)
            self.ping(2000)
            self.stop(daemon)

    def test_a_port_that_cannot_follow_ends_the_daemon_with_an_error(self):
        if os.cpu_count() < 2:
            self.skipTest("needs two cores")
        arguments = "blocksz=65536,framesz=2048,framecnt=1024,qpairs=2"
        with self.daemon(arguments, "workers: 2\n") as daemon:
            self.make_dwan_anew()()
            self.assertEqual(daemon.process.wait(timeout=rig.PATIENCE_S), 1)
            self.assertIn("ports[1].name", daemon.log())
            self.assertIn("made anew", daemon.log())

    # Others at the same ports.

    def test_a_second_daemon_on_the_same_ports_is_refused(self):
        with self.daemon() as daemon:
            told = self.refusals(self.config().replace("fmtest", "fmother"))
            self.assertIn("ports[0].name", told)
            self.assertIn("another flowmarkd, process %d," % daemon.process.pid, told)
            # The configuration of the daemon that runs can be checked for a reload.
            result = inside(self.rig.dp, rig.tool("flowmarkd"), "--config", daemon.config_path,
                            "--check-config")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.stop(daemon)
        self.assertEqual(self.check(self.config()).returncode, 0)

    def test_a_second_daemon_with_the_same_prefix_is_refused(self):
        with self.daemon() as daemon:
            ports = "ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
            self.assertIn("eal.file_prefix", self.refusals(self.base_config() + ports))
            self.stop(daemon)

    def test_an_interface_of_a_bridge_is_refused(self):
        ip("-n", self.rig.dp, "link", "add", "br0", "type", "bridge")
        ip("-n", self.rig.dp, "link", "set", "dwan", "master", "br0")
        told = self.refusals(self.config())
        self.assertIn("the interface dwan is a member of the bridge br0", told)
        ip("-n", self.rig.dp, "link", "set", "dwan", "nomaster")
        self.assertEqual(self.check(self.config()).returncode, 0)


if __name__ == "__main__":
    inline_test.need_namespaces()
    unittest.main()

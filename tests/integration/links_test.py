#!/usr/bin/env python3
"""Threads that stand still, links that go and come back, and ports that others use, at af_packet
ports between two namespaces."""

import contextlib
import ctypes
import os
import re
import unittest

import inline_test
import ports_rig
import rig
from inline_test import LAN, WAN, ip
from ports_rig import inside, statistic

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


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


class LinksTest(ports_rig.PortsFolderTest):
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

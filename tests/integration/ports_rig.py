"""What the tests of af_packet ports share: a daemon between two namespaces, its refusals and its
losses."""

import os
import socket

import inline_test
import rig
from inline_test import WAN, ip


def inside(namespace, *command):
    return rig.run("ip", "netns", "exec", namespace, *command)


def statistic(namespace, device, name):
    return int(inside(namespace, "cat", "/sys/class/net/%s/statistics/%s" % (device, name)).stdout)


class PortsFolderTest(rig.FolderTest):
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

    def refusals(self, config):
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

    def base_config(self):
        return super().base_config().replace("memory_mb: 160", "memory_mb: 300")

    def port_up(self, daemon):
        return [port["link"] for port in daemon.ctl("status")["port_devices"]]

#!/usr/bin/env python3
"""The recipes of docs/recipes that this kernel can follow: their commands are run as they stand there."""

import os
import re
import subprocess
import unittest

import inline_test
import rig
from actuator_rig import (INNER, INNER6, SERVER, SERVER6, Actuator, Call, Gateway, Stream, flow, ip, mark,
                          snapshot)


def commands(recipe):
    """All that stands in the recipe's blocks of shell."""
    with open(os.path.join(rig.SOURCE, "docs/recipes", recipe + ".md")) as file:
        blocks = re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)
    if not blocks:
        raise AssertionError("no commands in " + recipe)
    return "set -e\n" + "".join(blocks)


class Bridge(Gateway):
    """lan - box - wan in one network; the box has no addresses and bridges nothing yet."""

    def __init__(self, test):
        prefix = "fmbr%d" % os.getpid()
        self.lan, self.gateway, self.wan = (prefix + end for end in "lgw")
        for name in (self.lan, self.gateway, self.wan):
            ip("netns", "add", name)
            test.addCleanup(subprocess.run, ["ip", "netns", "del", name])
        for name, device, host in ((self.lan, "lan0", 1), (self.wan, "wan0", 2)):
            ip("link", "add", device, "netns", self.gateway, "type", "veth", "peer", "name", "eth0",
               "netns", name)
            ip("-n", name, "addr", "add", "10.9.3.%d/24" % host, "dev", "eth0")
            ip("-n", name, "addr", "add", "fd09:3::%d/64" % host, "dev", "eth0", "nodad")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", self.gateway, "link", "set", device, "up")


class RecipesTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        self.stream = Stream(self.folder)
        self.addCleanup(self.stream.close)

    def marked(self, call, dscp):
        rig.wait_for("packets with DSCP %d" % dscp, lambda: call.exchange() == (dscp, dscp))

    def packets_of(self, gateway, device, name):
        listing = gateway.inside(gateway.gateway, "tc", "-s", "class", "show", "dev", device)
        return int(re.search(r"class htb %s .*?Sent \d+ bytes (\d+) pkt" % name, listing, re.S).group(1))

    def test_htb(self):
        gateway = Gateway(self)
        gateway.inside(gateway.gateway, "sh", "-c", commands("htb"))
        calls = [(Call(self, gateway, *ends), ends) for ends in ((INNER, SERVER), (INNER6, SERVER6))]
        for call, _ in calls:
            self.assertEqual(call.exchange(), (0, 0))
        for device in ("lan0", "wan0"):
            self.assertEqual(self.packets_of(gateway, device, "1:10"), 0)
            self.assertGreater(self.packets_of(gateway, device, "1:30"), 0)
        Actuator(self, "flowmark-nft", gateway.gateway)
        self.stream.accept(*snapshot(*(mark(flow(*ends), 46) for _, ends in calls)))
        for call, _ in calls:
            self.marked(call, 46)
        for device in ("lan0", "wan0"):
            self.assertGreaterEqual(self.packets_of(gateway, device, "1:10"), 2)

    def test_bridge(self):
        bridge = Bridge(self)
        bridge.inside(bridge.gateway, "sh", "-c", commands("bridge"))
        Actuator(self, "flowmark-nft", bridge.gateway, "--table", "bridge flowmark")
        pairs = [(("10.9.3.1", 40000), ("10.9.3.2", 5004)), (("fd09:3::1", 40000), ("fd09:3::2", 5004))]
        self.stream.accept(*snapshot(*(mark(flow(*ends), 46) for ends in pairs)))
        for ends in pairs:
            self.marked(Call(self, bridge, *ends), 46)


if __name__ == "__main__":
    rig.need_tools("nft", "tc")
    inline_test.need_namespaces()
    unittest.main()

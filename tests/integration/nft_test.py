#!/usr/bin/env python3
"""flowmark-nft and the kernel's nftables, on a gateway that masquerades."""

import json
import unittest

import inline_test
import rig
from actuator_rig import (INNER, INNER6, OUTER, SERVER, SERVER6, Actuator, Call, Gateway, Stream, end,
                          flow, mark, snapshot)

def maps(value):
    return "\n".join(
        "map flows%s { type %s . %s . inet_proto . inet_service . inet_service : %s; flags timeout; "
        "size 65536; }" % (version, address, address, value)
        for version, address in (("4", "ipv4_addr"), ("6", "ipv6_addr")))


# What an operator writes: the forward hook sees the addresses of the inner side in both directions.
INNER_RULES = """
  table inet flowmark { %s
    chain forward { type filter hook forward priority mangle;
      ip saddr . ip daddr . meta l4proto . th sport . th dport vmap @flows4
      ip daddr . ip saddr . meta l4proto . th dport . th sport vmap @flows4
      ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport vmap @flows6
      ip6 daddr . ip6 saddr . meta l4proto . th dport . th sport vmap @flows6
    }
  }
""" % maps("verdict")
# Of the outer side: after masquerading upwards, before it is undone downwards.
OUTER_RULES = """
  table inet flowmark { %s
    chain up { type filter hook postrouting priority srcnat + 10;
      ip saddr . ip daddr . meta l4proto . th sport . th dport vmap @flows4
    }
    chain down { type filter hook prerouting priority mangle;
      ip daddr . ip saddr . meta l4proto . th dport . th sport vmap @flows4
    }
  }
""" % maps("verdict")
MARK_RULES = """
  table inet flowmark { %s
    chain forward { type filter hook forward priority mangle;
      meta mark set ip saddr . ip daddr . meta l4proto . th sport . th dport map @flows4
      meta mark set ip daddr . ip saddr . meta l4proto . th dport . th sport map @flows4
      meta mark & 0xff000000 == 0xb9000000 ip dscp set ef
    }
  }
""" % maps("mark")


class NftTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        self.gateway = Gateway(self)
        self.stream = Stream(self.folder)
        self.addCleanup(self.stream.close)

    def start(self, *arguments):
        return Actuator(self, "flowmark-nft", self.gateway.gateway, *arguments)

    def elements(self, name="flows4"):
        """{(source, source port, destination, destination port): (value, seconds left)}; None: no map."""
        result = rig.run("ip", "netns", "exec", self.gateway.gateway, "nft", "-j", "list", "map", "inet",
                         "flowmark", name)
        if result.returncode != 0:
            return None
        found = {}
        for entry in json.loads(result.stdout)["nftables"]:
            for key, value in entry.get("map", {}).get("elem", []):
                source, to, _, sport, dport = key["elem"]["val"]["concat"]
                target = value["jump"]["target"] if isinstance(value, dict) else value
                found[source, sport, to, dport] = target, key["elem"]["expires"]
        return found

    def values(self, name="flows4"):
        elements = self.elements(name)
        return None if elements is None else {key: value for key, (value, _) in elements.items()}

    def holds(self, expected, name="flows4"):
        rig.wait_for("%s in %s" % (expected, name), lambda: self.values(name) == expected)

    def test_packets_of_both_directions_get_the_dscp(self):
        self.gateway.nft(INNER_RULES)
        self.start()
        self.stream.accept(*snapshot())
        for inner, server, name in ((INNER, SERVER, "flows4"), (INNER6, SERVER6, "flows6")):
            call = Call(self, self.gateway, inner, server)
            self.assertEqual(call.exchange(), (0, 0))
            self.stream.send(mark(flow(inner, server), 46))
            self.holds({(*inner, *server): "dscp_46"}, name)
            self.assertEqual(call.exchange(), (46, 46))
            self.stream.send(mark(flow(inner, server), 34))
            self.holds({(*inner, *server): "dscp_34"}, name)
            self.assertEqual(call.exchange(), (34, 34))
            self.stream.send(end(flow(inner, server)))
            self.holds({}, name)
            self.assertEqual(call.exchange(), (0, 0))

    def test_flows_as_they_are_on_the_outer_side_of_nat(self):
        self.gateway.nft(OUTER_RULES)
        call = Call(self, self.gateway)
        call.exchange()
        self.assertEqual(call.seen_by_server, OUTER)
        self.start()
        self.stream.accept(*snapshot(mark(flow(OUTER, SERVER), 46)))
        self.holds({(*OUTER, *SERVER): "dscp_46"})
        self.assertEqual(call.exchange(), (46, 46))

    def test_maps_of_packet_marks(self):
        self.gateway.nft(MARK_RULES)
        self.start("--value", "mark")
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.holds({(*INNER, *SERVER): 46 << 26 | 1 << 24})
        self.assertEqual(Call(self, self.gateway).exchange(), (46, 46))

    def test_the_table_and_its_maps_are_made(self):
        self.start("--max-flows", "1000")
        self.stream.accept(*snapshot())
        self.holds({})
        self.holds({}, "flows6")

    def test_an_operators_chain_stays(self):
        self.gateway.nft("table inet flowmark { chain dscp_46 { counter; }; }")
        self.start()
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.holds({(*INNER, *SERVER): "dscp_46"})
        chain = self.gateway.inside(self.gateway.gateway, "nft", "list", "chain", "inet", "flowmark",
                                    "dscp_46")
        self.assertIn("counter", chain)
        self.assertNotIn("dscp set", chain)

    def test_after_a_restart_the_maps_hold_what_lives(self):
        ends = [((INNER[0], port), SERVER) for port in (41000, 41001, 41002)]
        actuator = self.start()
        self.stream.accept(*snapshot(mark(flow(*ends[0]), 46), mark(flow(*ends[1]), 46)))
        self.holds({(*ends[0][0], *SERVER): "dscp_46", (*ends[1][0], *SERVER): "dscp_46"})
        actuator.kill()  # as it would crash
        actuator = self.start()
        self.stream.accept(*snapshot(mark(flow(*ends[1]), 34), mark(flow(*ends[2]), 46)))
        self.holds({(*ends[1][0], *SERVER): "dscp_34", (*ends[2][0], *SERVER): "dscp_46"})
        _, counters = actuator.stop()
        self.assertEqual((counters["set"], counters["cleared"], counters["failed"]), (2, 1, 0))

    def test_changes_behind_its_back_are_put_right(self):
        self.start()
        one, other = flow(INNER, SERVER), flow((INNER[0], 41000), SERVER)
        self.stream.accept(*snapshot(mark(one, 46)))
        self.holds({(*INNER, *SERVER): "dscp_46"})
        self.gateway.nft("flush map inet flowmark flows4")
        self.stream.send(mark(one, 34), mark(other, 46))  # the first is no change of what is there
        self.holds({(*INNER, *SERVER): "dscp_34", (INNER[0], 41000, *SERVER): "dscp_46"})
        self.gateway.nft("flush ruleset")
        self.stream.send(end(other))
        self.holds({(*INNER, *SERVER): "dscp_34"})

    def test_elements_are_renewed_and_vanish_when_nobody_does(self):
        actuator = self.start("--timeout-seconds", "10")
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.holds({(*INNER, *SERVER): "dscp_46"})
        left = lambda: self.elements()[(*INNER, *SERVER)][1]
        rig.wait_for("half of the time gone", lambda: left() <= 6)
        rig.wait_for("a renewal", lambda: left() >= 8)
        actuator.kill()
        self.holds({})

    def test_clear_empties_the_maps(self):
        self.start()
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46), mark(flow(INNER6, SERVER6), 46)))
        self.holds({(*INNER, *SERVER): "dscp_46"})
        self.holds({(*INNER6, *SERVER6): "dscp_46"}, "flows6")
        self.gateway.inside(self.gateway.gateway, rig.tool("flowmark-nft"), "--clear")
        self.assertEqual((self.values(), self.values("flows6")), ({}, {}))

    def test_without_the_right_it_says_what_is_missing(self):
        result = rig.run("ip", "netns", "exec", self.gateway.gateway, "setpriv", "--bounding-set",
                         "-net_admin", "--inh-caps", "-net_admin", rig.tool("flowmark-nft"), "--clear")
        self.assertEqual(result.returncode, 1)
        self.assertIn("NET_ADMIN", result.stderr)

    def test_a_map_of_another_type_is_refused(self):
        self.gateway.nft(MARK_RULES)
        result = rig.run("ip", "netns", "exec", self.gateway.gateway, rig.tool("flowmark-nft"), "--once")
        self.assertEqual(result.returncode, 1)
        self.assertIn("flows4", result.stderr)
        self.assertIn("verdict", result.stderr)


if __name__ == "__main__":
    rig.need_tools("nft", "setpriv")
    inline_test.need_namespaces()
    unittest.main()

#!/usr/bin/env python3
"""flowmark-conntrack and the kernel's connection tracking, on a gateway that masquerades."""

import unittest

import inline_test
import rig
from actuator_rig import (INNER, INNER6, OUTER, SERVER, SERVER6, ICMP, Actuator, Call, Gateway,
                          Stream, end, flow, mark, snapshot)

EF, AF41 = 46 << 26 | 1 << 24, 34 << 26 | 1 << 24
OTHERS = 0x00000005  # bits of another program

# What an operator writes to use the marks: DSCP from the entry's mark, in both directions.
RESTORE = """
  table inet restore {
    chain forward { type filter hook forward priority mangle;
      ct mark & 0xff000000 == 0xb9000000 ip dscp set ef
      ct mark & 0xff000000 == 0xb9000000 ip6 dscp set ef
    }
  }
"""
FOREIGN = """
  table inet foreign {
    chain forward { type filter hook forward priority filter; ct state new ct mark set 0x5; }
  }
"""


class ConntrackTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        self.gateway = Gateway(self)
        self.stream = Stream(self.folder)
        self.addCleanup(self.stream.close)

    def start(self, *arguments):
        return Actuator(self, "flowmark-conntrack", self.gateway.gateway, *arguments)

    def mark_is(self, value, inner=INNER, server=SERVER):
        rig.wait_for("mark %#x" % value, lambda: self.gateway.marks().get((*inner, *server)) == value)

    def test_an_entry_is_found_by_the_addresses_of_either_side_of_nat(self):
        call = Call(self, self.gateway)
        call.exchange()
        self.assertEqual(call.seen_by_server, OUTER)
        self.start()
        self.stream.accept(*snapshot())
        for source, destination in ((INNER, SERVER), (OUTER, SERVER), (SERVER, INNER),
                                    (SERVER, OUTER)):
            with self.subTest(source=source, destination=destination):
                self.stream.send(mark(flow(source, destination), 46))
                self.mark_is(EF)
                self.stream.send(end(flow(source, destination)))
                self.mark_is(0)

    def test_packets_of_both_directions_get_the_mark(self):
        self.gateway.nft(RESTORE)
        for inner, server in ((INNER, SERVER), (INNER6, SERVER6)):
            call = Call(self, self.gateway, inner, server)
            self.assertEqual(call.exchange(), (0, 0))
            actuator = self.start()
            self.stream.accept(*snapshot())
            self.stream.send(mark(flow(inner, server), 46))
            self.mark_is(EF, inner, server)
            self.assertEqual(call.exchange(), (46, 46))
            self.stream.send(mark(flow(inner, server), None))
            self.mark_is(0, inner, server)
            self.assertEqual(call.exchange(), (0, 0))
            actuator.kill()

    def test_bits_of_other_programs_stay(self):
        self.gateway.nft(FOREIGN)
        Call(self, self.gateway).exchange()
        actuator = self.start()
        self.stream.accept(*snapshot())
        for line, expected in ((mark(flow(INNER, SERVER), 46), EF), (mark(flow(INNER, SERVER), 34), AF41),
                               (end(flow(INNER, SERVER)), 0)):
            self.stream.send(line)
            self.mark_is(expected | OTHERS)
        status, counters = actuator.stop()
        self.assertEqual(status, 0)
        self.assertEqual((counters["set"], counters["cleared"], counters["failed"]), (2, 1, 0))

    def test_another_place_in_the_mark(self):
        Call(self, self.gateway).exchange()
        self.start("--mask", "0xff00", "--shift", "8", "--valid-bit", "15")
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.mark_is(46 << 8 | 1 << 15)

    def test_after_a_restart_what_is_set_equals_what_lives(self):
        calls = [Call(self, self.gateway, (INNER[0], port), (SERVER[0], port + 10000))
                 for port in (41000, 41001, 41002)]
        ends = [((INNER[0], port), (SERVER[0], port + 10000)) for port in (41000, 41001, 41002)]
        for call in calls:
            call.exchange()
        actuator = self.start()
        self.stream.accept(*snapshot(mark(flow(*ends[0]), 46), mark(flow(*ends[1]), 46)))
        self.mark_is(EF, *ends[0])
        self.mark_is(EF, *ends[1])
        actuator.kill()  # as it would crash
        self.start()
        self.stream.accept(*snapshot(mark(flow(*ends[1]), 34), mark(flow(*ends[2]), 46)))
        self.mark_is(0, *ends[0])
        self.mark_is(AF41, *ends[1])
        self.mark_is(EF, *ends[2])

    def test_a_mark_that_another_program_took_away_comes_back(self):
        call = Call(self, self.gateway)
        call.exchange()
        self.start("--reconcile-seconds", "1")
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.mark_is(EF)
        self.gateway.nft("table inet thief { chain forward { type filter hook forward priority 0; "
                         "ct mark set 0x5; }; }")
        call.exchange()
        self.mark_is(EF | OTHERS)

    def test_lost_lines_lead_to_a_new_snapshot(self):
        Call(self, self.gateway).exchange()
        self.start()
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.mark_is(EF)
        self.stream.send({"type": "lost", "lines": 7})  # one of them was the flow's end
        self.stream.wait_for_end()
        self.stream.accept(*snapshot())
        self.mark_is(0)

    def test_what_has_no_entry_is_counted(self):
        actuator = self.start("--once")
        self.stream.accept(*snapshot())
        self.stream.send(mark(flow(("10.9.1.2", 9), SERVER), 46),
                         mark(flow(("10.9.1.2", 0), (SERVER[0], 0), ICMP), 46))
        self.stream.hang_up()
        status, counters = actuator.finish()
        self.assertEqual(status, 0, actuator.log())
        self.assertEqual((counters["missing_flows"], counters["left_out"], counters["set"]), (1, 1, 0))

    def test_clear_takes_away_ours_alone(self):
        self.gateway.nft(FOREIGN)
        Call(self, self.gateway).exchange()
        self.start()
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.mark_is(EF | OTHERS)
        self.gateway.inside(self.gateway.gateway, rig.tool("flowmark-conntrack"), "--clear")
        self.assertEqual(self.gateway.marks()[(*INNER, *SERVER)], OTHERS)

    def test_without_the_right_it_says_what_is_missing(self):
        result = rig.run("ip", "netns", "exec", self.gateway.gateway, "setpriv", "--bounding-set",
                         "-net_admin", "--inh-caps", "-net_admin", rig.tool("flowmark-conntrack"),
                         "--clear")
        self.assertEqual(result.returncode, 1)
        self.assertIn("NET_ADMIN", result.stderr)


if __name__ == "__main__":
    rig.need_tools("nft", "conntrack", "setpriv")
    inline_test.need_namespaces()
    unittest.main()

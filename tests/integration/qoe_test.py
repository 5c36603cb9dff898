#!/usr/bin/env python3
"""The proof's arithmetic (bench/qoe): the E-model against ITU-T G.107, calls from captures, marks, the report.
Needs neither root nor a network."""

import contextlib
import io
import json
import os
import struct
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

SOURCE = os.environ.get("FLOWMARK_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SOURCE, "bench", "qoe"))

from qoe import calls, daemon, emodel, figures, lines, load, marks, measure, plan, report  # noqa: E402
from qoe.emodel import Circuit  # noqa: E402

HERE, THERE = ("10.78.0.2", 40000), ("10.78.1.1", 50000)
STREAM = 0x1234


class EModel(unittest.TestCase):
    def test_default_values_give_the_published_rating(self):
        self.assertEqual(round(emodel.rating(Circuit()), 1), 93.2)  # G.107, clause 7.7
        self.assertEqual(round(emodel.mos(emodel.rating(Circuit())), 2), 4.41)

    def test_mos_is_that_of_table_b1(self):
        for r, mos in ((90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)):
            self.assertAlmostEqual(emodel.mos(r), mos, delta=0.011)
        self.assertEqual(emodel.mos(-3), 1.0)
        self.assertEqual(emodel.mos(0.01), 1.0)
        self.assertEqual(emodel.mos(120), 4.5)

    def test_delay_costs_nothing_up_to_its_threshold_and_then_more_and_more(self):
        self.assertEqual(emodel.delay_impairment(100), 0)
        steps = [emodel.delay_impairment(delay) for delay in range(100, 1000, 50)]
        self.assertEqual(steps, sorted(steps))
        # At 200 ms X is 1, and the powers are those of whole numbers.
        self.assertAlmostEqual(emodel.delay_impairment(200), 25 * (2 ** (1 / 6) - 3 * (1 + 3 ** -6) ** (1 / 6) + 2))
        # G.114, figure 1: an excellent circuit falls below R = 70 before 400 ms of one-way delay.
        self.assertLess(emodel.rating(Circuit(ta=400)), 70)
        self.assertGreater(emodel.rating(Circuit(ta=150)), 90)

    def test_losses_follow_the_codecs_of_g113(self):
        # G.113, appendix I: G.711 with concealment (0, 25.1) and G.729A (11, 19.0).
        self.assertAlmostEqual(emodel.loss_impairment(0, 25.1, 5), 95 * 5 / 30.1)
        self.assertAlmostEqual(emodel.loss_impairment(11, 19.0, 0), 11)
        self.assertAlmostEqual(emodel.loss_impairment(11, 19.0, 19), 53)  # half of what is left at ppl = bpl
        self.assertGreater(emodel.loss_impairment(0, 19.0, 5, burst_r=2), emodel.loss_impairment(0, 19.0, 5))

    def test_noise_echo_and_loudness_make_it_worse(self):
        best = emodel.rating(Circuit())
        for worse in (Circuit(pr=60), Circuit(ps=60), Circuit(slr=20), Circuit(t=100, telr=45),
                      Circuit(wepl=10, tr=100), Circuit(qdu=14), Circuit(nc=-40)):
            self.assertLess(emodel.rating(worse), best - 1)


def rtp(sequence, source=HERE, destination=THERE, tos=0, kind=111, stream=STREAM):
    """An IPv4 packet."""
    payload = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, sequence * 960, stream) + bytes(60)
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    addresses = b"".join(bytes(map(int, host.split("."))) for host, _ in (source, destination))
    return struct.pack("!BBHHHBBH", 0x45, tos, 28 + len(payload), 0, 0, 64, 17, 0) + addresses + udp + payload


def capture(folder, name, packets, link=101):
    """packets: [(seconds, bytes)]"""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 64, link))
        for time_s, data in packets:
            if link == 1:
                data = bytes(12) + b"\x08\x00" + data
            micros = round(time_s * 1e6)
            file.write(struct.pack("<IIII", micros // 10**6, micros % 10**6, min(64, len(data)), len(data)))
            file.write(data[:64])
    return path


class Calls(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = self._folder.name

    def call(self, count=500, delay_s=0.03, lost=(), marked_from=None, link=101):
        sent = [(100 + 0.02 * n, rtp(65500 + n)) for n in range(count)]
        got = [(time_s + delay_s, rtp(65500 + n, tos=46 << 2 if marked_from is not None and n >= marked_from else 0))
               for n, (time_s, _) in enumerate(sent) if n not in lost]
        ends = (calls.read_capture(capture(self.folder, name, packets, link))
                for name, packets in (("sent", sent), ("got", got)))
        flows = calls.follow(*ends)
        self.assertEqual(list(flows), [HERE + THERE])
        return flows[HERE + THERE]

    def test_delay_and_loss_are_read_from_both_ends(self):
        for link in (1, 101):
            packets = self.call(lost=range(40, 50), link=link)
            figures = calls.judge(packets)
            self.assertEqual((figures["packets"], figures["lost_percent"]), (500, 2.0))
            self.assertEqual((figures["delay_ms"], figures["jitter_ms"]), (30.0, 0.0))

    def test_a_clear_line_has_the_score_of_its_delay(self):
        figures = calls.judge(self.call())
        expected = emodel.mos(emodel.rating(Circuit(ta=30 + calls.CODEC_DELAY_MS + 10)))
        self.assertAlmostEqual(figures["mos"], expected, delta=0.01)
        self.assertGreater(figures["mos"] - calls.judge(self.call(delay_s=0.5))["mos"], 1.0)

    def test_only_the_window_with_losses_is_worse(self):
        figures = calls.judge(self.call(lost=range(0, 25)))
        self.assertLess(figures["mos_first"], 3.6)
        self.assertEqual(figures["mos_worst"], figures["mos_first"])
        self.assertAlmostEqual(figures["mos"], (figures["mos_first"] + calls.judge(self.call())["mos"]) / 2, delta=0.01)

    def test_the_first_marked_packet_counts_from_the_first_packet(self):
        self.assertAlmostEqual(calls.first_marked_s(self.call(marked_from=15), 46, 100.0), 0.3)
        self.assertAlmostEqual(calls.first_marked_s(self.call(marked_from=0), 46, 99.5), 0.5)
        self.assertIsNone(calls.first_marked_s(self.call(), 46, 100.0))

    def test_a_playout_that_waits_longer_is_chosen_where_it_is_better(self):
        steady, late = [30.0] * 90, [75.0] * 10
        _, playout, lost = calls.best_playout(steady + late)
        self.assertEqual((playout, lost), (80.0, 0.0))
        _, playout, lost = calls.best_playout(steady * 100 + [900.0])
        self.assertEqual(playout, 40.0)
        self.assertGreater(lost, 0)
        self.assertEqual(calls.best_playout([None] * 5), (1.0, None, 100.0))

    def test_other_packets_are_left_out(self):
        control = rtp(1, kind=200)
        short = rtp(1)[:30]
        stun = bytearray(rtp(1))
        stun[28] = 0
        path = capture(self.folder, "others", [(1, control), (2, short), (3, bytes(stun)), (4, rtp(7))])
        self.assertEqual([seen.number for seen in calls.read_capture(path)], [(STREAM, 7)])

    def test_something_else_than_a_capture_is_refused(self):
        path = capture(self.folder, "cooked", [], link=113)
        with self.assertRaises(ValueError):
            list(calls.read_capture(path))


HTB = """class htb 1:11 parent 1:1 leaf 8002: prio 1 rate 2500Kbit ceil 10Mbit burst 1598b cburst 1600b
 Sent 4542 bytes 3 pkt (dropped 2, overlimits 1 requeues 0)
 backlog 0b 0p requeues 0
 lended: 3 borrowed: 0 giants: 0
class htb 1:1 root rate 10Mbit ceil 10Mbit burst 1600b cburst 1600b
 Sent 9000 bytes 9 pkt (dropped 0, overlimits 1 requeues 0)
"""


class Rig(unittest.TestCase):
    def test_every_mark_has_one_class_of_the_kernels_queue_and_that_of_the_relay(self):
        commands = list(lines.htb_commands("eth9", 10, 1000, "tiers"))
        rates = [int(c[c.index("rate") + 1].removesuffix("kbit")) for c in commands if c[0] == "class"]
        self.assertEqual(rates[0], sum(rates[1:]))
        filters = [c for c in commands if c[0] == "filter"]
        values = [int(c[c.index("tos") + 1], 16) >> 2 for c in filters]
        self.assertEqual(len(values), len(set(values)))
        flows = {value: c[-1] for value, c in zip(values, filters)}
        self.assertEqual([flows.get(dscp) for dscp in (46, 34, 26, 0, 18, 10, 8, 1)],
                         ["1:10", "1:11", "1:11", None, None, "1:13", "1:14", "1:14"])
        self.assertEqual([c for c in lines.htb_commands("eth9", 10, 1000, "fifo") if c[0] == "filter"], [])

    def test_shares_are_those_of_the_relay(self):
        with open(os.path.join(SOURCE, "bench/qoe/relay/tier_scheduler.h"), encoding="utf-8") as file:
            text = file.read().split("kShares = {")[1].split("}")[0]
        self.assertEqual([round(100 * float(word)) for word in text.split(",")], list(lines.SHARES.values()))

    def test_counters_of_the_kernels_queue_are_read(self):
        self.assertEqual(lines.htb_counters(HTB), {"video": {"bytes": 4542, "frames": 3, "dropped": 2}})

    def test_marks_by_truth_are_flowmarks_own(self):
        text = marks.table(marks.rules_by_truth(False))
        self.assertIn("ip saddr 10.78.1.0/24 ip dscp set 0x2e", text)
        self.assertEqual(text.count("dscp set"), 2 * len(marks.TRUE_MARKS))
        self.assertIn("udp dport 51821 ip dscp set 0x2e", marks.table(marks.rules_by_truth(True)))

    def test_rows_of_a_table_follow_each_other_and_one_tunnel_has_those_that_differ(self):
        runs = plan.runs(plan.parse([]))
        self.assertEqual(len(runs), 2 * 2 * 4 + 4 + 2)
        self.assertEqual([run.row for run in runs[:4]], list(plan.ROWS))
        self.assertEqual([run.row for run in runs[-2:]], ["none", "flowmark"])
        self.assertEqual(len(plan.runs(plan.parse(["--rates", "20", "--lines", "htb"]))), 4)

    def test_options_that_mean_nothing_are_refused(self):
        for words in (["--rows", "magic"], ["--rates", "0"], ["--scale", "9"], ["--queue", "1"]):
            with self.assertRaises(SystemExit) as stop, contextlib.redirect_stderr(io.StringIO()):
                plan.parse(words)
            self.assertEqual(stop.exception.code, 2)

    def test_a_swarm_announces_at_its_tracker(self):
        data, info_hash = load.torrent("down", "10.78.5.6:6969")
        self.assertIn(b"8:announce", data)
        self.assertEqual(len(info_hash), 40)
        self.assertNotEqual(info_hash, load.torrent("up", "10.78.5.6:6969")[1])

    def test_the_largest_flows_changes_of_verdict_are_read_from_the_log(self):
        line = "2026-01-01T00:00:%s+00:00 debug: %s: category %s after %d packets\n"
        large, small = "TCP 10.78.0.2:4 10.78.4.1:443", "TCP 10.78.0.2:5 10.78.4.1:443"
        other = "UDP 1.1.1.1:5 9.9.9.9:7"
        log = "".join(line % words for words in (
            ("01.500", large, "- (0.20, provisional)", 16), ("02.000", small, "p2p (0.90)", 32),
            ("02.500", large, "streaming (0.80, provisional)", 64), ("03.000", large, "streaming (0.90)", 128),
            ("03.500", other, "voip (0.90)", 999)))
        began = 1767225601.0  # 2026-01-01 00:00:01 UTC
        self.assertEqual(daemon.history(log, began), {"download": [
            {"at_s": 0.5, "class": "none", "confidence": 0.2, "packets": 16},
            {"at_s": 1.5, "class": "streaming", "confidence": 0.8, "packets": 64}]})

    def test_an_application_is_known_by_its_server_or_its_tunnel(self):
        self.assertEqual(daemon.application_of({"flow": "TCP 10.78.0.2:4 10.78.4.1:443"}), "download")
        self.assertEqual(daemon.application_of({"flow": "UDP 10.78.0.2:51821 10.78.0.9:51821"}), "call")
        self.assertIsNone(daemon.application_of({"flow": "UDP 10.78.0.2:51820 10.78.0.9:51820"}))

    def test_a_calls_mark_counts_from_the_direction_that_has_it_first(self):
        rows = [{"call": "a", "to_mark_s": 0.4}, {"call": "a", "to_mark_s": 0.2}, {"call": "b", "to_mark_s": None},
                {"call": "b", "to_mark_s": None}, {"call": "c", "to_mark_s": None}, {"call": "c", "to_mark_s": 0.9}]
        found = measure.mark_figures(rows)
        self.assertEqual((found["to_mark_s"], found["unmarked"], found["p99_s"]), ([0.2, 0.9], 1, 0.9))


def row(name, mos, loads_ms):
    """A row's figures; `mos`: of the end at home, the other end hears 4.4."""
    ends = [{"call": call, "direction": direction, "mos": value, "mos_worst": value - 0.1, "lost_percent": 1.0,
             "delay_p99_ms": 50.0}
            for call in ("telephone", "any-port") for direction, value in (("down", mos), ("up", 4.4))]
    return {"scenario": "plain", "rate_mbit": 10.0, "lines": "relay", "row": name, "calls": ends,
            "film": {"start_s": 1.0, "stall_s": 0.0, "mbit": 2.0}, "pages": {"loads_ms": loads_ms},
            "verdicts": {"download": {"streaming": 900, "file-transfer": 100}}, "settle_s": 4.0,
            "history": {"download": [{"class": "streaming", "at_s": 0.44}]}, "machine": {"busy": 0.2, "stolen": 0}}


class Report(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)

    def report(self, *results):
        with open(os.path.join(self._folder.name, "results.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(figures) + "\n" for figures in results)
        with contextlib.redirect_stdout(io.StringIO()):
            report.write(self._folder.name)
        made = {}
        for name in ("table.md", "goals.jsonl", "picture.svg"):
            path = os.path.join(self._folder.name, name)
            if os.path.exists(path):  # no rows, no picture
                with open(path, encoding="utf-8") as file:
                    made[name] = file.read()
        return made

    def test_a_call_is_as_good_as_its_worse_end(self):
        self.assertEqual(figures.call_mos(row("none", 2.0, [])), 2.0)
        self.assertAlmostEqual(figures.worst_mos(row("none", 2.0, [])), 1.9)

    def test_pages_are_held_against_the_same_pages(self):
        rows = {"flowmark": row("flowmark", 4, [1000, 3000, 9000]), "truth": row("truth", 4, [1000, 2000])}
        self.assertEqual(figures.pages_s(rows["flowmark"], rows), 2.0)
        self.assertEqual(figures.pages_s(rows["truth"], rows), 1.5)
        rows["truth"] = row("truth", 4, [1000, None])
        self.assertEqual(figures.pages_s(rows["truth"], rows), 10.5)

    def test_goals_are_answered_from_the_rows(self):
        made = self.report(row("none", 3.0, [4000]), row("flowmark", 4.2, [2100]), row("truth", 4.25, [2000]))
        self.assertEqual([json.loads(line)["met"] for line in made["goals.jsonl"].splitlines()], [True, True, True])
        self.assertIn("| plain, 10 Mbit/s, relay | pages within 10% of true labels | +5% | yes |", made["table.md"])
        made = self.report(row("none", 3.5, [4000]), row("flowmark", 4.1, [2300]), row("truth", 4.25, [2000]))
        self.assertEqual([json.loads(line)["met"] for line in made["goals.jsonl"].splitlines()], [False, False, False])
        self.assertEqual(self.report(row("none", 3.0, [4000]))["goals.jsonl"], "")

    def test_table_and_picture_have_every_row(self):
        made = self.report(row("none", 3.0, []), row("flowmark", 4.2, [2100]))
        self.assertIn("| marks by flowmark | 4.20 | 4.20 | 4.10 | 50 | 1.0 | 1.0 | 0.0 | 2.0 | - | 20 |",
                      made["table.md"])
        self.assertNotIn("**Goals**", made["table.md"])
        self.assertIn("- download: streaming 90%, file-transfer 10%; its largest flow: streaming at 0.4 s",
                      made["table.md"])
        tree = xml.fromstring(made["picture.svg"])
        bars = [found for found in tree.iter("{http://www.w3.org/2000/svg}rect") if len(found)]
        self.assertEqual([len(bars), bars[0][0].text], [2, "no shaping: 3.00"])

    def test_a_row_that_failed_is_said(self):
        made = self.report({"run": "plain, 10 Mbit/s, htb, none", "error": "RuntimeError: no"})
        self.assertIn("Not measured: plain, 10 Mbit/s, htb, none: RuntimeError: no", made["table.md"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""flowmark's subcommands as a user runs them: features, infer, train, eval, experiment, model, render.

FLOWMARK_BIN in the environment is the folder of the program. What they print is compared with an independent computation written here from the documents alone.
"""

import bisect
import gzip
import json
import math
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser
from xml.etree import ElementTree

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "cli")
FLOWS = os.path.join(GOLDEN, "flows.csv")
CAPTURE = os.path.join(GOLDEN, "capture.pcap")
PROGRAM = os.path.join(os.environ["FLOWMARK_BIN"], "flowmark")


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)


def lines(*arguments):
    done = run(*arguments)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: status {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_sequences():
    """The flows of FLOWS: (id, label, [(absolute microseconds, signed size)])."""
    flows = []
    with open(FLOWS, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                name, rest = line[1:].split(",", 1)
                label, seconds = rest.rsplit(",", 1)
                whole, part = seconds.strip().split(".")
                time = int(whole) * 1_000_000 + int(part)
                flows.append((name, label, []))
            else:
                gap, size = map(int, line.split(","))
                time += gap
                flows[-1][2].append((time, size))
    return flows


def log_bin(value, axis):
    edges = [math.ceil(axis["min"] * (axis["max"] / axis["min"]) ** (i / axis["bins"]) * (1 - 1e-12))
             for i in range(1, axis["bins"])]
    return bisect.bisect_right(edges, value)


SIZE = {"bins": 16, "min": 40, "max": 1500}
IAT = {"bins": 30, "min": 1, "max": 10e6}
BURST = {"bins": 16, "min": 40, "max": 1e6}
SURGE = {"bins": 30, "min": 100, "max": 60e6}


def pictures(packets, side, window_us, bins, hop_us, min_packets):
    """(number, start, count, {(column, row): n}) of one direction."""
    own = [(t, abs(s)) for t, s in packets if (s > 0) == (side == "up")]
    if not own:
        return
    first, last = own[0][0], own[-1][0]
    for number in range((last - first) // hop_us + 1):
        start = first + number * hop_us
        cells, count = {}, 0
        for time, size in own:
            if start <= time < start + window_us and 1 <= size <= 1500:
                cell = ((time - start) * bins // window_us, (size - 1) * bins // 1500)
                cells[cell] = cells.get(cell, 0) + 1
                count += 1
        if count >= min_packets:
            yield number, start, count, cells


def histograms(packets, kind):
    """Per packet: its time, the bins it adds, and the bin of the burst that is open after it."""
    offset = 2 * SIZE["bins"] * IAT["bins"] if kind == "combined" else 0
    before = burst = direction = surge_start = None
    for time, size in packets:
        side, added = (0 if size > 0 else 1), []
        if kind != "burst_surge":
            iat = 0 if before is None else time - before
            row = side * SIZE["bins"] + log_bin(abs(size), SIZE)
            added.append(row * IAT["bins"] + log_bin(iat, IAT))
        is_new_surge = before is None or time - before > 1_000_000

        def burst_bin():
            row = direction * BURST["bins"] + log_bin(burst, BURST)
            return offset + row * SURGE["bins"] + log_bin(before - surge_start, SURGE)

        if kind != "size_iat":
            if before is not None and (is_new_surge or side != direction):
                added.append(burst_bin())
                burst = 0
            if is_new_surge:
                surge_start = time
            burst = (burst or 0) + abs(size)
            direction = side
        before = time
        yield time, added, burst_bin() if kind != "size_iat" else None


def packet_windows(packets, kind, length=1024):
    steps = list(histograms(packets, kind))
    for number in range(len(steps) // length):
        window = steps[number * length:(number + 1) * length]
        bins = [b for _, added, _ in window for b in added]
        if kind != "size_iat":
            bins.append(window[-1][2])
        yield number, window[0][0], {b: bins.count(b) for b in set(bins)}


class Features(unittest.TestCase):
    def test_pictures_agree_with_their_definition(self):
        for window_s, bins, hop_s in ((60, 1500, 60), (15, 32, 5)):
            spec = {"kind": "flowpic", "window_s": window_s, "time_bins": bins, "size_bins": bins}
            got = lines("features", "--spec", json.dumps(spec), "--hop", str(hop_s), FLOWS)
            expected = []
            for name, label, packets in read_sequences():
                for side in ("up", "down"):
                    for number, start, count, cells in pictures(
                            packets, side, window_s * 1_000_000, bins, hop_s * 1_000_000, 1):
                        pixels = sorted(([c, r, n] for (c, r), n in cells.items()),
                                        key=lambda p: (p[1], p[0]))
                        expected.append({"flow": name, "label": label, "direction": side,
                                         "window_start_us": start, "window": number,
                                         "packets": count, "pixels": pixels})
            self.assertEqual(got, expected)
            self.assertGreater(len(got), 20)

    def test_histograms_agree_with_their_definition(self):
        for kind in ("size_iat", "burst_surge", "combined"):
            got = lines("features", "--spec", kind, FLOWS)
            expected = [{"flow": name, "label": label, "direction": "both", "window_start_us": start,
                         "window": number, "packets": 1024, "bins": [list(b) for b in sorted(bins.items())]}
                        for name, label, packets in read_sequences()
                        for number, start, bins in packet_windows(packets, kind)]
            self.assertEqual(got, expected)
            self.assertEqual(len(got), 4)

    def test_capture_has_its_conversations(self):
        got = lines("features", "--spec", '{"kind":"size_iat","window_packets":20}', CAPTURE)
        self.assertEqual([w["flow"] for w in got], ["udp 10.0.0.1:5000 192.0.2.9:443"] * 2 +
                         ["udp 10.0.0.1:5001 192.0.2.9:443"] * 2)
        self.assertNotIn("label", got[0])
        self.assertEqual(got[0]["window_start_us"], 1700000000 * 1_000_000)
        self.assertEqual(sum(n for _, n in got[1]["bins"]), 20)
        # Seen from the inside, the other side is upstream: the histogram's halves change places.
        turned = lines("features", "--spec", '{"kind":"size_iat","window_packets":20}', "--inside",
                       "192.0.2.0/24", CAPTURE)
        half = 16 * 30
        self.assertEqual(sorted((b + half) % (2 * half) for b, _ in got[0]["bins"]),
                         [b for b, _ in turned[0]["bins"]])

    def test_values_and_files(self):
        count = lines("features", "--spec", "size_iat", FLOWS)[0]["bins"]
        for kind, value in (("fraction", lambda n: n / 1024), ("log1p", math.log1p)):
            got = lines("features", "--spec", json.dumps({"kind": "size_iat", "values": kind}), FLOWS)
            for (index, n), (index2, v) in zip(count, got[0]["bins"], strict=True):
                self.assertEqual(index, index2)
                self.assertAlmostEqual(v, value(n), delta=1e-6 * max(1, n))
        with tempfile.TemporaryDirectory() as folder:
            packed, spec, out = (os.path.join(folder, n) for n in ("f.csv.gz", "spec.json", "o.jsonl"))
            with open(FLOWS, "rb") as plain, gzip.open(packed, "wb") as file:
                file.write(plain.read())
            with open(spec, "w", encoding="utf-8") as file:
                file.write('{"kind": "flowpic"}')
            self.assertEqual(run("features", "--spec", spec, "--out", out, packed).stdout, "")
            with open(out, encoding="utf-8") as file:
                self.assertEqual(file.read(), run("features", "--spec", "flowpic", FLOWS).stdout)
            self.assertEqual(sorted(os.listdir(folder)), ["f.csv.gz", "o.jsonl", "spec.json"])

    def test_min_packets(self):
        all_windows = lines("features", "--spec", "flowpic", FLOWS)
        thick = lines("features", "--spec", "flowpic", "--min-packets", "20", FLOWS)
        self.assertEqual(thick, [w for w in all_windows if w["packets"] >= 20])
        self.assertLess(len(thick), len(all_windows))


class WrongUse(unittest.TestCase):
    def expect(self, status, *arguments, says):
        done = run(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertTrue(done.stderr.startswith("flowmark: "), done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_wrong_use_is_2(self):
        self.expect(2, says="subcommand")
        self.expect(2, "feature", says="feature")
        self.expect(2, "experiment", "lerou", says="experiment: no command 'lerou': must be one of leroux, flowpic, sources")
        self.expect(2, "model", "inspekt", says="model: no command 'inspekt'")
        self.expect(2, "features", FLOWS, says="--spec")
        self.expect(2, "features", "--spec", "flowpick", FLOWS, says="flowpic, size_iat")
        self.expect(2, "features", "--spec", '{"kind":"flowpic","time_bin":3}', FLOWS, says="time_bin")
        self.expect(2, "features", "--spec", "flowpic", "--hop", "-1", FLOWS, says="--hop")
        self.expect(2, "features", "--spec", "flowpic", "--inside", "10.0.0/8", FLOWS, says="10.0.0/8")
        self.expect(2, "infer", FLOWS, says="--model")
        self.expect(2, "train", "--data", FLOWS, says="--out")

    def test_bad_input_is_1(self):
        self.expect(1, "features", "--spec", "flowpic", "/nowhere/x.pcap", says="/nowhere/x.pcap")
        self.expect(1, "infer", "--model", FLOWS, FLOWS, says="flows.csv")
        with tempfile.TemporaryDirectory() as folder:
            bad = os.path.join(folder, "bad.csv")
            with open(bad, "w", encoding="utf-8") as file:
                file.write("#1,a,0.0\n0,100\nfive,100\n")
            self.expect(1, "features", "--spec", "size_iat", bad, says="bad.csv:3")

    def test_a_snap_length_that_is_too_short_is_1(self):
        """Nothing can be read of 40 bytes of IPv4 and UDP; of a part that can, the rest is told."""
        frame = bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 100, 0, 0, 64, 17, 0,
                                                      bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 1, 2,
                                                      80, 0) + bytes(12)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "short.pcap")
            with open(path, "wb") as file:
                file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 40, 1))
                for second in range(3):
                    file.write(struct.pack("<IIII", second, 0, 40, 114) + frame[:40])
            self.expect(1, "features", "--spec", "flowpic", path, says="3 of 3 packets")
            self.expect(1, "features", "--spec", "flowpic", path, says="snap length of 40 bytes")
            with open(path, "ab") as file:
                file.write(struct.pack("<IIII", 9, 0, len(frame), 114) + frame)
            done = run("features", "--spec", "flowpic", path)
            self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 1), done.stderr)
            self.assertIn("warning: " + path + ": 3 of 4 packets", done.stderr)

    def test_help_and_version(self):
        for arguments in (("--help",), ("features", "--help"), ("infer", "--help"), ("train", "--help"),
                          ("eval", "--help"), ("model", "--help"), ("render", "--help"), ("experiment", "--help"),
                          ("experiment", "leroux", "--help")):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertIn("Example", done.stdout)
        self.assertRegex(run("--version").stdout, r"^flowmark \d+\.\d+\.\d+\n$")


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.manifest = os.path.join(cls.folder, "data.yaml")
        with open(cls.manifest, "w", encoding="utf-8") as file:
            file.write(f"sessions:\n  - path: {os.path.relpath(FLOWS, cls.folder)}\n"
                       "    labels: {fetch: fetch, \"talk*\": talk}\n")
        cls.model = os.path.join(cls.folder, "nb.onnx")
        done = run("train", "--model-type", "naive-bayes", "--spec", "size_iat", "--data", cls.manifest,
                   "--validation", "0", "--no-tiles", "--prefix-packets", "50", "--min-packets", "3",
                   "--unbalanced", "--out", cls.model)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def naive_bayes(self):
        """(log prior, log P(bin | class)) by the closed form, from the flows themselves."""
        length = 2 * SIZE["bins"] * IAT["bins"]
        counts = {"fetch": [1.0] * length, "talk": [1.0] * length}
        flows = {"fetch": 0, "talk": 0}
        for _, label, packets in read_sequences():
            name = "fetch" if label == "fetch" else "talk"
            flows[name] += 1
            for _, added, _ in histograms(packets[:50], "size_iat"):
                counts[name][added[0]] += 1
        return {name: (math.log(flows[name] / sum(flows.values())),
                       [math.log(n / sum(counts[name])) for n in counts[name]]) for name in counts}

    def test_infer_gives_the_posterior_of_naive_bayes(self):
        bayes = self.naive_bayes()
        features = lines("features", "--model", self.model, FLOWS)
        answers = lines("infer", "--model", self.model, FLOWS)
        self.assertEqual(len(answers), 4)
        for window, answer in zip(features, answers, strict=True):
            bins = window.pop("bins")
            scores = [bayes[c][0] + sum(n * bayes[c][1][b] for b, n in bins) for c in ("fetch", "talk")]
            top = max(scores)
            weights = [math.exp(s - top) for s in scores]
            for expected, got in zip(weights, answer.pop("probabilities"), strict=True):
                self.assertAlmostEqual(got, expected / sum(weights), delta=1e-5)
            self.assertEqual(answer.pop("class"), ("fetch", "talk")[scores.index(top)])
            self.assertEqual(answer, window)

    def test_bench_adds_a_line(self):
        *answers, bench = lines("infer", "--model", self.model, "--bench", FLOWS)
        self.assertEqual(answers, lines("infer", "--model", self.model, FLOWS))
        self.assertEqual(sorted(bench), ["median_us", "p99_us", "windows"])
        self.assertEqual(bench["windows"], len(answers))
        self.assertLessEqual(0, bench["median_us"])
        self.assertLessEqual(bench["median_us"], bench["p99_us"])

    def test_training_is_repeatable(self):
        made = []
        for threads in ("1", "2"):
            out = os.path.join(self.folder, f"lr{threads}.onnx")
            done = run("train", "--data", self.manifest, "--split-by", "flow", "--min-packets", "3",
                       "--validation", "0.3", "--seed", "5", "--threads", threads, "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(out, "rb") as file:
                made.append(file.read())
        self.assertEqual(made[0], made[1])

    def test_eval_counts_every_flow(self):
        done = run("eval", "--model", self.model, "--data", self.manifest, "--min-packets", "1",
                   "--prefix-packets", "10", "50", "--json")
        result = json.loads(done.stdout)
        self.assertEqual(result["flows"]["count"], 13)
        self.assertEqual(sum(map(sum, result["flows"]["confusion"])), 13)
        right = sum(result["flows"]["confusion"][c][c] for c in range(2))
        self.assertAlmostEqual(result["flows"]["accuracy"], right / 13)
        self.assertEqual(result["windows"]["count"], 4)
        self.assertEqual([p["packets"] for p in result["prefixes"]], [10, 50])
        self.assertIn("talk", run("eval", "--model", self.model, "--data", self.manifest).stdout)

    def test_eval_leaves_out_what_flows_say_is_for_training(self):
        with open(FLOWS) as file:
            text = file.read()
        parts = [part for part in text.split("#")[1:] if '"' not in part]
        path = os.path.join(self.folder, "split.csv")
        with open(path, "w") as file:
            for i, part in enumerate(parts):
                head, _, packets = part.partition("\n")
                file.write(f"#{head},split={('train', 'test', 'test')[i % 3]}\n{packets}")

        def judged(*more):
            done = run("eval", "--model", self.model, "--data", path, "--min-packets", "1", "--json", *more)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)["flows"]["count"]

        self.assertEqual(judged("--split", "all"), len(parts))
        self.assertEqual(judged(), len(parts) - len(parts[::3]))
        self.assertEqual(judged("--split", "train"), len(parts[::3]))

    def test_models_vote(self):
        other = os.path.join(self.folder, "pictures.onnx")
        done = run("train", "--model-type", "naive-bayes", "--spec", "flowpic-32", "--data", self.manifest,
                   "--validation", "0", "--no-tiles", "--prefix-seconds", "5", "--min-packets", "3", "--out", other)
        self.assertEqual(done.returncode, 0, done.stderr)
        common = ("--data", self.manifest, "--min-packets", "3")
        result = json.loads(run("eval", "--model", self.model, "--model", other, *common, "--json").stdout)
        for path, voter in zip((self.model, other), result["voters"], strict=True):
            alone = json.loads(run("eval", "--model", path, *common, "--json").stdout)
            self.assertEqual(voter["path"], path)
            self.assertEqual(voter["flows"], alone["flows"])
        self.assertEqual(result["flows"]["count"], result["judged_flows"])
        self.assertEqual(result["windows"]["count"], 0)
        self.assertIn("details", result)
        # Twice the same voice is that voice.
        twice = json.loads(run("eval", "--model", other, other, *common, "--json").stdout)
        self.assertEqual(twice["flows"], twice["voters"][0]["flows"])
        self.assertIn("Together, a vote of 2", run("eval", "--model", self.model, other, *common).stdout)
        done = run("eval", "--model", self.model, other, *common, "--report", os.path.join(self.folder, "r.html"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("--report", done.stderr)

    def test_eval_says_how_sure_its_figures_are(self):
        once = run("eval", "--model", self.model, "--data", self.manifest, "--min-packets", "1", "--json",
                   "--bootstrap", "200", "--seed", "4")
        self.assertEqual(once.returncode, 0, once.stderr)
        result = json.loads(once.stdout)
        details = result["details"]["flows"]
        low, high = details["intervals"]["accuracy"]
        self.assertEqual(details["intervals"]["groups"], 13)
        self.assertLessEqual(low, result["flows"]["accuracy"])
        self.assertLessEqual(result["flows"]["accuracy"], high)
        self.assertEqual(sum(b["count"] for b in details["reliability"]), 13)
        error = sum(b["count"] * abs(b["accuracy"] - b["confidence"]) for b in details["reliability"]) / 13
        self.assertAlmostEqual(details["expected_calibration_error"], error)
        self.assertEqual(details["coverage"][0]["coverage"], 1)
        self.assertAlmostEqual(details["coverage"][0]["accuracy"], result["flows"]["accuracy"])
        self.assertTrue(any("seconds" in p for p in result["prefixes"]))
        self.assertTrue(any("packets" in p for p in result["prefixes"]))
        again = run("eval", "--model", self.model, "--data", self.manifest, "--min-packets", "1", "--json",
                    "--bootstrap", "200", "--seed", "4", "--threads", "1")
        self.assertEqual(again.stdout, once.stdout)
        without = json.loads(run("eval", "--model", self.model, "--data", self.manifest, "--json",
                                 "--bootstrap", "0").stdout)
        self.assertNotIn("intervals", without["details"]["flows"])
        grouped = run("eval", "--model", self.model, "--data", self.manifest, "--bootstrap-by", "network")
        self.assertEqual(grouped.returncode, 1)
        self.assertIn("no key 'network'", grouped.stderr)

    def test_report_is_one_file_that_needs_no_network(self):
        page = os.path.join(self.folder, "report.html")
        svg = os.path.join(self.folder, "confusion.svg")
        done = run("eval", "--model", self.model, "--data", self.manifest, "--min-packets", "1",
                   "--report", page, "--confusion-svg", svg)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(page, encoding="utf-8") as file:
            html = file.read()
        check = PageCheck()
        check.feed(html)
        self.assertEqual(check.open, [], "tags left open")
        self.assertEqual(check.outside, [], "fetched from elsewhere")
        self.assertGreater(check.images, 0)
        self.assertEqual(check.without_words, 0, "pictures without a description")
        self.assertGreaterEqual(check.plots, 4)
        ElementTree.parse(svg)
        self.assertEqual(run("eval", "--model", self.model, "--data", self.manifest, "--report",
                             os.path.join(self.folder, "no", "where.html")).returncode, 1)

    def test_card_and_signature(self):
        shown = json.loads(run("model", "inspect", "--json", self.model).stdout)
        self.assertEqual(shown["classes"], ["fetch", "talk"])
        self.assertEqual(shown["card"]["model"], "naive-bayes")
        self.assertAlmostEqual(sum(shown["card"]["class_shares"].values()), 1)
        self.assertGreater(shown["golden_windows"], 0)
        copy, key = os.path.join(self.folder, "signed.onnx"), os.path.join(self.folder, "site.key")
        shutil.copy(self.model, copy)
        self.assertEqual(run("model", "keygen", key).returncode, 0)
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        self.assertEqual(run("model", "keygen", key).returncode, 1, "overwrote a secret key")
        with open(key + ".pub", encoding="utf-8") as file:
            trusted = file.read().strip()
        self.assertEqual(run("model", "verify", copy, "--trusted", trusted).returncode, 1)
        self.assertEqual(run("model", "sign", copy, "--key", key).returncode, 0)
        self.assertEqual(run("model", "verify", copy, "--trusted", trusted).returncode, 0)
        with open(copy, "ab") as file:
            file.write(b"\0")
        self.assertEqual(run("model", "verify", copy, "--trusted", trusted).returncode, 1)

    def refused(self, manifest, says, *more):
        path = os.path.join(self.folder, "bad.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(manifest.replace("FLOWS", os.path.relpath(FLOWS, self.folder)))
        out = os.path.join(self.folder, "never.onnx")
        done = run("train", "--data", path, "--min-packets", "3", "--validation", "0", "--out", out, *more)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(says, done.stderr)
        self.assertFalse(os.path.exists(out))

    def test_training_refuses_what_cannot_be_learnt(self):
        self.refused("sessions:\n - {path: FLOWS, labels: {fetch: a}}", "'talk'")
        self.refused("sessions:\n - {path: FLOWS, label: all}", "'all' alone")
        self.refused("sessions:\n - {path: FLOWS, labels: {fetch: a, \"*\": b}}", "'c' is empty",
                     "--classes", "a,b,c")
        self.refused("sessions:\n - {path: FLOWS, labels: {fetch: a, \"*\": b}}", "none of: a",
                     "--classes", "a")
        self.refused("sessions:\n - {path: nothing.pcap, label: a}", "nothing.pcap")
        self.refused("sessions:\n - {path: no*.pcap, label: a}", "bad.yaml:2")
        self.refused("sessions:\n - {label: a}", "path: missing")
        self.refused("sessions:\n - {path: FLOWS, split: tests}", "tests")
        self.refused("sessions: 3", "sessions")
        self.refused("sessions: [", "not YAML")
        self.refused("sessions:\n - {path: FLOWS, labels: {fetch: a, \"*\": b}}", "'network'",
                     "--split-by", "network")
        capture = os.path.relpath(CAPTURE, self.folder)
        self.refused(f"sessions:\n - {{path: {capture}}}", "has no label")


class PageCheck(HTMLParser):
    """Counts what a page shows and notes what it would fetch."""

    VOID = {"meta", "img", "br", "link", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.outside = [], []
        self.images = self.plots = self.without_words = 0

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "img":
            self.images += 1
            self.without_words += not values.get("alt")
        if tag == "svg":
            self.plots += 1
            self.without_words += values.get("role") != "img"
        for key in ("src", "href"):
            if key in values and not values[key].startswith(("data:image/png;base64,", "#")):
                self.outside.append(values[key])
        if tag in ("script", "iframe", "link"):
            self.outside.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()


def png_size(path):
    with open(path, "rb") as file:
        head = file.read(24)
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


class Render(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = os.path.join(self.folder, "out.png")

    def test_a_sheet_has_a_row_a_class(self):
        done = run("render", "--spec", "size_iat", "--sheet", FLOWS, "--min-packets", "3", "--out", self.out)
        # Packet windows are 1024 packets: only the flows that long are drawn.
        self.assertEqual(done.returncode, 0, done.stderr)
        one = png_size(self.out)
        done = run("render", "--spec", '{"kind":"flowpic","window_s":60,"time_bins":64,"size_bins":64}',
                   FLOWS, "--min-packets", "3", "--per-class", "2", "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^fetch: 2 of \d+ windows$")
        self.assertRegex(done.stdout, r"(?m)^talk: 2 of \d+ windows$")
        self.assertGreater(png_size(self.out)[0], 2 * 192)
        self.assertGreater(one[1], 200)

    def test_one_window(self):
        spec = '{"kind":"flowpic","window_s":60,"time_bins":64,"size_bins":64}'
        self.assertEqual(run("render", "--spec", spec, FLOWS, "--flow", "0", "--direction", "down", "--side",
                             "256", "--no-axes", "--out", self.out).returncode, 0)
        self.assertLess(abs(png_size(self.out)[0] - 256), 40)
        missing = run("render", "--spec", spec, FLOWS, "--flow", "nobody", "--out", self.out)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("flow nobody", missing.stderr)
        both = run("render", "--spec", spec, FLOWS, "--flow", "0", "--sheet", "--out", self.out)
        self.assertEqual(both.returncode, 2)

    def test_rows_by_keys_of_a_manifest(self):
        manifest = os.path.join(self.folder, "m.yaml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(f"sessions:\n - {{path: {os.path.relpath(FLOWS, self.folder)}, technique: plain, "
                       "labels: {fetch: fetch, \"talk*\": talk}}\n")
        spec = '{"kind":"flowpic","time_bins":64,"size_bins":64}'
        done = run("render", "--spec", spec, "--sheet", manifest, "--by", "label", "technique",
                   "--min-packets", "3", "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("fetch / plain: ", done.stdout)
        done = run("render", "--spec", spec, "--sheet", manifest, "--by", "network", "--out", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no key 'network'", done.stderr)


class Experiments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.data = os.path.join(cls.folder, "flows.csv")
        generator = random.Random(3)
        with open(cls.data, "w", encoding="utf-8") as file:
            for number in range(36):
                kind = number % 3
                file.write(f"#{number},{('chat', 'video', 'voip')[kind]},1700000000.000000\n")
                for _ in range(700):
                    size = 150 + 450 * kind + generator.randrange(60)
                    gap = generator.randrange(2000, 80000) * (1 + kind)
                    file.write(f"{gap},{generator.choice((size, -size))}\n")
        cls.manifest = os.path.join(cls.folder, "data.yaml")
        with open(cls.manifest, "w", encoding="utf-8") as file:
            file.write("sessions:\n"
                       "  - {path: flows.csv, flows: [\"?\", \"1?\"], encryption: plain}\n"
                       "  - {path: flows.csv, encryption: wireguard}\n")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def experiment(self, *arguments):
        done = run("experiment", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_leroux_prints_its_figures_beside_the_papers(self):
        out = os.path.join(self.folder, "leroux")
        arguments = ("leroux", "--data", self.manifest, "--out", out, "--quick", "--window", "128", "--only",
                     "*/combined/*", "background/*/logistic")
        text = self.experiment(*arguments).stdout
        self.assertIn("Leroux", text)
        self.assertIn("best of the nine", text)
        self.assertIn("96.8%", text)
        self.assertIn("lacking: no recording on tor", text)
        with open(os.path.join(out, "results.json"), encoding="utf-8") as file:
            results = json.load(file)
        cells = {c["id"]: c for c in results["cells"]}
        self.assertGreater(cells["leroux/vpn/combined/forest"]["balanced_accuracy"], 0.9)
        self.assertEqual(cells["leroux/plain/combined/logistic"]["published"], 1.0)
        self.assertIn("lacks", cells["leroux/tor/combined/forest"])
        self.assertEqual(results["split"], "flow")
        with open(os.path.join(out, "table.md"), encoding="utf-8") as file:
            self.assertIn("| best of the nine | ", file.read())
        check = PageCheck()
        with open(os.path.join(out, "report.html"), encoding="utf-8") as file:
            check.feed(file.read())
        self.assertEqual((check.open, check.outside, check.without_words), ([], [], 0))
        again = json.loads(self.experiment(*arguments, "--json").stdout)
        self.assertEqual(again["cells"], results["cells"], "finished cells were computed again")

    def test_flowpic_trains_across_techniques(self):
        out = os.path.join(self.folder, "flowpic")
        done = self.experiment("flowpic", "--data", self.manifest, "--out", out, "--quick", "--model",
                               "logistic", "--block", "20", "--json", "--only", "category", "pixels/32",
                               "vs-all/voip/plain-vpn", "technique", "--min-span", "0.5")
        cells = {c["id"]: c for c in json.loads(done.stdout)["cells"]}
        # A linear model cannot generalise over single pixels of 1500 x 1500; it can over 32 x 32.
        self.assertEqual(cells["flowpic/category/plain"]["classes"], ["chat", "video", "voip"])
        self.assertGreater(cells["flowpic/pixels/32"]["balanced_accuracy"], 0.9)
        self.assertEqual(cells["flowpic/vs-all/voip/plain-vpn"]["classes"], ["other", "voip"])
        self.assertEqual(cells["flowpic/technique"]["classes"], ["plain", "vpn"])

    def test_flowpic_is_trained_as_published(self):
        arguments = ("flowpic", "--data", self.manifest, "--block", "20", "--min-span", "0.5", "--repeats", "1",
                     "--only", "pixels/32", "--as-published", "--batch", "16", "--json")
        done = self.experiment(*arguments, "--out", os.path.join(self.folder, "published"))
        cell = json.loads(done.stdout)["cells"][0]
        self.assertGreater(cell["balanced_accuracy"], 0.9)
        done = run("experiment", *arguments, "--out", self.folder, "--values", "log1p")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--as-published: pixels hold numbers of packets, which excludes --values log1p", done.stderr)

    def test_sources_are_left_out_in_turn(self):
        manifest = os.path.join(self.folder, "sources.yaml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write("sessions:\n"
                       "  - {path: flows.csv, flows: [\"?\", \"1?\"], source: home}\n"
                       "  - {path: flows.csv, source: office}\n"
                       "  - {path: \"${data_root}/none.csv\", source: elsewhere}\n")
        out = os.path.join(self.folder, "sources")
        arguments = ("sources", "--data", manifest, "--out", out, "--quick", "--spec", "size_iat-log1p")
        done = self.experiment(*arguments)
        self.assertIn("none.csv: left out: --data-root says where", done.stderr)
        self.assertIn("| mean | 2 left out in turn |", done.stdout)
        with open(os.path.join(out, "results.json"), encoding="utf-8") as file:
            results = json.load(file)
        self.assertEqual([u["value"] for u in results["units"]], ["home", "office"])
        self.assertGreater(results["axes"][0]["mean"]["by class"], 0.8)
        check = PageCheck()
        with open(os.path.join(out, "report.html"), encoding="utf-8") as file:
            check.feed(file.read())
        self.assertEqual((check.open, check.outside, check.without_words), ([], [], 0))
        again = json.loads(self.experiment(*arguments, "--json").stdout)
        self.assertEqual(again["units"], results["units"], "finished cells were computed again")
        listed = self.experiment("sources", "--data", manifest, "--list").stdout
        self.assertIn("sources/source/office", listed)
        self.assertEqual(run("experiment", "sources", "--data", manifest).returncode, 2)

    def test_list_and_wrong_use(self):
        listed = self.experiment("leroux", "--data", self.manifest, "--list").stdout
        self.assertIn("leroux/multi-label/vpn/forest", listed)
        self.assertEqual(run("experiment", "leroux", "--data", self.manifest).returncode, 2)
        self.assertEqual(run("experiment", "wrong", "--data", self.manifest).returncode, 2)
        done = run("experiment", "leroux", "--data", self.manifest, "--out", self.folder, "--only", "none")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no cell of leroux is called 'none'", done.stderr)
        done = run("experiment", "leroux", "--data", self.manifest, "--out", self.folder, "--split", "group",
                   "--only", "plain")
        self.assertEqual(done.returncode, 1)
        self.assertIn("neither group nor session", done.stderr)


if __name__ == "__main__":
    unittest.main()

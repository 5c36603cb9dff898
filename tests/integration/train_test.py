#!/usr/bin/python3
"""flowmark dataset and flowmark train as a user runs them, on flows made here whose classes are known.

FLOWMARK_BIN in the environment is the folder of the program.
"""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import unittest

PROGRAM = os.path.join(os.environ["FLOWMARK_BIN"], "flowmark")
KINDS = ("logistic", "naive-bayes", "gaussian-nb", "forest", "cnn")


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)


def write_flows(path, flows, seed=1):
    """`calls`: small packets both ways every 20 ms; `films`: bursts of large ones downstream."""
    dice = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(flows):
            label = ("calls", "films")[i % 2]
            file.write(f"#{i},{label}|{('plain', 'vpn')[i // 2 % 2]},{1_600_000_000 + 100 * i}.5\n")
            time = 0.0
            while time < 20:
                gap = dice.uniform(0.01, 0.05) if label == "calls" or dice.random() < 0.9 else dice.uniform(0.5, 2)
                size = dice.randint(60, 250) * dice.choice((1, -1)) if label == "calls" else \
                    (dice.randint(1200, 1500) * -1 if dice.random() < 0.8 else dice.randint(60, 120))
                file.write(f"{int(gap * 1e6)},{size}\n")
                time += gap


def write_mixtures(path, flows, seed=2):
    """One to three of `calls`, `films` and `pings` in each flow, as a tunnel would show them."""
    dice = random.Random(seed)
    kinds = {"calls": lambda: (dice.uniform(0.015, 0.025), dice.choice((1, -1)) * dice.randint(150, 250)),
             "films": lambda: (dice.uniform(0.005, 0.06), -dice.randint(1300, 1500)),
             "pings": lambda: (dice.uniform(0.04, 0.06), dice.choice((1, -1)) * 84)}
    with open(path, "w", encoding="utf-8") as file:
        for i in range(flows):
            labels = [name for bit, name in enumerate(kinds) if (i % 7 + 1) >> bit & 1]
            packets = []
            for label in labels:
                time = dice.uniform(0, 0.1)
                while time < 20:
                    gap, size = kinds[label]()
                    time += gap
                    packets.append((time, size))
            packets.sort()
            file.write(f"#{i},{'+'.join(labels)},{1_600_000_000 + 100 * i}.5\n")
            last = packets[0][0]
            for time, size in packets:
                file.write(f"{int((time - last) * 1e6)},{size}\n")
                last = time


class Training(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.flows = os.path.join(cls.folder, "flows.csv")
        write_flows(cls.flows, 40)
        cls.manifest = os.path.join(cls.folder, "data.yaml")
        with open(cls.manifest, "w", encoding="utf-8") as file:
            file.write("sessions:\n  - path: flows.csv\n    columns: [application, encryption]\n"
                       "    labels: {calls: calls, films: films}\n")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, kind, out, *more, epochs=6, trees=20):
        spec = "flowpic-32-15s" if kind == "cnn" else "size_iat-100p"
        return ["train", "--model-type", kind, "--spec", spec, "--data", self.manifest, "--label-key",
                "application", "--test", "0.25", "--validation", "0.3", "--epochs", str(epochs), "--trees",
                str(trees), "--out", out, *more]

    def test_every_kind_learns_the_difference(self):
        for kind in KINDS:
            out = self.path(f"{kind}.onnx")
            done = run(*self.command(kind, out, "--json"))
            self.assertEqual(done.returncode, 0, f"{kind}: {done.stderr}")
            card = json.loads(done.stdout)
            self.assertEqual(card["model"], kind)
            self.assertGreater(card["test"]["flows"]["accuracy"], 0.9, kind)
            self.assertLess(card["round_trip"], 1e-5, kind)
            self.assertLessEqual(0.5, card["confidence"]["threshold"])
            self.assertLessEqual(card["confidence"]["threshold"], 1)
            self.assertEqual(run("model", "verify", out).returncode, 0)
            self.assertFalse(os.path.exists(out + ".candidate"))
            self.assertFalse(os.path.exists(out + ".state"))

    def test_a_cnn_tells_of_every_epoch(self):
        done = run(*self.command("cnn", self.path("told.onnx")))
        self.assertEqual(done.returncode, 0, done.stderr)
        for epoch in range(1, 7):
            self.assertRegex(done.stdout, rf"epoch +{epoch}: loss [0-9.]+, accuracy +[0-9.]+%; validation")

    def test_an_interrupted_training_leaves_the_best_and_goes_on(self):
        out = self.path("stopped.onnx")
        endless = self.command("cnn", out, "--early-stop", "1000000", epochs=1000000)
        with subprocess.Popen([PROGRAM, *endless], stdout=subprocess.PIPE, text=True) as training:
            for line in training.stdout:
                if line.startswith("epoch   3"):
                    training.send_signal(signal.SIGINT)
                    break
            rest = training.stdout.read()
        self.assertEqual(training.returncode, 0)
        self.assertIn("Interrupted", rest)
        self.assertEqual(run("model", "verify", out).returncode, 0)
        card = json.loads(run("model", "inspect", "--json", out).stdout)["card"]
        self.assertTrue(card["interrupted"])
        self.assertTrue(os.path.exists(out + ".state"))
        epochs = card["epochs"]
        more = run(*self.command("cnn", out, "--resume", "--json", "--early-stop", "1000000",
                                 epochs=epochs + 2))
        self.assertEqual(more.returncode, 0, more.stderr)
        resumed = json.loads(more.stdout)
        straight = json.loads(run(*self.command("cnn", self.path("straight.onnx"), "--json", "--early-stop",
                                                "1000000", epochs=epochs + 2)).stdout)
        self.assertEqual(resumed["trials"], straight["trials"])
        self.assertFalse(os.path.exists(out + ".state"))

    def check_resuming_a_forest(self, command):
        """`command(out, trees)`: what to run. Interrupted, the forest keeps its trees and grows the rest."""
        out = self.path("part.onnx")
        with subprocess.Popen([PROGRAM, *command(out, 100000)], stdout=subprocess.PIPE, text=True) as training:
            for line in training.stdout:
                if line.startswith("500 of 100000 trees"):
                    training.send_signal(signal.SIGINT)
                    break
            rest = training.stdout.read()
        self.assertEqual(training.returncode, 0)
        self.assertIn("--resume goes on", rest)
        self.assertEqual(run("model", "verify", out).returncode, 0)
        card = json.loads(run("model", "inspect", "--json", out).stdout)["card"]
        self.assertTrue(card["interrupted"])
        self.assertGreaterEqual(card["trees"], 500)
        trees = card["trees"] + 100
        more = run(*command(out, trees), "--resume", "--json")
        self.assertEqual(more.returncode, 0, more.stderr)
        straight = run(*command(self.path("whole.onnx"), trees), "--json")
        for key in ("trials", "test", "nodes", "trees"):
            self.assertEqual(json.loads(more.stdout)[key], json.loads(straight.stdout)[key])
        self.assertFalse(os.path.exists(out + ".state"))

    def test_an_interrupted_forest_keeps_its_trees_and_grows_the_rest(self):
        self.check_resuming_a_forest(lambda out, trees: self.command("forest", out, trees=trees))

    def test_one_of_several_kinds_at_once_too(self):
        flows = self.path("mixed.csv")
        write_mixtures(flows, 60)
        self.check_resuming_a_forest(
            lambda out, trees: ["train", "--multi-label", "--spec", "size_iat-100p", "--data", flows, "--test",
                                "0.25", "--validation", "0.25", "--trees", str(trees), "--out", out])

    def test_several_kinds_at_once(self):
        flows = self.path("mixed.csv")
        write_mixtures(flows, 60)
        out = self.path("content.onnx")
        command = ["train", "--multi-label", "--spec", "size_iat-100p", "--data", flows, "--test", "0.25",
                   "--validation", "0.25", "--trees", "30", "--task", "content", "--out", out]
        done = run(*command, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        card = json.loads(done.stdout)
        self.assertEqual(card["model"], "forest")
        self.assertLess(card["round_trip"], 1e-5)
        self.assertEqual(sorted(card["labels"]), ["calls", "films", "pings"])
        for label in card["labels"].values():
            self.assertTrue(0 <= label["threshold"] <= 1, label)
        self.assertGreater(card["test"]["flows"]["exact_match"], 0.6)
        self.assertLess(card["test"]["flows"]["hamming_loss"], 0.2)
        told = run(*command).stdout
        self.assertIn("calls+films", told)
        self.assertIn("said to be there above", told)

        shown = json.loads(run("model", "inspect", "--json", out).stdout)
        self.assertTrue(shown["multilabel"])
        self.assertEqual(run("model", "verify", out).returncode, 0)
        judged = json.loads(run("eval", "--model", out, "--data", flows, "--json", "--report",
                                self.path("content.html")).stdout)
        self.assertEqual(judged["flows"]["count"], 60)
        self.assertEqual(judged["thresholds"]["calls"], card["labels"]["calls"]["threshold"])
        self.assertLessEqual(judged["details"]["flows"]["hamming_loss"][0], judged["flows"]["hamming_loss"])
        with open(self.path("content.html"), encoding="utf-8") as file:
            self.assertIn("Hamming loss", file.read())
        lines = [json.loads(line) for line in run("infer", "--model", out, flows).stdout.splitlines()]
        self.assertTrue(any(len(line["class"]) == 2 for line in lines))
        self.assertTrue(all(isinstance(line["class"], list) for line in lines))

        for more, status, words in ((["--model-type", "cnn"], 2, "only a forest"),
                                    (["--versus", "calls"], 2, "excludes --versus"),
                                    (["--classes", "calls,films"], 1, "'pings' is none of")):
            done = run(*command, *more)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(words, done.stderr)
        done = run("train", "--multi-label", "--spec", "size_iat-100p", "--data", self.manifest, "--label-key",
                   "encryption", "--out", out)
        self.assertEqual(done.returncode, 1)

    def test_a_cnn_may_take_its_last_epoch(self):
        command = self.command("cnn", self.path("last.onnx"), "--judge", "last", "--schedule", "cosine",
                               "--weight-decay", "0.01", "--json")
        card = json.loads(run(*command).stdout)
        self.assertEqual((card["epochs"], card["best_epoch"]), (6, 6))
        done = run(*command, "--early-stop", "3")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--early-stop: excludes --judge last", done.stderr)

    def test_a_cnn_may_be_trained_as_published(self):
        out = self.path("published.onnx")
        command = self.command("cnn", out, "--as-published", "--json")
        del command[command.index("--epochs"):command.index("--epochs") + 2]
        card = json.loads(run(*command).stdout)
        self.assertEqual(card["epochs"], 40)
        self.assertLess(card["round_trip"], 1e-5)
        self.assertEqual(run("model", "verify", out).returncode, 0)

    def test_resuming_needs_something_to_resume(self):
        done = run(*self.command("cnn", self.path("none.onnx"), "--resume"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("none.onnx.state is not there", done.stderr)
        done = run(*self.command("forest", self.path("none.onnx"), "--resume"))
        self.assertEqual(done.returncode, 1)
        done = run(*self.command("naive-bayes", self.path("none.onnx"), "--resume"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("nothing to resume", done.stderr)

    def test_an_entry_that_counts_twice_is_the_same_file_twice(self):
        # A third of the flows, once with `times` and once as a file of the same flows under another name.
        shutil.copyfile(self.flows, self.path("again.csv"))
        head = "sessions:\n  - {path: flows.csv, columns: [application, encryption], flows: ['?', '1?']"
        rest = "}\n  - {path: flows.csv, columns: [application, encryption]}\n"
        again = "  - {path: again.csv, columns: [application, encryption], flows: ['?', '1?']}\n"
        once, twice, both = (self.path(name) for name in ("once.yaml", "twice.yaml", "both.yaml"))
        for path, text in ((once, head + rest), (twice, head + ", times: 2" + rest), (both, head + rest + again)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        answers = []
        for data in (once, twice, both):
            out = data + ".onnx"
            done = run("train", "--model-type", "naive-bayes", "--spec", "size_iat-100p", "--data", data, "--label-key",
                       "encryption", "--validation", "0", "--no-calibration", "--alpha", "1", "--unbalanced", "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            done = run("infer", "--model", out, self.flows)
            self.assertEqual(done.returncode, 0, done.stderr)
            answers.append(done.stdout)
        self.assertEqual(answers[1], answers[2])
        self.assertNotEqual(answers[0], answers[1])

    def test_augmented_and_undersampled(self):
        done = run(*self.command("logistic", self.path("more.onnx"), "--augment", "rtt,shift,loss", "--copies",
                                 "3", "--undersample", "--json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        card = json.loads(done.stdout)
        self.assertEqual(card["augmentations"], ["change-rtt", "time-shift", "packet-loss"])
        self.assertEqual(card["test"]["flows"]["count"], 10)
        done = run(*self.command("logistic", self.path("bad.onnx"), "--augment", "noise"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("no augmentation 'noise'", done.stderr)

    def test_dataset_counts_and_writes_what_train_reads(self):
        out = self.path("set.csv.gz")
        done = run("dataset", "--data", self.manifest, "--label-key", "encryption", "--first", "10",
                   "--split-by", "flow", "--test", "0.25", "--out", out)
        # The manifest maps applications; by encryption its labels do not match.
        self.assertEqual(done.returncode, 1)
        self.assertIn("matches none of: calls, films", done.stderr)
        self.assertFalse(os.path.exists(out))
        done = run("dataset", "--data", self.manifest, "--label-key", "application", "--first", "10",
                   "--split-by", "flow", "--test", "0.25", "--out", out, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        counted = {entry["class"]: entry for entry in json.loads(done.stdout)["classes"]}
        self.assertEqual(counted["calls"]["flows"], 20)
        self.assertEqual(counted["films"]["test"], 5)
        with gzip.open(out, "rt") as file:
            heads = [line for line in file if line.startswith("#")]
        self.assertEqual(len(heads), 40)
        self.assertIn("application=calls", heads[0])
        self.assertIn("encryption=plain", heads[0])
        self.assertEqual(sum("split=test" in head for head in heads), 10)
        done = run("train", "--data", out, "--spec", "size_iat-100p", "--label-key", "encryption", "--out",
                   self.path("set.onnx"), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        card = json.loads(done.stdout)
        self.assertEqual(sorted(card["class_shares"]), ["plain", "vpn"])
        self.assertEqual(card["test"]["flows"]["count"], 10)
        done = run("eval", "--data", out, "--model", self.path("set.onnx"), "--label-key", "encryption", "--json",
                   "--split", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["flows"]["count"], 10)

    def test_dataset_says_which_splits_are_optimistic(self):
        arguments = ["dataset", "--data", self.manifest, "--label-key", "application", "--block", "5", "--balance"]
        self.assertIn("optimistic", run(*arguments, "--split-by", "window").stdout)
        by_flow = run(*arguments, "--split-by", "flow").stdout
        self.assertNotIn("are optimistic", by_flow)
        self.assertIn("calls", by_flow)
        self.assertEqual(run(*arguments, "--versus", "calls").returncode, 2)


if __name__ == "__main__":
    unittest.main()

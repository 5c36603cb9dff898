#!/usr/bin/python3
"""Trains a model of every kind with `flowmark train`, opens it in ONNX Runtime and compares the probabilities
of all windows with those of `flowmark infer`. Fails if any differ by more than 1e-5.

    trained.py BUILD_DIR DATA...     (what `flowmark train --data` takes; labels of two classes or more)

Installs onnxruntime-node into BUILD_DIR/compare as compare.sh does.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-5
WINDOWS = 400  # per model

MODELS = [  # name, options of flowmark train
    ("logistic", ["--model-type", "logistic", "--spec", "size_iat-log1p-100p"]),
    ("logistic, combined", ["--model-type", "logistic", "--spec", "combined-log1p-100p"]),
    ("naive-bayes", ["--model-type", "naive-bayes", "--spec", "size_iat-100p"]),
    ("gaussian-nb", ["--model-type", "gaussian-nb", "--spec", "size_iat-log1p-100p"]),
    ("forest", ["--model-type", "forest", "--spec", "combined-100p"]),
    ("forest, not calibrated", ["--model-type", "forest", "--spec", "size_iat-100p", "--no-calibration"]),
    ("forest, extra trees, two classes", ["--model-type", "forest", "--extra-trees", "--spec", "size_iat-100p",
                                          "--versus"]),
    ("forest, several labels", ["--multi-label", "--spec", "combined-100p"]),
    ("forest, several labels, as is", ["--multi-label", "--spec", "size_iat-100p", "--no-calibration"]),
    ("cnn 1500", ["--model-type", "cnn", "--spec", "flowpic-1500-15s", "--epochs", "3"]),
    ("cnn 300", ["--model-type", "cnn", "--spec", "flowpic-300-15s", "--epochs", "3"]),
    ("cnn 64 binary", ["--model-type", "cnn", "--spec", "flowpic-64-binary-15s", "--epochs", "3"]),
    ("cnn 32", ["--model-type", "cnn", "--spec", "flowpic-32-15s", "--epochs", "3"]),
]


def lines_of(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def runtime_folder(build):
    folder = os.path.join(build, "compare")
    os.makedirs(folder, exist_ok=True)
    if not os.path.isdir(os.path.join(folder, "node_modules", "onnxruntime-node")):
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
                        "onnxruntime-node"], cwd=folder, check=True)
    return folder


def sparse(line, spec):
    if "bins" in line:
        return line["bins"]
    return [[row * spec["time_bins"] + column, value] for column, row, value in line["pixels"]]


def compare(flowmark, model, flows, folder):
    spec = json.loads(subprocess.run([flowmark, "model", "inspect", "--json", model], check=True,
                                     capture_output=True, text=True).stdout)["input"]
    features = lines_of([flowmark, "features", "--model", model, flows])
    answers = lines_of([flowmark, "infer", "--model", model, flows])
    step = max(1, len(features) // WINDOWS)
    windows = [sparse(line, spec) for line in features[::step]]
    length = max((pair[0] for window in windows for pair in window), default=0) + 1
    got = subprocess.run(["node", os.path.join(HERE, "ort.mjs"), model, str(length)], input=json.dumps(windows),
                         capture_output=True, text=True, env={**os.environ, "ORT_DIR": folder})
    if got.returncode != 0:
        sys.exit(f"{model}: {got.stderr}")
    theirs = json.loads(got.stdout)
    most = max(abs(a - b) for line, other in zip(answers[::step], theirs)
               for a, b in zip(line["probabilities"], other, strict=True))
    return len(windows), most


def mix(flows, out):
    """Every other flow with the packets of the next one of another label laid over it."""
    with gzip.open(flows, "rt") as file:
        parts = file.read().split("#")[1:]
    read = []
    for part in parts:
        head, *lines = part.splitlines()
        time, packets = 0, []
        for line in lines:
            gap, rest = line.split(",", 1)
            time += int(gap)
            packets.append((time, rest))
        read.append((head.split(","), packets))
    with gzip.open(out, "wt") as file:
        for i, (head, packets) in enumerate(read):
            label = head[1]
            if i % 2 == 1:
                other = next((r for r in read[i + 1:] + read[:i] if r[0][1] != label), None)
                if other is not None:
                    label, packets = f"{label}+{other[0][1]}", sorted(packets + other[1])
            file.write(f"#{head[0]},{label},{head[2]}\n")
            last = packets[0][0] if packets else 0
            for time, rest in packets:
                file.write(f"{time - last},{rest}\n")
                last = time


def main():
    build, data = os.path.realpath(sys.argv[1]), sys.argv[2:]
    flowmark = os.path.join(build, "bin", "flowmark")
    folder = runtime_folder(build)
    worst = 0
    with tempfile.TemporaryDirectory() as work:
        flows = os.path.join(work, "flows.csv.gz")
        made = json.loads(subprocess.run([flowmark, "dataset", "--json", "--data", *data, "--first", "15", "--out",
                                          flows], check=True, capture_output=True, text=True).stdout)
        first = made["classes"][0]["class"]
        mixed = os.path.join(work, "mixed.csv.gz")
        mix(flows, mixed)
        for name, options in MODELS:
            model = os.path.join(work, "m.onnx")
            options = options + ([first] if options[-1] == "--versus" else [])
            cut = ["--no-tiles", "--prefix-seconds", "15"] if "cnn" in name else ["--no-tiles"]
            data = mixed if "--multi-label" in options else flows
            subprocess.run([flowmark, "train", *options, *cut, "--data", data, "--split-by", "flow", "--out",
                            model], check=True, stdout=subprocess.DEVNULL)
            windows, most = compare(flowmark, model, data, folder)
            worst = max(worst, most)
            print(f"{name:34s} {windows:5d} windows, largest difference {most:.1e}", flush=True)
    if not worst <= TOLERANCE:
        sys.exit(f"differences up to {worst:.1e}, more than {TOLERANCE:g}")


if __name__ == "__main__":
    main()

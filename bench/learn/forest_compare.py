#!/usr/bin/python3
"""Trains the same forest on the same windows with forest_bench and with scikit-learn (Debian's
python3-sklearn; dense and sparse input), one after the other with the same threads, and prints times and
accuracies.

    forest_compare.py FOREST_BENCH [--data FILE] [--examples 20000] [--trees 100] [--threads 2] [--extra]
                      [--sparse]

Times are of training alone, the best of three, by the clock and of all threads together. scikit-learn's
input is made beforehand, in the type that it works on (float32).
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import sklearn
from scipy.sparse import csc_matrix
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier


def read_dump(path):
    numbers = np.fromfile(path, dtype="<u4")
    count, features = int(numbers[0]), int(numbers[1])
    rows = np.zeros((count, features), dtype=np.float32)
    labels, is_test, at = np.zeros(count, int), np.zeros(count, bool), 2
    for i in range(count):
        labels[i], is_test[i], size = numbers[at], numbers[at + 1], int(numbers[at + 2])
        pairs = numbers[at + 3 : at + 3 + 2 * size].reshape(-1, 2)
        rows[i, pairs[:, 0]] = pairs[:, 1].copy().view("<f4")
        at += 3 + 2 * size
    return rows, labels, is_test


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--data", default="")
    parser.add_argument("--examples", type=int, default=20000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--extra", action="store_true")
    parser.add_argument("--sparse", action="store_true", help="scikit-learn on a sparse matrix too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "windows")
        command = [arguments.bench, "--json", "--dump", path, "--examples", str(arguments.examples),
                   "--trees", str(arguments.trees), "--threads", str(arguments.threads)]
        command += ["--extra"] if arguments.extra else []
        if arguments.data:
            command += ["--data", arguments.data]
        ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows, labels, is_test = read_dump(path)
    train, test = rows[~is_test], rows[is_test]
    kind = ExtraTreesClassifier if arguments.extra else RandomForestClassifier
    print(f"{ours['examples']} windows of {ours['features']} features, {np.count_nonzero(train) / len(train):.0f} "
          f"not 0, {arguments.trees} trees, {arguments.threads} threads, {kind.__name__}")
    print(f"flowmark               {ours['train_s']:9.3f} s, CPU {ours['cpu_s']:8.3f} s  accuracy "
          f"{ours['accuracy']:.4f}  {ours['nodes']} nodes")
    for name, matrix in (("dense", train), ("sparse", csc_matrix(train) if arguments.sparse else None)):
        if matrix is None:
            continue
        best = best_cpu = 1e9
        for seed in range(3):
            model = kind(arguments.trees, n_jobs=arguments.threads, random_state=seed)
            start, cpu_start = time.perf_counter(), time.process_time()
            model.fit(matrix, labels[~is_test])
            best = min(best, time.perf_counter() - start)
            best_cpu = min(best_cpu, time.process_time() - cpu_start)
        nodes = sum(tree.tree_.node_count for tree in model.estimators_)
        print(f"scikit-learn {sklearn.__version__} {name:6s} {best:9.3f} s, CPU {best_cpu:8.3f} s  accuracy "
              f"{model.score(test, labels[is_test]):.4f}  {nodes} nodes  "
              f"({best / ours['train_s']:.1f} times, CPU {best_cpu / ours['cpu_s']:.1f})")


if __name__ == "__main__":
    main()

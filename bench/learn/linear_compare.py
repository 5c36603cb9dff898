#!/usr/bin/python3
"""Trains logistic regression, multinomial and Gaussian naive Bayes on the same windows with linear_bench and
with scikit-learn (Debian's python3-sklearn), one after the other with the same threads, and prints times and
accuracies.

    linear_compare.py LINEAR_BENCH [--data FILE] [--examples 20000] [--threads 2] [--l2 1e-4]

Times are of training alone, the best of three (ours with making the sparse matrix). scikit-learn gets the
windows sparse where it takes them so (logistic regression, multinomial), else dense, made beforehand. Both
regressions minimise the same function (C = 1 / (l2 n)) to the same relative tolerance.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from threadpoolctl import threadpool_limits

from forest_compare import read_dump


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--data", default="")
    parser.add_argument("--examples", type=int, default=20000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--l2", type=float, default=1e-4)
    parser.add_argument("--models", nargs="*", default=["logistic", "naive-bayes", "gaussian-nb"])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "windows")
        ours = {}
        for name, strength in (("logistic", arguments.l2), ("naive-bayes", 1), ("gaussian-nb", 1e-9)):
            if name not in arguments.models:
                continue
            command = [arguments.bench, "--json", "--dump", path, "--examples", str(arguments.examples),
                       "--model", name, "--strength", str(strength), "--threads", str(arguments.threads)]
            command += ["--data", arguments.data] if arguments.data else []
            ours[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows, labels, is_test = read_dump(path)
    train, test, answers = rows[~is_test], rows[is_test], labels[~is_test]
    sparse = csr_matrix(train.astype(np.float64))
    print(f"{len(train)} windows of {train.shape[1]} features, {np.count_nonzero(train) / len(train):.0f} not 0, "
          f"{arguments.threads} threads, scikit-learn {sklearn.__version__}")
    models = {"logistic": (lambda: LogisticRegression(C=1 / (arguments.l2 * len(train)), max_iter=2000, tol=1e-6,
                                                      multi_class="multinomial"), sparse),
              "naive-bayes": (lambda: MultinomialNB(alpha=1), sparse),
              "gaussian-nb": (lambda: GaussianNB(), train.astype(np.float64))}
    for name, mine in ours.items():
        make, matrix = models[name]
        best, model = 1e9, None
        with threadpool_limits(arguments.threads):
            for _ in range(3 if name != "logistic" else 1):
                model = make()
                start = time.perf_counter()
                model.fit(matrix, answers)
                best = min(best, time.perf_counter() - start)
        theirs = model.score(test, labels[is_test])
        print(f"{name:12s} flowmark {mine['train_s']:8.4f} s, accuracy {mine['accuracy']:.4f}   scikit-learn "
              f"{best:8.4f} s, accuracy {theirs:.4f}   {best / mine['train_s']:.1f} times")


if __name__ == "__main__":
    main()

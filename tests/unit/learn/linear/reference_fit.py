#!/usr/bin/python3
"""Writes reference_fit.json: a small data set and what scikit-learn makes of it.

Run with Debian's python3-sklearn. Logistic regression is solved by Newton steps until doubles give out, so
that the numbers are the optimum's and not a solver's.
"""

import json
import os

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

ROWS, FEATURES, CLASSES = 90, 24, 3
C, ALPHA = 0.5, 0.7


def main():
    dice = np.random.default_rng(7)
    labels = dice.integers(0, CLASSES, ROWS)
    rates = dice.gamma(0.4, 1.5, (CLASSES, FEATURES))
    rates[:, 5] = 0  # a feature that never occurs
    counts = dice.poisson(rates[labels])
    out = {
        "made_by": f"scikit-learn {sklearn.__version__}",
        "features": FEATURES,
        "labels": labels.tolist(),
        "rows": [[[int(j), int(row[j])] for j in np.flatnonzero(row)] for row in counts],
        "c": C,
        "alpha": ALPHA,
    }
    for name, weight in (("logistic", None), ("logistic_balanced", "balanced")):
        model = LogisticRegression(C=C, solver="newton-cg", tol=1e-9, max_iter=100000, class_weight=weight)
        model.fit(counts, labels)
        out[name] = {
            "weights": model.coef_.tolist(),
            "probabilities": model.predict_proba(counts).tolist(),
        }
    bayes = MultinomialNB(alpha=ALPHA).fit(counts, labels)
    out["naive_bayes"] = {
        "weights": bayes.feature_log_prob_.tolist(),
        "intercepts": bayes.class_log_prior_.tolist(),
        "probabilities": bayes.predict_proba(counts).tolist(),
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference_fit.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(out, file, indent=None)
        file.write("\n")


main()

#!/usr/bin/python3
"""Writes reference.json: small data sets and what scikit-learn's trees and forests make of them.

Run with Debian's python3-sklearn. Single trees are kept only where the best split of every node is the only
best one, so that any exact implementation must grow the same tree; forests by mean and spread over seeds.
"""

import json
import os

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import hamming_loss, log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

FOREST_SEEDS = 12
ORDERS = 25  # orders of features in which a tree has to come out the same


def sparse(rows):
    return [[[int(j), round(float(row[j]), 5)] for j in np.flatnonzero(row)] for row in rows]


def counts(dice, size, features, classes):
    """Windows like a histogram's: mixtures of a class's own cells and everybody's."""
    labels = dice.integers(0, classes, size)
    labels[: size // 8] = 0  # classes of different size
    own = dice.gamma(0.12, 1, (classes * 3, features)) + 1e-6
    everybody = dice.gamma(0.12, 1, features) + 1e-6
    own /= own.sum(axis=1, keepdims=True)
    everybody /= everybody.sum()
    rows = np.zeros((size, features))
    for i, label in enumerate(labels):
        share = dice.beta(1.3, 3)
        cell = share * own[label * 3 + dice.integers(0, 3)] + (1 - share) * everybody
        rows[i] = dice.multinomial(dice.integers(8, 60), cell / cell.sum())
    order = dice.permutation(size)
    return rows[order], labels[order]


def reals(dice, size, features, classes):
    """Values of either sign, many of them 0."""
    labels = dice.integers(0, classes, size)
    rows = dice.normal(0, 1, (size, features)) + 0.8 * dice.normal(0, 1, (classes, features))[labels]
    rows[dice.random(rows.shape) < 0.4] = 0
    return np.round(rows, 3).astype(np.float32), labels


def walk(model, node=0):
    tree = model.tree_
    if tree.children_left[node] < 0:
        value = tree.value[node]
        if value.shape[0] > 1:  # multi-label: [output][no, yes]
            return {"leaf": (value[:, 1] / value.sum(axis=1)).tolist()}
        return {"leaf": (value[0] / value[0].sum()).tolist()}
    return {
        "feature": int(tree.feature[node]),
        "threshold": float(np.float32(tree.threshold[node])),
        "yes": walk(model, tree.children_left[node]),
        "no": walk(model, tree.children_right[node]),
    }


def single_tree(rows, labels, min_samples_leaf, **options):
    """The tree with the smallest leaves, from min_samples_leaf on, in which no two splits are equally good."""
    while True:
        trees = {
            json.dumps(walk(DecisionTreeClassifier(
                random_state=seed, min_samples_leaf=min_samples_leaf, **options).fit(rows, labels)))
            for seed in range(ORDERS)
        }
        if len(trees) == 1:
            return {"min_leaf": min_samples_leaf, **options, "tree": json.loads(trees.pop())}
        min_samples_leaf += 1


def forest(rows, labels, test_rows, test_labels, kind=RandomForestClassifier, **options):
    multilabel = labels.ndim > 1
    figures = {"test": [], "out_of_bag": [], "log_loss": [], "hamming_loss": []}
    for seed in range(FOREST_SEEDS):
        model = kind(random_state=seed, n_jobs=2, **options)
        if model.bootstrap:
            model.oob_score = True
        model.fit(rows, labels)
        figures["test"].append(model.score(test_rows, test_labels))
        if multilabel:
            answers = model.oob_decision_function_[:, 1, :] > 0.5
            figures["out_of_bag"].append((answers == labels).all(axis=1).mean())
            figures["hamming_loss"].append(hamming_loss(test_labels, model.predict(test_rows)))
        else:
            if model.bootstrap:
                figures["out_of_bag"].append(model.oob_score_)
            figures["log_loss"].append(log_loss(test_labels, model.predict_proba(test_rows)))
    return {key: {"mean": np.mean(v), "deviation": np.std(v, ddof=1)} for key, v in figures.items() if v}


def main():
    out = {"made_by": f"scikit-learn {sklearn.__version__}", "data": {}, "trees": {}, "forests": {}}

    rows, labels = counts(np.random.default_rng(11), 900, 60, 4)
    train, test = slice(0, 450), slice(450, 900)
    out["data"]["counts"] = {
        "features": 60, "classes": 4, "train": 450, "rows": sparse(rows), "labels": labels.tolist()}
    for name, options in {
        "plain": dict(min_samples_leaf=20),
        "balanced": dict(min_samples_leaf=20, class_weight="balanced"),
        "weighted": dict(min_samples_leaf=20, class_weight={0: 1, 1: 2, 2: 0.5, 3: 1}),
        "depth": dict(min_samples_leaf=12, max_depth=3),
        "leaves": dict(min_samples_leaf=12, max_leaf_nodes=6),
        "min_split": dict(min_samples_leaf=12, min_samples_split=90),
    }.items():
        out["trees"]["counts_" + name] = single_tree(rows[train], labels[train], **options)
    out["forests"]["counts"] = forest(rows[train], labels[train], rows[test], labels[test], n_estimators=150)
    out["forests"]["counts_small"] = forest(
        rows[train], labels[train], rows[test], labels[test], n_estimators=150, max_depth=5,
        max_features=15, class_weight="balanced")

    out["forests"]["counts_extra"] = forest(
        rows[train], labels[train], rows[test], labels[test], kind=ExtraTreesClassifier, n_estimators=150)

    out["gaussian_nb"] = {"smoothing": 0.05}
    share = np.bincount(labels[train]) / len(labels[train])
    for name, weights in (("plain", None), ("balanced", 1 / share[labels[train]])):
        model = GaussianNB(var_smoothing=0.05).fit(rows[train], labels[train], sample_weight=weights)
        out["gaussian_nb"][name] = np.round(model.predict_proba(rows[test][:80]), 9).tolist()

    rows, labels = reals(np.random.default_rng(12), 260, 9, 3)
    out["data"]["reals"] = {"features": 9, "classes": 3, "train": 260, "rows": sparse(rows), "labels": labels.tolist()}
    out["trees"]["reals_plain"] = single_tree(rows, labels, min_samples_leaf=10)

    # Several kinds at once: sums of windows.
    dice = np.random.default_rng(13)
    rows, labels = counts(dice, 1600, 60, 4)
    present = np.zeros((800, 4), dtype=int)
    mixed = np.zeros((800, 60))
    for i in range(800):
        for k in range(1 + int(dice.random() < 0.6)):
            mixed[i] += rows[2 * i + k]
            present[i, labels[2 * i + k]] = 1
    bits = (present << np.arange(4)).sum(axis=1)
    train, test = slice(0, 400), slice(400, 800)
    out["data"]["mixed"] = {"features": 60, "classes": 4, "train": 400, "rows": sparse(mixed), "labels": bits.tolist()}
    out["trees"]["mixed_plain"] = single_tree(mixed[train], present[train], min_samples_leaf=16)
    out["forests"]["mixed"] = forest(mixed[train], present[train], mixed[test], present[test], n_estimators=150)

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(out, file, indent=None, separators=(",", ":"))
        file.write("\n")
    print(json.dumps(out["forests"], indent=1))


main()

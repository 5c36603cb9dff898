#!/usr/bin/python3
"""Computes the features of flows.csv in numpy, straight from the definitions in
lib/feature/flowpic/flowpic.h and lib/feature/histogram/: the lines that `flowmark features` must print.

    ./make_flows.py > flows.csv && ./make_expected.py
"""
import json
import numpy as np

# Written into each file's first line; the test reads it from there.
SPECS = {
    "flowpic": {"kind": "flowpic"},
    "flowpic_small": {"kind": "flowpic", "window_s": 15, "time_bins": 32, "size_bins": 32,
                      "values": "binary"},
    "size_iat": {"kind": "size_iat"},
    "size_iat_256": {"kind": "size_iat", "window_packets": 256,
                     "size": {"bins": 20, "min": 1, "max": 65535}},
    "burst_surge": {"kind": "burst_surge", "window_packets": 256},
    "combined": {"kind": "combined", "window_packets": 512, "values": "fraction"},
}
AXES = {"size": (16, 40, 1500), "iat_us": (30, 1, 10e6), "burst_bytes": (16, 40, 1e6),
        "surge_us": (30, 100, 60e6)}
GAP_US = 1_000_000


def read_flows(path):
    flows = []
    for line in open(path):
        if line[0] == "#":
            name, label, epoch = line[1:].strip().split(",")
            seconds, _, fraction = epoch.partition(".")
            start = int(seconds) * 10**6 + int((fraction + "000000")[:6])
            flows.append((name, label, start, []))
        else:
            flows[-1][3].append([int(x) for x in line.split(",")])
    for name, label, start, packets in flows:
        step, size = np.array(packets).T
        time = start + np.cumsum(step)
        order = np.argsort(time, kind="stable")
        yield name, label, time[order], size[order]


def axis(spec, name):
    given = dict(zip(("bins", "min", "max"), AXES[name])) | spec.get(name, {})
    bins, low, high = given["bins"], given["min"], given["max"]
    edges = np.ceil(low * (high / low) ** (np.arange(1, bins) / bins) * (1 - 1e-12))
    return bins, lambda v: np.searchsorted(edges, v, side="right")


def cells(spec, rows, row_values, columns, column_values, is_down):
    n, row = axis(spec, rows)
    m, column = axis(spec, columns)
    return (np.where(is_down, n, 0) + row(row_values)) * m + column(column_values), 2 * n * m


def size_iat(spec, time, size, begin, end):
    found, length = cells(spec, "size", abs(size), "iat_us", np.diff(time, prepend=time[0]), size < 0)
    return found[begin:end], length


def burst_surge(spec, time, size, begin, end):
    time, size = time[:end], size[:end]
    pause = np.diff(time, prepend=time[0]) > GAP_US
    turn = np.diff(np.sign(size), prepend=np.sign(size[0])) != 0
    first = np.flatnonzero(np.r_[True, (pause | turn)[1:]])
    surge_start = time[np.r_[0, np.flatnonzero(pause)]][np.cumsum(pause)]
    ended_by = np.r_[first[1:], end]
    found, length = cells(spec, "burst_bytes", np.add.reduceat(abs(size), first), "surge_us",
                          time[ended_by - 1] - surge_start[first], size[first] < 0)
    return found[ended_by >= begin], length


def values(spec, count, packets):
    kind = spec.get("values", "count")
    if kind == "binary":
        return 1
    return float(np.float32(count) / np.float32(packets)) if kind == "fraction" else int(count)


def pictures(spec, name, label, time, size):
    window = int(spec.get("window_s", 60) * 10**6)
    bins, rows = spec.get("time_bins", 1500), spec.get("size_bins", 1500)
    for direction, chosen in ("up", size > 0), ("down", size < 0):
        if not chosen.any():
            continue
        t, s = time[chosen], abs(size[chosen])
        start = t[0]
        for tile in np.unique((t - start) // window):
            here = ((t - start) // window == tile) & (s <= 1500)
            if not here.any():
                continue
            column = (t[here] - start - tile * window) * bins // window
            row = (s[here] - 1) * rows // 1500
            index, count = np.unique(row * bins + column, return_counts=True)
            yield {"flow": name, "label": label, "direction": direction,
                   "window_start_us": int(start + tile * window), "window": int(tile),
                   "packets": int(here.sum()),
                   "pixels": [[int(i % bins), int(i // bins), values(spec, c, here.sum())]
                              for i, c in zip(index, count)]}


def histograms(spec, name, label, time, size):
    length = spec.get("window_packets", 1024)
    for number in range(len(time) // length):
        begin, end = number * length, (number + 1) * length
        found, cells_before = np.array([], int), 0
        for kind, part in ("size_iat", size_iat), ("burst_surge", burst_surge):
            if spec["kind"] in (kind, "combined"):
                these, count = part(spec, time, size, begin, end)
                found = np.r_[found, these + cells_before]
                cells_before += count
        index, count = np.unique(found, return_counts=True)
        yield {"flow": name, "label": label, "direction": "both",
               "window_start_us": int(time[begin]), "window": number, "packets": length,
               "bins": [[int(i), values(spec, c, length)] for i, c in zip(index, count)]}


for file, spec in SPECS.items():
    cut = pictures if spec["kind"] == "flowpic" else histograms
    with open(file + ".jsonl", "w") as out:
        print(json.dumps({"spec": spec}), file=out)
        for flow in read_flows("flows.csv"):
            for window in cut(spec, *flow):
                print(json.dumps(window, separators=(",", ":")), file=out)

#!/usr/bin/python3
"""Trains the same network on the same pictures with cnn_bench and, dense, with PyTorch (Debian's
python3-torch), side by side with the same batch and threads, and prints how many times faster an epoch is.

    cnn_compare.py CNN_BENCH [--data FILE] [--bins 1500] [--per-class 100] [--batch 128] [--threads 2]
                   [--batches 1]

PyTorch trains on so many batches after one small batch to warm up; its epoch is that time times the number
of batches in one. Making dense pictures is not counted.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import torch
from torch import nn


def network(bins, classes):
    if bins >= 200:
        conv = [nn.ZeroPad2d((2, 3, 2, 3)), nn.Conv2d(1, 10, 10, 5), nn.ReLU(), nn.MaxPool2d(2),
                nn.ZeroPad2d((2, 3, 2, 3)), nn.Conv2d(10, 20, 10, 5), nn.ReLU(), nn.MaxPool2d(2)]
        hidden = [(64, 0.5)]
    else:
        conv = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
        hidden = [(120, 0), (84, 0.5)]
    layers = conv + [nn.Flatten(), nn.Dropout(0.25)]
    inputs = nn.Sequential(*conv, nn.Flatten())(torch.zeros(1, 1, bins, bins)).shape[1]
    for outputs, dropout in hidden:
        layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


class Pictures:
    """What cnn_bench --dump wrote."""

    def __init__(self, path):
        numbers = np.fromfile(path, dtype="<u4")
        self.count, self.height, self.width, self.classes = (int(n) for n in numbers[:4])
        self.labels, self.pixels, at = [], [], 4
        for _ in range(self.count):
            label, size = int(numbers[at]), int(numbers[at + 1])
            pairs = numbers[at + 2 : at + 2 + 2 * size].reshape(-1, 2)
            self.labels.append(label)
            self.pixels.append((pairs[:, 0].astype(np.int64), pairs[:, 1].copy().view("<f4")))
            at += 2 + 2 * size

    def dense(self, rows):
        out = torch.zeros(len(rows), self.height * self.width)
        for i, row in enumerate(rows):
            index, value = self.pixels[row]
            out[i, torch.from_numpy(index)] = torch.from_numpy(value)
        return out.reshape(-1, 1, self.height, self.width), torch.tensor([self.labels[row] for row in rows])


def torch_epoch(pictures, args):
    model = network(args.bins, pictures.classes).train()
    adam = torch.optim.Adam(model.parameters())
    order = np.random.default_rng(1).permutation(pictures.count)

    def train(rows):
        batch, labels = pictures.dense(rows)
        start = time.perf_counter()
        adam.zero_grad()
        nn.functional.cross_entropy(model(batch), labels).backward()
        adam.step()
        return time.perf_counter() - start

    train(order[:8])
    size = min(args.batch, pictures.count)
    fewest = min(train(order[i * size : (i + 1) * size] if (i + 1) * size <= pictures.count else order[:size])
                 for i in range(args.batches))
    return fewest * pictures.count / size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("--data", default="")
    for name, default in (("bins", 1500), ("per-class", 100), ("batch", 128), ("threads", os.cpu_count()),
                          ("batches", 1)):
        parser.add_argument("--" + name, type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        dump = os.path.join(folder, "pictures")
        command = [args.bench, "--json", "--dump", dump, "--bins", str(args.bins), "--per-class",
                   str(args.per_class), "--batch", str(args.batch), "--threads", str(args.threads)]
        command += ["--data", args.data] if args.data else []
        ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        theirs = torch_epoch(Pictures(dump), args)
    print(f"{ours['pictures']} pictures of {args.bins} x {args.bins}, {ours['pixels']:.0f} pixels each, "
          f"batch {args.batch}, {args.threads} threads")
    print(f"cnn_bench ({ours['target']}): {ours['epoch_s']:.3f} s an epoch")
    print(f"PyTorch {torch.__version__}: {theirs:.1f} s an epoch")
    print(f"ratio {theirs / ours['epoch_s']:.0f}")


main()

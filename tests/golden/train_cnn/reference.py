#!/usr/bin/python3
"""Writes reference.json: what PyTorch's dense training makes of three small networks.

Run with Debian's python3-torch. Pictures and initial weights are drawn by the rule of
lib/base/keyed_random.h, so that only results need to be kept; of large tensors every so manieth element
and the sum.
"""

import json
import os

import numpy as np
import torch

MASK = (1 << 64) - 1
KEPT = 120  # elements of a tensor, at most

# Filters, kernel, stride, padding before and after, pooling.
NETWORKS = {
    "small": {
        "height": 14, "width": 17, "convs": [[3, 3, 1, 1, 1, 2], [4, 3, 2, 2, 0, 1]], "hidden": [6],
        "densities": [0, 0.01, 0.03, 0.1, 0.3, 1],
    },
    "decayed": {
        "height": 14, "width": 17, "convs": [[3, 3, 1, 1, 1, 2], [4, 3, 2, 2, 0, 1]], "hidden": [6],
        "densities": [0, 0.01, 0.03, 0.1, 0.3, 1], "weight_decay": 20, "cosine": True,
    },
    "flowpic": {
        "height": 210, "width": 230, "convs": [[10, 10, 5, 2, 3, 2], [20, 10, 5, 2, 3, 2]], "hidden": [64],
        "densities": [0, 0.00005, 0.0005, 0.002, 0.002, 0.01, 0.001, 0.0007, 0.0003],
    },
    "lenet": {
        "height": 32, "width": 32, "convs": [[6, 5, 1, 0, 0, 2], [16, 5, 1, 0, 0, 2]], "hidden": [120, 84],
        "densities": [0, 0.005, 0.02, 0.1, 0.3, 1, 0.05, 0.01],
    },
}
CLASSES, STEPS, SEED = 3, 6, 7


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class KeyedRandom:
    STEP = 0x9E3779B97F4A7C15

    def __init__(self, seed):
        self.key = mix((seed + self.STEP) & MASK)

    def sub(self, use):
        return KeyedRandom(self.key ^ ((use * 0xD1342543DE82EF95) & MASK))

    def bits(self, index):
        return mix((self.key + (index + 1) * self.STEP) & MASK)

    def uniform(self, index):
        return (self.bits(index) >> 11) * 2.0**-53


def draw(tensor, bound, random):
    values = [(2 * random.uniform(i) - 1) * bound for i in range(tensor.numel())]
    with torch.no_grad():
        tensor.copy_(torch.tensor(values, dtype=torch.float64).float().reshape(tensor.shape))


class Network(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        random = KeyedRandom(SEED).sub(0x1417)
        layers, channels = [], 1
        for i, (filters, kernel, stride, before, after, pool) in enumerate(shape["convs"]):
            conv = torch.nn.Conv2d(channels, filters, kernel, stride)
            bound = 1 / np.sqrt(channels * kernel * kernel)
            draw(conv.weight, bound, random.sub(i).sub(0))
            draw(conv.bias, bound, random.sub(i).sub(1))
            layers += [torch.nn.ZeroPad2d((before, after, before, after)), conv, torch.nn.ReLU(),
                       torch.nn.MaxPool2d(pool)]
            channels = filters
        layers.append(torch.nn.Flatten())
        picture = torch.zeros(1, 1, shape["height"], shape["width"])
        inputs = torch.nn.Sequential(*layers)(picture).shape[1]
        for i, outputs in enumerate(shape["hidden"] + [CLASSES]):
            dense = torch.nn.Linear(inputs, outputs)
            draw(dense.weight, 1 / np.sqrt(inputs), random.sub(100 + i).sub(0))
            draw(dense.bias, 1 / np.sqrt(inputs), random.sub(100 + i).sub(1))
            layers.append(dense)
            if i < len(shape["hidden"]):
                layers.append(torch.nn.ReLU())
            inputs = outputs
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, pictures):
        return self.layers(pictures)


def picture(shape, density, random):
    pixels = np.zeros(shape["height"] * shape["width"], dtype=np.float32)
    for i in range(pixels.size):
        if random.uniform(2 * i) < density:
            pixels[i] = 1 + random.bits(2 * i + 1) % 3
    return pixels.reshape(1, shape["height"], shape["width"])


def summary(tensor, start):
    values = tensor.detach().double().flatten().numpy()
    step = max(1, -(-values.size // KEPT))
    return {
        "size": int(values.size),
        "step": step,
        "values": [float(f"{value:.8g}") for value in values[::step]],
        "sum": float(f"{values.sum():.9g}"),
        "moved": float(f"{np.abs(values - start.double().flatten().numpy()).max():.3g}"),
    }


def falling(step):
    """Half a cosine behind a rise over the first twentieth, less than a step here."""
    rise = STEPS / 20
    return (1 + np.cos(np.pi * (step + 0.5 - rise) / (STEPS - rise))) / 2


def run(shape):
    network = Network(shape)
    start = [tensor.detach().clone() for tensor in network.parameters()]
    pictures = torch.from_numpy(np.stack(
        [picture(shape, density, KeyedRandom(100 + i)) for i, density in enumerate(shape["densities"])]))
    labels = torch.arange(len(pictures)) % CLASSES
    # Without decay AdamW is Adam.
    adam = torch.optim.AdamW(network.parameters(), weight_decay=shape.get("weight_decay", 0))
    rate, losses = adam.param_groups[0]["lr"], []
    for step in range(STEPS):
        if shape.get("cosine"):
            adam.param_groups[0]["lr"] = rate * falling(step)
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(pictures), labels)
        loss.backward()
        adam.step()
        losses.append(float(f"{loss.item():.9g}"))
    how = {key: shape[key] for key in ("weight_decay", "cosine") if key in shape}
    return how | {
        "shape": {key: shape[key] for key in ("height", "width", "convs", "hidden")} | {"classes": CLASSES},
        "densities": shape["densities"],
        "seed": SEED,
        "losses": losses,
        "weights": [summary(tensor, before) for tensor, before in zip(network.parameters(), start)],
    }


def main():
    out = {"made_by": f"PyTorch {torch.__version__}",
           "networks": {name: run(shape) for name, shape in NETWORKS.items()}}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(out, file)
        file.write("\n")


main()

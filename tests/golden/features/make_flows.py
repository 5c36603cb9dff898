#!/usr/bin/python3
"""Makes flows.csv: invented flows in the packet sequence format, for features that numpy checks."""
import numpy as np

random = np.random.default_rng(2)


def flow(name, label, epoch, steps, sizes):
    print(f"#{name},{label},{epoch}")
    for step, size in zip(steps, sizes):
        print(f"{int(step)},{int(size)}")


# Segments of a film: bursts of full packets down, every fourth answered, pauses between.
steps, sizes = [0], [320]
for segment in range(14):
    for i in range(int(random.integers(30, 90))):
        steps.append(random.exponential(900))
        sizes.append(-1500 if random.random() < 0.93 else -random.integers(41, 1500))
        if i % 4 == 3:
            steps.append(random.exponential(150))
            sizes.append(52)
    steps.append(random.uniform(0.5e6, 14e6))
    sizes.append(random.integers(300, 900))
flow("film", "video", "1700000000.250001", steps, sizes)

# A call: small packets both ways every 20 ms, some of them out of order.
count = 1100
steps = np.r_[0, random.normal(10_000, 1_500, count - 1)]
steps[random.integers(1, count, 25)] -= 12_000
sizes = random.integers(90, 260, count) * np.where(np.arange(count) % 2 == 0, 1, -1)
flow("call", "voip", "1700000100", steps, sizes)

# Whatever the rules speak about: equal times, long pauses, one way only, sizes at every limit.
steps = random.choice([0, 0, 1, 40_000, 39_999, 999_999, 1_000_000, 1_000_001, 61_000_000], 700)
sizes = random.choice([1, 39, 40, 41, 1499, 1500, 1501, 9000, 65535], 700)
flow("limits", "odd", "0", steps, sizes)

"""How busy the machine was: figures of a shared machine say little without it."""

import os
import time


def _ticks():
    with open("/proc/stat", encoding="ascii") as file:
        values = list(map(int, file.readline().split()[1:9]))
    return sum(values), values[3] + values[4], values[7]


class Busy:
    """Share of all processors' time since it was made."""

    def __init__(self):
        self._start = _ticks()

    def figures(self):
        total, idle, stolen = (now - before for now, before in zip(_ticks(), self._start))
        total = max(1, total)
        return {"busy": round(1 - idle / total, 3), "stolen": round(stolen / total, 3)}


def before(seconds=1.0):
    """What others take, while nothing of ours runs."""
    busy = Busy()
    time.sleep(seconds)  # a measurement's length
    return {"busy": busy.figures()["busy"], "load": round(os.getloadavg()[0], 2), "processors": os.cpu_count()}

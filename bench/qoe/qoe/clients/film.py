"""Plays a film with the lab's adaptive player and prints what its viewer went through.

use: film ADDRESS PATH SECONDS
One line of JSON: seconds until it began, seconds it stood still, the mean rate of what was played.
"""

import json
import random
import sys
import time

from ..shell import lab_module

player = lab_module("clients.player")


class Viewer(player.Player):
    """Neither jumps nor pauses, and counts."""

    def __init__(self, film, fetcher):
        super().__init__(film, fetcher, random.Random(1))
        self._most = 20.0  # seconds of buffer
        self.born = time.monotonic()
        self.start_s = None
        self.stall_s = 0.0
        self.stalls = 0
        self.rates = []

    def _elapse(self):
        passed = time.monotonic() - self._at
        if self._playing and passed > self._buffered:
            self.stall_s += passed - self._buffered
            self.stalls += 1
        super()._elapse()

    def _choose(self):
        if self._playing and self.start_s is None:
            self.start_s = time.monotonic() - self.born
        chosen = super()._choose()
        self.rates.append(self._film.renditions[chosen][0])
        return chosen

    def _viewer_acts(self, number, _last):
        return number


def main():
    address, path, seconds = sys.argv[1:]
    fetcher = player.Fetcher(address)
    viewer = Viewer(player.Hls(fetcher, None, path), fetcher)
    viewer.play(float(seconds))
    start_s = viewer.start_s if viewer.start_s is not None else float(seconds)
    print(json.dumps({"start_s": round(start_s, 2), "stall_s": round(viewer.stall_s, 2), "stalls": viewer.stalls,
                      "mbit": round(sum(viewer.rates) / len(viewer.rates) / 1e6, 3), "segments": len(viewer.rates)}))


if __name__ == "__main__":
    main()

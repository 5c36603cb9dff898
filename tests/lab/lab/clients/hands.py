"""Plays a person's keyboard and mouse on an X display (gestures.py) by its XTEST extension.

use: hands ORDER.json   {display, seed, seconds, gesture, arguments}
"""

import json
import random
import sys
import time

from Xlib import X, XK, display
from Xlib.ext import xtest

from . import gestures

_PATIENCE = 20  # seconds for the display to be there


def open_display(name):
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return display.Display(name)
        except Exception:  # pylint: disable=broad-except  # whatever a socket may say
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Hands:
    """Events of gestures.py on a display."""

    def __init__(self, name):
        self._display = open_display(name)
        self._codes = {}

    def do(self, event):
        kind, *what = event
        if kind == "move":
            xtest.fake_input(self._display, X.MotionNotify, x=what[0], y=what[1])
        elif kind == "turn":
            xtest.fake_input(self._display, X.MotionNotify, detail=True, x=what[0], y=what[1])
        else:
            name, down = what
            events = (X.KeyRelease, X.KeyPress) if kind == "key" else (X.ButtonRelease, X.ButtonPress)
            xtest.fake_input(self._display, events[down], self._code(name) if kind == "key" else name)
        self._display.flush()

    def _code(self, name):
        if name not in self._codes:
            self._codes[name] = self._display.keysym_to_keycode(XK.string_to_keysym(name))
        return self._codes[name]


def perform(order, do):
    """Hands the order's events to `do` in real time until its end."""
    end = time.monotonic() + order["seconds"]
    due = time.monotonic()
    for wait, event in getattr(gestures, order["gesture"])(random.Random(order["seed"]), *order["arguments"]):
        due += wait
        if due > end:
            return
        time.sleep(max(0.0, due - time.monotonic()))
        do(tuple(event))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    perform(order, Hands(order["display"]).do)


if __name__ == "__main__":
    main()

"""What is measured: each row of the table, and the command line."""

import argparse
import os
from dataclasses import dataclass

from .shell import ROOT

SCENARIOS = {"plain": "nothing is encrypted beyond what applications do",
             "tunnels": "each application in a WireGuard tunnel of its own",
             "one-tunnel": "everything in one WireGuard tunnel"}
ROWS = {"none": "no shaping by class: one queue", "ports": "marks by ports", "flowmark": "marks by flowmark",
        "truth": "true labels: the limit"}
LINES = {"relay": "qoe_relay", "htb": "the kernel's HTB"}
# In one tunnel there is one flow, which no rule can part: who marks it does not matter, only that it does no harm.
_ONE_TUNNEL_ROWS = ("none", "flowmark")
_TUNNEL_RATE, _TUNNEL_LINES = 10.0, "relay"


@dataclass(frozen=True)
class Run:
    scenario: str
    rate_mbit: float
    lines: str
    row: str

    def __str__(self):
        return f"{self.scenario}, {self.rate_mbit:g} Mbit/s, {self.lines}, {self.row}"


def runs(options):
    """In the order they are measured: rows of one table side by side in time."""
    planned = []
    for scenario in options.scenarios:
        rates = options.rates if scenario == "plain" else [rate for rate in options.rates if rate == _TUNNEL_RATE]
        lines = options.lines if scenario == "plain" else [name for name in options.lines if name == _TUNNEL_LINES]
        rows = [row for row in options.rows if scenario != "one-tunnel" or row in _ONE_TUNNEL_ROWS]
        planned += [Run(scenario, rate, name, row) for rate in rates for name in lines for row in rows]
    return planned


def _words(known):
    def parse(text):
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"'{word}', want some of {','.join(known)}")
        return words
    return parse


def _rates(text):
    rates = [float(word) for word in text.split(",")]
    if not all(1 <= rate <= 200 for rate in rates):
        raise argparse.ArgumentTypeError("rates are 1 to 200 Mbit/s")
    return rates


def _scale(text):
    value = float(text)
    if not 0.1 <= value <= 2.5:
        raise argparse.ArgumentTypeError("0.1 to 2.5")
    return value


def _queue(text):
    value = int(text)
    if not 10 <= value <= 100000:
        raise argparse.ArgumentTypeError("10 to 100000 packets")
    return value


def _listed(names):
    return "; ".join(f"{name}: {meaning}" for name, meaning in names.items())


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="bench/qoe/run.sh", description="Measures whether calls, films and pages get better behind a full line, "
        "with marks by flowmark and without. Needs root; some 15 minutes. docs/qoe.md says how to read it.")
    parser.add_argument("--scale", type=_scale, default=1.0, metavar="F",
                        help="lengths of runs, and number of calls, times this (default 1: 20 s a row)")
    parser.add_argument("--scenarios", type=_words(SCENARIOS), default=list(SCENARIOS), help=_listed(SCENARIOS))
    parser.add_argument("--rates", type=_rates, default=[10.0, 50.0], help="Mbit/s of the line (default 10,50)")
    parser.add_argument("--lines", type=_words(LINES), default=list(LINES), help=_listed(LINES))
    parser.add_argument("--rows", type=_words(ROWS), default=list(ROWS), help=_listed(ROWS))
    parser.add_argument("--queue", type=_queue, default=1000, metavar="PACKETS",
                        help="what a queue holds (default 1000, the kernel's default for an interface)")
    parser.add_argument("--no-marks", dest="marks", action="store_false",
                        help="leave out the time from a call's first packet to its mark")
    parser.add_argument("--out", default=os.path.join(ROOT, "out", "qoe"),
                        help="folder of the results (default out/qoe)")
    parser.add_argument("--programs", default=os.path.join(ROOT, "build", "bin"),
                        help="folder of flowmarkd and qoe_relay (default build/bin)")
    parser.add_argument("--cache", default="/var/tmp/flowmark-qoe", help="folder of pages, film and speech")
    parser.add_argument("--prefix", default="fmqoe", help="of the namespaces' names (default fmqoe)")
    parser.add_argument("--report-only", action="store_true", help="table and picture from the results there are")
    options = parser.parse_args(arguments)
    for name in ("out", "programs", "cache"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    return options

"""One row: the line filled, a call of each kind, a film and pages beside it, and what became of them."""

import contextlib
import json
import os
import statistics
import time

from . import calling, machine
from .calls import quantile
from .daemon import Daemon, history, verdicts
from .lines import KernelLines, RelayLines
from .load import Swarm, client, start_transfers
from .marks import rules_by_ports, rules_by_truth, set_marks
from .plan import Run
from .servers import HOSTS
from .tunnels import Addresses

SECONDS = 20.0  # of a call, a film, a reader
MARK_RATE = 50.0  # Mbit/s, of the line that calls are counted on until their marks
SETTLE_S = 4.0  # the download and the swarm fill the line alone
_PAUSE_S = 0.5  # between pages


class Bench:
    """What all rows share."""

    def __init__(self, options, network, content, processes):
        self.options, self.network, self.content, self.processes = options, network, content, processes
        self.seconds = SECONDS * options.scale
        self.settle_s = SETTLE_S * max(0.5, options.scale)

    def program(self, name):
        return os.path.join(self.options.programs, name)


@contextlib.contextmanager
def box(bench, run, processes, folder):
    """Lines, marks and flowmarkd of a row; gives (daemon, lines' counters, filled at the end)."""
    scheduler = "fifo" if run.row == "none" else "tiers"
    rules = {"ports": rules_by_ports(), "truth": rules_by_truth(run.scenario != "plain")}
    counted = {}
    if run.lines == "relay":
        lines = RelayLines(bench.network, processes, bench.program("qoe_relay"), run.rate_mbit,
                           bench.options.queue, scheduler)
    else:
        lines = KernelLines(bench.network, run.rate_mbit, bench.options.queue, scheduler)
    try:
        set_marks(bench.network, rules.get(run.row, ()))
        daemon = Daemon(bench.network, processes, bench.options.programs, folder, run.rate_mbit,
                        marks=run.row == "flowmark")
        try:
            yield daemon, counted
        finally:
            daemon.stop()
    finally:
        counted.update(lines.down())


def fill(bench, processes, addresses, folder):
    """The line full: swarm, download and upload."""
    swarm = Swarm(bench.network, processes, addresses, bench.content, folder)
    swarm.begin()
    start_transfers(bench.network, processes, addresses, bench.content)
    time.sleep(bench.settle_s)  # part of the experiment, not a wait for anything


def start_pages(bench, processes, addresses, folder):
    order = {"folder": folder, "names": {name: addresses.server("pages") for name in HOSTS},
             "pages": [f"https://site{number % 4}.lab/page{number // 4}.html" for number in range(24)] * 4,
             "seconds": bench.seconds, "pause_s": _PAUSE_S}
    path = os.path.join(folder, "order.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(order, file)
    return client(bench.network, processes, "home", "pages", path, log="pages", stdout=_new(folder, "pages.jsonl"))


def _new(folder, name):
    return open(os.path.join(folder, name), "w", encoding="utf-8")  # pylint: disable=consider-using-with


def _lines(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def measure(bench, run, processes, folder):
    """The row's figures, JSON-ready."""
    addresses = Addresses(run.scenario)
    figures = {"scenario": run.scenario, "rate_mbit": run.rate_mbit, "lines": run.lines, "row": run.row,
               "seconds": bench.seconds, "settle_s": bench.settle_s, "queue": bench.options.queue,
               "machine_before": machine.before()}
    with box(bench, run, processes, folder) as (daemon, counted):
        captures = [calling.Capture(bench.network, processes, addresses, place, folder) for place in ("home", "net")]
        began = time.time()
        fill(bench, processes, addresses, folder)
        busy, start = machine.Busy(), time.monotonic()
        dice = calling.dice_of("call", run.rate_mbit)
        made = [calling.Call(bench.network, processes, addresses, bench.content, name, ports, bench.seconds, dice)
                for name, ports in (("telephone", calling.TELEPHONE), ("any-port", calling.EPHEMERAL))]
        film = client(bench.network, processes, "home", "film", addresses.server("film"), "/film", bench.seconds,
                      log="film", stdout=_new(folder, "film.json"))
        pages = start_pages(bench, processes, addresses, folder)
        for process in (film, pages):
            process.wait(start + bench.seconds + 40 - time.monotonic())
        for call in made:
            call.stop()
        figures["machine"] = busy.figures()
        figures["verdicts"] = verdicts(daemon.flows())
        for capture in captures:
            capture.stop()
    figures["calls"] = calling.judge(made, *captures, marks=run.scenario == "plain")
    figures["film"] = _lines(folder, "film.json")[0]
    figures["pages"] = pages_figures(_lines(folder, "pages.jsonl"))
    figures["line"] = counted
    figures["history"] = history(daemon.log(), began)
    return figures


def pages_figures(loads):
    """`loads_ms` in the order of the pages; None: gave up."""
    times = sorted(load["load_ms"] for load in loads if load["load_ms"] is not None)
    return {"loads_ms": [load["load_ms"] for load in loads], "median_ms": statistics.median(times) if times else None}


def time_to_mark(bench, processes, folder, calls, at_once, seconds):
    """Many short calls, `at_once` side by side, beside a full line; JSON-ready.

    The line is the faster one: EF may have a tenth of it, and a call holds its share 10 s after its end.
    """
    run, addresses = Run("plain", MARK_RATE, "relay", "flowmark"), Addresses("plain")
    figures = {"time_to_mark": True, "rate_mbit": MARK_RATE, "calls": calls, "at_once": at_once, "seconds": seconds,
               "machine_before": machine.before()}
    with box(bench, run, processes, folder) as (daemon, _):
        captures = [calling.Capture(bench.network, processes, addresses, place, folder) for place in ("home", "net")]
        dice, made = calling.dice_of("marks"), []
        fill(bench, processes, addresses, folder)
        busy = machine.Busy()
        while len(made) < calls:
            group = [calling.Call(bench.network, processes, addresses, bench.content, f"call{len(made) + number}",
                                  calling.EPHEMERAL, seconds, dice) for number in range(at_once)]
            made += group
            for call in group:
                call.wait(seconds + 20)
        figures["machine"] = busy.figures()
        figures["verdicts"] = verdicts(daemon.flows())
        for capture in captures:
            capture.stop()
    rows = calling.judge(made, *captures)
    figures.update(mark_figures(rows))
    return figures


def mark_figures(rows):
    """Median and p99 over calls; a call counts by the direction that is marked first."""
    first = {}
    for row in rows:
        known = first.get(row["call"])
        if row["to_mark_s"] is not None and (known is None or row["to_mark_s"] < known):
            first[row["call"]] = row["to_mark_s"]
        first.setdefault(row["call"], known)
    times = sorted(value for value in first.values() if value is not None)
    return {"unmarked": sum(value is None for value in first.values()), "to_mark_s": times,
            "median_s": statistics.median(times) if times else None,
            "p99_s": quantile(times, 0.99) if times else None}

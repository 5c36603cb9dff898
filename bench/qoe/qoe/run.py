"""Runs all rows; results as JSON lines, a table and a picture in the folder of results."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

from . import content, plan, report
from .measure import Bench, measure, time_to_mark
from .network import Network
from .servers import start_web
from .shell import Processes
from .tunnels import Tunnels

_MARK_CALLS, _AT_ONCE, _MARK_SECONDS = 48, 4, 3.0


def say(text):
    print(text, file=sys.stderr, flush=True)


class Results:
    """The file of results: a line as soon as it is known."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "results.jsonl")
        os.makedirs(folder, exist_ok=True)
        with open(self.path, "w", encoding="utf-8"):
            pass
        self.failed = 0

    def take(self, figures):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")


def run_rows(bench, results, folder):
    planned = plan.runs(bench.options)
    tunnels, scenario, start = None, "plain", time.monotonic()
    for number, run in enumerate(planned):
        took = (time.monotonic() - start) / max(1, number)
        left = f", some {took * (len(planned) - number) / 60:.0f} min left" if number else ""
        say(f"[{number + 1}/{len(planned)}] {run}{left}")
        if run.scenario != scenario:
            if tunnels:
                tunnels.down()
            tunnels = Tunnels(bench.network, bench.processes, folder, run.scenario == "one-tunnel")
            scenario = run.scenario
        one_row(results, lambda processes, place, run=run: measure(bench, run, processes, place), str(run), folder)
    if tunnels:
        tunnels.down()


def one_row(results, work, name, folder):
    """With processes and a folder of its own; a failure is a result too, and the others go on."""
    place = os.path.join(folder, name.replace(", ", "-").replace(" ", "").replace("/", "p"))
    os.makedirs(place)
    processes = Processes(os.path.join(place, "logs"))
    try:
        results.take(work(processes, place))
    except (RuntimeError, OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as error:
        results.failed += 1
        results.take({"run": name, "error": f"{type(error).__name__}: {error}"})
        say(f"  failed: {error}; logs are in {place}")
    finally:
        processes.close()


def main():
    options = plan.parse(sys.argv[1:])
    if options.report_only:
        report.write(options.out)
        return 0
    if os.geteuid() != 0:
        sys.exit("bench/qoe/run.sh: must be root (namespaces)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = os.path.join(options.cache, f"run-{options.prefix}")
    shutil.rmtree(folder, ignore_errors=True)
    known = os.path.isdir(os.path.join(options.cache, "content"))
    say("pages, film and speech" + ("" if known else " (a minute, once)"))
    made = content.make(options.cache)
    processes = Processes(os.path.join(folder, "logs"))
    network = Network(options.prefix, processes, os.path.join(options.cache, "wan_relay"))
    results = Results(options.out)
    try:
        network.up()
        start_web(network, processes, made, os.path.join(folder, "web"))
        bench = Bench(options, network, made, processes)
        run_rows(bench, results, folder)
        if options.marks:
            say("time from a call's first packet to its mark")
            calls = max(_AT_ONCE, int(_MARK_CALLS * options.scale))
            one_row(results, lambda own, place: time_to_mark(bench, own, place, calls, _AT_ONCE, _MARK_SECONDS),
                    "marks", folder)
    finally:
        processes.close()
        network.down()
    report.write(options.out)
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())

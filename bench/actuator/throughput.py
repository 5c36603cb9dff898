#!/usr/bin/env python3
"""Changes of marks a second through each actuator: a writer of the stream on one side, the real kernel
(a network namespace of its own, needs root) on the other.

  FLOWMARK_BIN=build/bin python3 bench/actuator/throughput.py [--changes 200000] [--runs 5]

`changes/s`: from the first change sent until the program has worked off all and ended. `us of CPU`: user and system time of the program a
change, start included."""

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/integration"))
import actuator_rig  # noqa: E402
import rig  # noqa: E402

FLOWS = 50_000
HOST = "127.0.0.1"


def address(number):
    return "127.0.1.%d" % (1 + number // 10_000), 20_000 + number % 10_000


def make_entries(namespace):
    """An entry of connection tracking for each flow."""
    with rig.in_namespace(namespace):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((HOST, 40_000))
    for number in range(FLOWS):
        try:
            sender.sendto(b"x", address(number))
        except ConnectionRefusedError:  # the answer to an earlier packet
            sender.sendto(b"x", address(number))
    sender.close()


def encode(line):
    return json.dumps(line, separators=(",", ":")) + "\n"


def streams(count):
    """Two streams of about `count` changes: flows that get a mark and end, flows whose mark changes."""
    flows = [actuator_rig.flow((HOST, 40_000), address(number)) for number in range(FLOWS)]
    ef, af41 = ([encode(actuator_rig.mark(of, dscp)) for of in flows] for dscp in (46, 34))
    ends = [encode(actuator_rig.end(of)) for of in flows]
    rounds = -(-count // FLOWS)
    for what, lines in (("mark and end", (ef, ends)), ("another mark", (ef, af41))):
        order = [lines[number % 2] for number in range(rounds)]
        yield what, "".join(line for one in order for line in one).encode(), rounds * FLOWS


class Run:
    """One run of a program over `data`; the stream's folder is its own."""

    def __init__(self, namespace, command, data):
        with tempfile.TemporaryDirectory() as folder:
            stream = actuator_rig.Stream(folder)
            metrics = os.path.join(folder, "metrics")
            program, *options = command
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            process = subprocess.Popen(
                ["nsenter", "--net=/run/netns/" + namespace, rig.tool(program), "--socket", stream.path,
                 "--once", "--metrics", metrics, *options], stderr=subprocess.DEVNULL)
            stream.accept(*actuator_rig.snapshot())
            stream.reader.settimeout(None)
            begin = time.monotonic()
            stream.reader.sendall(data)
            stream.hang_up()
            status = process.wait()
            self.seconds = time.monotonic() - begin
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
            stream.close()
            if status != 0:
                sys.exit("%s ended with status %d" % (program, status))
            with open(metrics) as file:
                self.counters = {line.split("{")[0]: int(line.split()[-1]) for line in file
                                 if not line.startswith("#")}


def measure(namespace, name, command, stream, runs):
    what, data, count = stream
    results = []
    for _ in range(runs):
        run = Run(namespace, command, data)
        bad = [run.counters["flowmark_actuator_%s" % counter]
               for counter in ("bad_lines_total", "failed_total", "missing_flows", "left_out_total")]
        if any(bad):
            sys.exit("%s: bad lines, failed, missing, left out: %s" % (name, bad))
        results.append(run)
        if command[0] != "flowmark-exec":  # each run begins without marks
            subprocess.run(["nsenter", "--net=/run/netns/" + namespace, rig.tool(command[0]), "--clear",
                            *command[1:]], stderr=subprocess.DEVNULL, check=True)
    rates = sorted(count / run.seconds for run in results)
    cpu = statistics.median(run.cpu / count * 1e6 for run in results)
    print("| %s | %s | %.0f | %.0f to %.0f | %.1f |" % (name, what, statistics.median(rates), rates[0], rates[-1], cpu),
          flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--changes", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=5)
    options = options.parse_args()
    namespace = "fmbench%d" % os.getpid()
    actuator_rig.ip("netns", "add", namespace)
    try:
        actuator_rig.ip("-n", namespace, "link", "set", "lo", "up")
        # Entries of flows without answers would be gone after 30 s.
        subprocess.run(["nsenter", "--net=/run/netns/" + namespace, "sysctl", "-q",
                        "net.netfilter.nf_conntrack_udp_timeout=3600"], check=True)
        subprocess.run(["nsenter", "--net=/run/netns/" + namespace, "nft",
                        "table inet track { chain out { type filter hook output priority 0; "
                        "ct state new accept; }; }"], check=True)
        make_entries(namespace)
        print("%d changes of %d flows, %d runs\n" % (options.changes, FLOWS, options.runs))
        print("| actuator | changes | changes/s, median | lowest to highest | us of CPU a change |\n"
              "|---|---|---|---|---|")
        for name, command in (
                ("`flowmark-conntrack`", ["flowmark-conntrack"]),
                ("`flowmark-nft`", ["flowmark-nft"]),
                ("`flowmark-nft --value mark`", ["flowmark-nft", "--value", "mark", "--table",
                                                 "inet marks"]),
                ("`flowmark-exec --lines 10000`", ["flowmark-exec", "--lines", "10000", "--", "true"])):
            for stream in streams(options.changes):
                measure(namespace, name, command, stream, options.runs)
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=False)


if __name__ == "__main__":
    main()

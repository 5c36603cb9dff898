#!/usr/bin/env python3
"""From a call's first packet to its mark in the kernel's connection tracking: the whole way.

  FLOWMARK_BIN=build/bin python3 bench/actuator/delay.py [--rounds 3] [--at-once 4]

Real calls of the recording lab that no model was trained on (tests/lab/data/test.csv.bz2) are sent by their
sizes and times through a gateway that masquerades, between network namespaces (needs root). There flowmarkd
looks at the inner port (mode `mirror`, the shipped model, default settings) and flowmark-conntrack sets the
marks; `conntrack -E` tells when. A call counts from its first packet until its entry has EF."""

import argparse
import bz2
import contextlib
import math
import os
import queue
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/integration"))
import actuator_rig  # noqa: E402
import rig  # noqa: E402

CALLS = os.path.join(rig.SOURCE, "tests/lab/data/test.csv.bz2")
MODEL = os.path.abspath(os.path.join(rig.SOURCE, "config/models/category.onnx"))
INNER, SERVER = "10.9.1.2", "10.9.2.2"
FIRST_PORT = 20_000
SECONDS = 3.0  # of each call: much longer than a mark may take
SHORTEST = 28  # IPv4 and UDP headers
EF = 0xB9000000  # as flowmark-conntrack lays it out by default
GOALS_S = {"median": 0.3, "p99": 1.0}


def read_calls():
    """[[(seconds since the first packet, signed IP size)]] of each flow of a call."""
    calls, call = [], None
    with bz2.open(CALLS, "rt") as file:
        for line in file:
            if line.startswith("#"):
                label = line.split(",")[1]
                call = [] if label == "voip" else None
                if call is not None:
                    calls.append(call)
                    at = 0.0
            elif call is not None:
                gap_us, size = map(int, line.split(","))
                at += gap_us / 1e6
                if at < SECONDS:
                    call.append((at, size))
    return [call for call in calls if len(call) > 50 and call[0][1] > 0]


class Rig(contextlib.ExitStack):
    """What the actuators' rig asks of a test."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.addCleanup = self.callback


class Events(threading.Thread):
    """When the entry of an inner port got EF, as the kernel tells it."""

    def __init__(self, stack, namespace):
        super().__init__(daemon=True)
        self.marked_at = {}
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "conntrack", "-E", "-e", "UPDATES", "-p", "udp"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        stack.callback(self.stop)
        self.start()

    def run(self):
        for line in self.process.stdout:
            now = time.monotonic()
            port, mark = re.search(r"sport=(\d+)", line), re.search(r"mark=(\d+)", line)
            if port and mark and int(mark.group(1)) == EF:
                self.marked_at.setdefault(int(port.group(1)), now)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def play(gateway, number, packets, begun):
    """One call; `begun` gets its port and when its first packet was sent."""
    port = FIRST_PORT + number
    inner = actuator_rig.Call.socket(gateway.lan, (INNER, port))
    server = actuator_rig.Call.socket(gateway.wan, (SERVER, port))
    with inner, server:
        start, peer = time.monotonic(), None
        begun.put((port, start))
        for when, size in packets:
            time.sleep(max(0.0, start + when - time.monotonic()))
            payload = bytes(max(0, abs(size) - SHORTEST))
            if size > 0:
                inner.sendto(payload, (SERVER, port))
                if peer is None:
                    peer = server.recvfrom(2048)[1]
            else:
                server.sendto(payload, peer)


def configuration(folder):
    return """eal: {memory_mb: 160, huge_pages: 'off', file_prefix: fmdelay%d}
control: {socket: ctl.sock}
metrics: {listen: ''}
mode: mirror
ports: [{name: 'net_af_packet0,iface=lan0,framesz=2048,blocksz=65536,framecnt=4096', role: lan}]
inside: [10.9.1.0/24]
models: [{name: category, path: %s}]
verdict_stream: {socket: %s}
""" % (os.getpid(), MODEL, os.path.join(folder, "verdicts.sock"))


def measure(rounds, at_once):
    """Seconds to the mark of each call; None: never within SECONDS."""
    calls, begun = read_calls(), queue.Queue()
    with tempfile.TemporaryDirectory() as folder, Rig(folder) as stack:
        gateway = actuator_rig.Gateway(stack)
        events = Events(stack, gateway.gateway)
        with rig.Daemon(folder, configuration(folder), cwd=folder, namespace=gateway.gateway):
            stack.stream = argparse.Namespace(path=os.path.join(folder, "verdicts.sock"))
            actuator_rig.Actuator(stack, "flowmark-conntrack", gateway.gateway)
            order = [(n, calls[n % len(calls)]) for n in range(rounds * len(calls))]
            for first in range(0, len(order), at_once):
                group = [threading.Thread(target=play, args=(gateway, n, call, begun))
                         for n, call in order[first:first + at_once]]
                for thread in group:
                    thread.start()
                for thread in group:
                    thread.join()
                print("\r%d of %d calls" % (min(first + at_once, len(order)), len(order)), end="",
                      file=sys.stderr, flush=True)
            print(file=sys.stderr)
        starts = dict(begun.queue)
        return [events.marked_at[port] - start if port in events.marked_at else None
                for port, start in starts.items()]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=3, help="how often each call is made")
    options.add_argument("--at-once", type=int, default=4, help="calls side by side")
    options = options.parse_args()
    times = measure(options.rounds, options.at_once)
    known = sorted(value for value in times if value is not None)
    if not known:
        sys.exit("no call got its mark")
    p99 = known[math.ceil(0.99 * len(known)) - 1]
    print("%d calls, %d without EF within %.0f s" % (len(times), len(times) - len(known), SECONDS))
    print("first packet to mark: median %.3f s (goal %.1f), p90 %.3f s, p99 %.3f s (goal %.1f)" %
          (statistics.median(known), GOALS_S["median"], known[math.ceil(0.9 * len(known)) - 1], p99,
           GOALS_S["p99"]))


if __name__ == "__main__":
    main()

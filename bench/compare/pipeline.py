#!/usr/bin/env python3
"""The same capture, in one run, through flowmarkd, `flowmark replay`, nDPI's ndpiReader and
dpdk-testpmd's macswap. Each has one core.

pipeline.py [--build DIR] [--packets N] [--runs N] [--json] [CAPTURE...]

The captures (any that captures.py reads; default: the bundled one) are put one after the other and
repeated with other addresses until there are N packets; --packets 0: each once. Pauses are cut to
ten seconds. flowmarkd and testpmd read the file through DPDK's
net_pcap port and send to net_null; their times are those of their forwarding loops while busy.
ndpiReader and replay are processes that read the file: their times are user and system time less
that for a capture of one packet. Needs Debian's packages libndpi-bin and dpdk; what is missing is
left out and said. Each figure is the median of the runs.
"""

import argparse
import json
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from captures import read_capture

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NS = 1e9
LONGEST_PAUSE_US = 10_000_000


def renumbered(frame, turn):
    """The frame with the second and third byte of both IPv4 addresses changed."""
    if turn == 0 or len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return frame
    out = bytearray(frame)
    for address in (26, 30):
        out[address + 1] ^= turn & 0xff
        out[address + 2] ^= turn >> 8
    return bytes(out)


def read_all(paths):
    """The frames of each capture, times from its first packet on."""
    captures = []
    for path in paths:
        try:
            frames, left_out = read_capture(path)
        except ValueError as error:
            sys.exit(str(error))
        if left_out:
            print("%s: %d frames left out" % (path, left_out), file=sys.stderr)
        if frames:
            captures.append([(at - frames[0][0], frame) for at, frame in frames])
    if not captures:
        sys.exit("the captures hold no frames")
    return captures


def write_merged(captures, packets, path):
    """Writes `packets` packets of the captures, over and over; returns their mean size."""
    now, count, size = 1_700_000_000_000_000, 0, 0
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        turn = 0
        while count < packets:
            for frames in captures:
                before = 0
                for at, frame in frames[:packets - count]:
                    now += min(max(at - before, 0), LONGEST_PAUSE_US)
                    before = at
                    frame = renumbered(frame, turn)[:1514]
                    out.write(struct.pack("<IIII", now // 1_000_000, now % 1_000_000,
                                          len(frame), len(frame)))
                    out.write(frame)
                    count, size = count + 1, size + len(frame)
                now += 1000
            turn += 1
    return size / count


def run_process(*command):
    """User and system time, peak memory in MiB."""
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(command, stdout=null, stderr=subprocess.PIPE)
        errors = process.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("%s failed: %s" % (" ".join(command), errors))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def offline(command, big, one, packets):
    seconds, memory = run_process(*command(big))
    start_up = min(run_process(*command(one))[0] for _ in range(3))
    if seconds <= start_up:
        sys.exit("%s: its start takes longer than %d packets: raise --packets"
                 % (os.path.basename(command(big)[0]), packets))
    return (seconds - start_up) / packets * NS, memory


def peak_memory(pid):
    with open("/proc/%d/status" % pid) as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1024


def has_read_all(pid, path):
    """Whether the process has come to the end of a file that it has open."""
    folder = "/proc/%d/fd" % pid
    for number in os.listdir(folder):
        try:
            if os.readlink(os.path.join(folder, number)) != path:
                continue
            with open("/proc/%d/fdinfo/%s" % (pid, number)) as info:
                return int(info.readline().split()[1]) >= os.path.getsize(path)
        except OSError:
            pass
    return False


WINDOWS = []  # of each run of flowmarkd: read, left out


def note_windows(metrics):
    def total(name):
        return sum(float(v) for v in re.findall(r"^%s(?:\{.*\})? (\S+)$" % name, metrics, re.M))
    WINDOWS.append((total("flowmark_inferences_total"),
                    total("flowmark_inference_left_out_total")))


def flowmarkd(args, big, packets, folder):
    port = 19477
    config = os.path.join(folder, "flowmarkd.yaml")
    with open(config, "w") as file:
        file.write("mode: inline\n"
                   "ports:\n"
                   "  - {name: 'net_pcap0,rx_pcap=%s', role: lan}\n"
                   "  - {name: 'net_null0,no-rx=1', role: wan}\n"
                   "workers: [%d]\nidle: poll\neal: {memory_mb: 512, file_prefix: compare}\n"
                   "flows: {capacity: 131072, memory_mb: 256}\n"
                   "models: [{name: category, path: %s}]\n"
                   "metrics: {listen: '127.0.0.1:%d'}\ncontrol: {socket: ''}\n"
                   % (big, args.core, args.model, port))
    with open(os.path.join(folder, "flowmarkd.log"), "w+") as log:
        daemon = subprocess.Popen([os.path.join(args.build, "bin/flowmarkd"), "--config", config],
                                  stdout=log, stderr=log)
        try:
            while True:
                time.sleep(0.2)
                if daemon.poll() is not None:
                    log.seek(0)
                    sys.exit("flowmarkd ended: " + log.read())
                try:
                    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port) as page:
                        text = page.read().decode()
                except OSError:
                    continue
                if sum(map(float, re.findall(r'packets_total\{.*direction="rx"\} (\S+)',
                                             text))) >= packets:
                    break
            busy = float(re.search(r'worker_seconds_total\{worker="0",state="busy"\} (\S+)',
                                   text).group(1))
            note_windows(text)
            memory = peak_memory(daemon.pid)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
    return busy / packets * NS, memory


def testpmd(args, big, packets, _):
    command = ["dpdk-testpmd", "--lcores=0@(0-%d),1@%d" % (os.cpu_count() - 1, args.core),
               "--main-lcore=0", "--no-huge", "-m", "1024", "--no-pci", "--no-telemetry",
               "--no-shconf", "--log-level=4", "--vdev=net_pcap0,rx_pcap=" + big,
               "--vdev=net_null0,no-rx=1", "--", "-i", "--forward-mode=macswap", "--no-flush-rx",
               "--record-core-cycles", "--burst=64", "--total-num-mbufs=16384"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    process.stdin.write("start\n")
    process.stdin.flush()
    deadline = time.time() + 120
    while not has_read_all(process.pid, big):
        if process.poll() is not None or time.time() > deadline:
            process.kill()
            sys.exit("testpmd did not read the capture:\n" + process.stdout.read())
        time.sleep(0.1)
    time.sleep(0.3)  # the last burst is on its way
    memory = peak_memory(process.pid)
    text = process.communicate("stop\nquit\n")[0]
    sent = re.findall(r"TX-packets: (\d+)", text)
    if not sent or int(sent[-1]) != packets:
        sys.exit("testpmd forwarded %s of %d packets:\n%s" % (sent[-1:], packets, text))
    found = re.search(r"CPU cycles/packet=([\d.]+).*?at ([\d.]+) MHz", text, re.S)
    if found is None:
        sys.exit("testpmd told no cycles a packet:\n" + text)
    return float(found.group(1)) / float(found.group(2)) * 1000, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("captures", nargs="*", metavar="CAPTURE")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--model", default=os.path.join(ROOT, "config/models/category.onnx"))
    parser.add_argument("--packets", type=int, default=1_000_000,
                        help="0: each capture once (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    captures = read_all(args.captures or [os.path.join(ROOT, "config/demo/demo.pcap.gz")])
    args.packets = args.packets or sum(map(len, captures))
    replay = os.path.join(args.build, "bin/flowmark")
    with tempfile.TemporaryDirectory() as folder:
        big, one = os.path.join(folder, "big.pcap"), os.path.join(folder, "one.pcap")
        size = write_merged(captures, args.packets, big)
        write_merged(captures, 1, one)
        config = os.path.join(folder, "replay.yaml")
        with open(config, "w") as file:
            file.write("mode: replay\nmodels: [{name: category, path: %s}]\n"
                       "flows: {capacity: 131072, memory_mb: 256}\n" % args.model)
        contestants = {
            "flowmarkd, net_pcap": lambda: flowmarkd(args, big, args.packets, folder),
            "testpmd macswap, net_pcap": lambda: testpmd(args, big, args.packets, folder),
            "flowmark replay": lambda: offline(
                lambda capture: [replay, "replay", "--config", config, capture, "--verdicts",
                                 os.path.join(folder, "verdicts")], big, one, args.packets),
            "ndpiReader": lambda: offline(
                lambda capture: ["ndpiReader", "-q", "-i", capture], big, one, args.packets),
        }
        needs = {"testpmd macswap, net_pcap": "dpdk-testpmd", "ndpiReader": "ndpiReader"}
        results = {name: [] for name in contestants}
        for _ in range(args.runs):  # in turns: a busy moment of the machine meets all
            for name, contest in contestants.items():
                tool = needs.get(name)
                if tool and not any(os.access(os.path.join(p, tool), os.X_OK)
                                    for p in os.get_exec_path()):
                    print("%s is not installed: left out" % tool, file=sys.stderr)
                    continue
                results[name].append(contest())
    if not args.json:
        print("%d packets of %.0f bytes on average" % (args.packets, size))
        if WINDOWS:
            print("flowmarkd read %d windows, left out %d (medians)"
                  % tuple(statistics.median(run[i] for run in WINDOWS) for i in (0, 1)))
        print("%-28s %10s %12s %8s" % ("", "ns/packet", "packets/s", "MiB"))
    for name, runs in results.items():
        if not runs:
            continue
        ns = statistics.median(run[0] for run in runs)
        memory = max(run[1] for run in runs)
        if args.json:
            print(json.dumps({"name": name, "ns_per_packet": round(ns, 1),
                              "packets_per_s": round(NS / ns), "mib": round(memory, 1)}))
        else:
            print("%-28s %10.1f %12.0f %8.0f" % (name, ns, NS / ns, memory))


if __name__ == "__main__":
    main()

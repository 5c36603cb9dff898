"""Checks recordings: sequence files against captures, and whether traffic looks like its class.

use: python3 -m lab.check RECORDINGS [--sequences DIR] [--series NAME...]
"""

import argparse
import os
import statistics
import subprocess
import sys

import yaml

from . import packets
from .apps.mixture import SEPARATOR
from .output import FLOWS_PER_SESSION, entry_series, kept_flows, sequences_name
from .plan import FAST

# Bounds a real application stays in: bits a second over the session, mean packet size.
_LOOKS = {
    "voip": ((15e3, 200e3), (60, 260)),
    "streaming": ((100e3, 6e6), (700, 1500)),
    "browsing": ((50e3, 8e6), (400, 1400)),
    "file-transfer": ((200e3, 9e6), (500, 1500)),
    "chat": ((100, 60e3), (60, 700)),
    "p2p": ((100e3, 9e6), (300, 1500)),
    "video-call": ((60e3, 5e6), (200, 1400)),
    "gaming": ((8e3, 1.2e6), (36, 450)),
    "remote-desktop": ((3e3, 16e6), (60, 1450)),
    "other": ((200, 3e6), (40, 1350)),
}


def tshark_counts(path):
    """(packets, IP bytes) by tshark, an independent reader."""
    done = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "ip.len", "-e", "ipv6.plen", "-e", "frame.len"],
                          capture_output=True, text=True, check=True)
    total = count = 0
    for line in done.stdout.splitlines():
        v4, v6, frame = line.split("\t")
        if int(frame) > packets.MAX_FRAME:
            raise packets.CaptureError(f"{path}: a frame of {frame} bytes")
        total += int(v4) if v4 else 40 + int(v6)
        count += 1
    return count, total


def _looks(entry):
    """The bounds of the class; a tunnel's headers, acknowledgements and padding come on top."""
    looks = [_LOOKS[label] for label in entry["label"].split(SEPARATOR)]
    slowest, fastest = max(rate[0] for rate, _ in looks), sum(rate[1] for rate, _ in looks)
    smallest, biggest = min(mean[0] for _, mean in looks), max(mean[1] for _, mean in looks)
    if entry["technique"] == "plain":
        return (slowest, fastest), (smallest, biggest)
    others = 8 * 600 * entry.get("background_pps", 0)  # about 400 bytes and the tunnel's each
    # A stream joins small packets that wait for an acknowledgement.
    most = (4 if entry["technique"] == "openvpn-tcp" and biggest < 700 else 2) * biggest
    return (slowest, 1.6 * fastest + others), (0.6 * smallest, 1500 if others else min(1500, most))


def _same(sequence, flow, label):
    """Whether a flow of the sequence file is the one captured, but for the gaps' rounding."""
    theirs, first = sequence[1], flow[0].source
    if sequence[0] != label or [size for _, size in theirs] != [p.size if p.source == first else -p.size for p in flow]:
        return False
    for (before, packet), (their_before, _), (their_time, _) in zip(zip(flow, flow[1:]), theirs, theirs[1:]):
        gap = packet.time_us - before.time_us
        if abs(their_time - their_before - gap) > packets.MOST_ROUNDED * gap:
            return False
    return theirs[0][0] == flow[0].time_us


def check_session(entry, folder, sequences):
    """Complaints about a session."""
    path = os.path.join(folder, entry["path"])
    complaints = []
    kept = list(packets.packets(path))
    flows = packets.flows(kept)
    size = sum(p.size for p in kept)
    if tshark_counts(path) != (len(kept), size):
        complaints.append("tshark counts other packets or bytes")
    theirs = [flow for number, flow in sequences.items() if number // FLOWS_PER_SESSION == entry["session"]]
    written = kept_flows(entry, kept)
    if len(theirs) != len(written) or not all(_same(*pair, entry["label"]) for pair in zip(theirs, written)):
        complaints.append("the sequence file says otherwise")
    span = (max(p.time_us for p in kept) - min(p.time_us for p in kept)) / 1e6
    rate, mean = 8 * size / max(span, 1e-6), size / len(kept)
    rates, means = _looks(entry)
    if entry.get("kind") == FAST:
        rates = (0.2 * rates[0], 2e6 * entry["network"]["rate_mbit"])  # up and down
    if not rates[0] <= rate <= rates[1]:
        complaints.append(f"rate {rate:.0f} bit/s is outside {rates}")
    if not means[0] <= mean <= means[1]:
        complaints.append(f"mean size {mean:.0f} is outside {means}")
    # A reader may read, a full buffer may play, through the last half minute.
    least = max(min(60, 0.7 * entry["seconds"]), entry["seconds"] - 32)
    if entry.get("kind") == FAST:  # a film may be in the buffer, files may be moved, in some seconds
        least = 5
    if not least <= span <= entry["seconds"] + 15:
        complaints.append(f"lasts {span:.0f} s, planned {entry['seconds']}")
    one_way = sum(all(p.source == flow[0].source for p in flow) for flow in flows)
    print(f"{entry['path']:52} {len(flows):5} flows {len(kept):7} packets {span:6.1f} s"
          f" {rate / 1e3:8.0f} kbit/s mean {mean:6.0f} B, one-way flows {one_way}"
          + "".join(f"\n    WRONG: {complaint}" for complaint in complaints))
    return complaints, len(flows), len(kept)


def main():
    parser = argparse.ArgumentParser(description="Check recordings of the lab.")
    parser.add_argument("recordings")
    parser.add_argument("--sequences", help="folder of the sequence files (default: the recordings)")
    parser.add_argument("--series", nargs="+", help="only these: plain, tor, openvpn-udp-mixed, ... (default: all)")
    options = parser.parse_args()
    with open(os.path.join(options.recordings, "manifest.yaml"), encoding="utf-8") as file:
        entries = yaml.safe_load(file)["sessions"]
    wrong, totals = 0, {}
    for split in ("train", "test"):
        for name in sorted({entry_series(entry) for entry in entries if entry["split"] == split}):
            if options.series and name not in options.series:
                continue
            path = os.path.join(options.sequences or options.recordings, sequences_name(split, name))
            sequences = {number: (label, flow) for number, label, _, flow in packets.read_sequences(path)}
            for entry in entries:
                if (entry["split"], entry_series(entry)) != (split, name):
                    continue
                complaints, flows, count = check_session(entry, options.recordings, sequences)
                wrong += len(complaints)
                label = entry["label"] if SEPARATOR not in entry["label"] else "several"
                totals.setdefault((split, name, label), []).append((flows, count))
    for (split, name, label), found in totals.items():
        print(f"{split:6} {name:12} {label:14} {len(found):3} sessions {sum(f for f, _ in found):6} flows"
              f" {sum(c for _, c in found):8} packets, median {statistics.median(c for _, c in found):.0f} a session")
    if wrong:
        sys.exit(f"{wrong} complaints")


if __name__ == "__main__":
    main()

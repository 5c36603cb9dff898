"""Calls as they arrived: packets captured at both ends, held against each other, judged by the E-model.

Both ends are on one machine, so their clocks are the same and one-way delays are exact.
"""

import statistics
import struct
from dataclasses import dataclass

from .emodel import Circuit, mos, rating

# Opus with frames of 20 ms: the frame, 5 ms of look-ahead and 1.5 ms of resampling.
CODEC_DELAY_MS = 26.5
# G.113, appendix I, has no values for Opus. Ie 0: on the telephone band's scale nobody hears it at 24 kbit/s.
# Bpl 19.0 is that of G.729A with packets of 20 ms, whose concealment also depends on the frames before.
OPUS_IE, OPUS_BPL = 0.0, 19.0
WINDOW_S = 5.0  # a receiver fits its playout delay to what the network does, about this often
_PLAYOUT_STEP_MS = 10

_GLOBAL, _RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
_MAGIC_US, _ETHERNET, _RAW_IP = 0xA1B2C3D4, 1, 101
_HEADER_BYTES = 20 + 8  # IPv4 without options, UDP


@dataclass(frozen=True)
class Seen:
    """One RTP packet as a capture has it."""
    time_s: float
    flow: tuple  # (source, port, destination, port)
    number: tuple  # (synchronisation source, sequence number)
    dscp: int


@dataclass(frozen=True)
class Packet:
    """One RTP packet from end to end; `delay_ms` None: lost."""
    sent_s: float
    delay_ms: float | None
    dscp: int | None  # as it arrived


def read_capture(path):
    """The RTP packets of a little-endian microsecond pcap, Ethernet or raw IP; each [Seen]."""
    with open(path, "rb") as file:
        data = file.read()
    magic, _, _, _, _, _, link = _GLOBAL.unpack_from(data)
    if magic != _MAGIC_US or link not in (_ETHERNET, _RAW_IP):
        raise ValueError(f"{path}: not a little-endian microsecond capture of Ethernet or raw IP")
    skip, at = (14 if link == _ETHERNET else 0), _GLOBAL.size
    while at + _RECORD.size <= len(data):
        seconds, micros, kept, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        seen = _parse(seconds + micros / 1e6, data[at + skip:at + kept])
        at += kept
        if seen:
            yield seen


def _parse(time_s, ip):
    if len(ip) < _HEADER_BYTES + 12 or ip[0] != 0x45 or ip[9] != 17 or ip[_HEADER_BYTES] >> 6 != 2:
        return None
    if 192 <= ip[_HEADER_BYTES + 1] <= 223:  # RTCP on the same port (RFC 5761)
        return None
    source, destination = (".".join(map(str, ip[at:at + 4])) for at in (12, 16))
    sport, dport = struct.unpack_from("!HH", ip, 20)
    sequence, = struct.unpack_from("!H", ip, _HEADER_BYTES + 2)
    stream, = struct.unpack_from("!I", ip, _HEADER_BYTES + 8)
    return Seen(time_s, (source, sport, destination, dport), (stream, sequence), ip[1] >> 2)


def follow(sender, receiver):
    """{flow: [Packet] in the order sent}, from what the captures at both ends saw."""
    arrived = {}
    for seen in receiver:
        arrived.setdefault((seen.flow, seen.number), seen)
    flows = {}
    for seen in sender:
        got = arrived.get((seen.flow, seen.number))
        flows.setdefault(seen.flow, []).append(
            Packet(seen.time_s, 1e3 * (got.time_s - seen.time_s) if got else None, got.dscp if got else None))
    return flows


def first_marked_s(packets, dscp, start_s):
    """Seconds from `start_s` until a packet is sent that arrives with the mark `dscp`; None: never."""
    marked = [packet.sent_s for packet in packets if packet.dscp == dscp]
    return min(marked) - start_s if marked else None


def best_playout(delays_ms):
    """(MOS, playout delay, percent lost) at the playout delay that people would like best.

    `delays_ms`: None for a packet that was lost. A packet that comes after its playout is lost too.
    """
    arrived = sorted(delay for delay in delays_ms if delay is not None)
    if not arrived:
        return 1.0, None, 100.0
    best, at, playout = None, 0, 10.0 * int(arrived[0] / 10)
    while at < len(arrived):
        playout += _PLAYOUT_STEP_MS
        while at < len(arrived) and arrived[at] <= playout:
            at += 1
        lost = 100.0 * (len(delays_ms) - at) / len(delays_ms)
        score = mos(rating(Circuit(ta=playout + CODEC_DELAY_MS, ie=OPUS_IE, bpl=OPUS_BPL, ppl=lost)))
        if best is None or score > best[0]:
            best = (score, playout, lost)
    return best


def windows(packets):
    """The packets in pieces of WINDOW_S, a short rest left out."""
    pieces, start = [], packets[0].sent_s
    for packet in packets:
        place = int((packet.sent_s - start) / WINDOW_S)
        while len(pieces) <= place:
            pieces.append([])
        pieces[place].append(packet)
    if len(pieces) > 1 and packets[-1].sent_s - start < (len(pieces) - 0.5) * WINDOW_S:
        pieces.pop()
    return pieces


def judge(packets):
    """One direction of a call in figures, JSON-ready."""
    scores = [best_playout([packet.delay_ms for packet in piece])[0] for piece in windows(packets)]
    delays = sorted(packet.delay_ms for packet in packets if packet.delay_ms is not None)
    figures = {"packets": len(packets), "mos": round(statistics.fmean(scores), 3), "mos_first": round(scores[0], 3),
               "mos_worst": round(min(scores), 3),
               "lost_percent": round(100 * (1 - len(delays) / len(packets)), 2)}
    if delays:
        steps = [abs(a.delay_ms - b.delay_ms) for a, b in zip(packets, packets[1:])
                 if a.delay_ms is not None and b.delay_ms is not None]
        figures.update(delay_ms=round(statistics.median(delays), 1), delay_p99_ms=round(quantile(delays, 0.99), 1),
                       jitter_ms=round(statistics.fmean(steps), 2) if steps else 0.0)
    return figures


def quantile(ordered, share):
    """The nearest-rank quantile of a sorted list."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

"""Captures of the lab: header-only copies of chosen conversations, and their packet sequences."""

import bz2
import gzip
import os
import socket
import struct
from dataclasses import dataclass, field

MAX_FRAME = 1514  # a 1500-byte packet in Ethernet
TCP, UDP = 6, 17
TRANSPORTS = {TCP: "tcp", UDP: "udp"}  # as sequence files name them
_GLOBAL = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_MAGIC_US = 0xA1B2C3D4


class CaptureError(Exception):
    pass


@dataclass(frozen=True)
class Packet:
    seconds: int
    microseconds: int
    frame: bytes  # Ethernet to the end of the transport header
    wire: int  # bytes of the frame on the wire
    size: int  # bytes of the IP packet
    protocol: int
    source: tuple  # (address, port)
    destination: tuple

    @property
    def time_us(self):
        return self.seconds * 1_000_000 + self.microseconds


@dataclass(frozen=True)
class Rule:
    """Which conversations of a client carry the label. Empty sets match anything."""

    protocol: int
    ports: frozenset = field(default_factory=frozenset)
    peers: frozenset = field(default_factory=frozenset)

    def matches(self, packet):
        ends = (packet.source, packet.destination)
        return (packet.protocol == self.protocol
                and (not self.ports or any(port in self.ports for _, port in ends))
                and (not self.peers or any(address in self.peers for address, _ in ends)))


def records(path):
    """(seconds, microseconds, bytes, wire length) of a classic little-endian Ethernet pcap."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        head = file.read(_GLOBAL.size)
        if len(head) < _GLOBAL.size:
            raise CaptureError(f"{path}: no pcap header")
        magic, _, _, _, _, _, link_type = _GLOBAL.unpack(head)
        if magic != _MAGIC_US or link_type != 1:
            raise CaptureError(f"{path}: not a little-endian microsecond Ethernet capture")
        while head := file.read(_RECORD.size):
            if len(head) < _RECORD.size:
                raise CaptureError(f"{path}: cut off in a record header")
            seconds, microseconds, kept, wire = _RECORD.unpack(head)
            data = file.read(kept)
            if len(data) < kept:
                raise CaptureError(f"{path}: cut off in a record")
            yield seconds, microseconds, data, wire


def is_fragment(data):
    """True for a piece of an IP packet that was cut on its way."""
    if data[12:14] == b"\x08\x00":
        return bool(struct.unpack_from(">H", data, 20)[0] & 0x3FFF)
    return data[12:14] == b"\x86\xdd" and data[20] == 44  # RFC 8200: the fragment header's number


def parse(seconds, microseconds, data, wire):
    """The packet, or None where it is no unfragmented TCP or UDP over IP."""
    kind = data[12:14]
    if kind == b"\x08\x00":
        start = 14 + (data[14] & 15) * 4
        protocol, size = data[23], struct.unpack_from(">H", data, 16)[0]
        if struct.unpack_from(">H", data, 20)[0] & 0x3FFF:
            return None
        addresses = [socket.inet_ntop(socket.AF_INET, data[at:at + 4]) for at in (26, 30)]
    elif kind == b"\x86\xdd":
        start, protocol = 54, data[20]
        size = 40 + struct.unpack_from(">H", data, 18)[0]
        addresses = [socket.inet_ntop(socket.AF_INET6, data[at:at + 16]) for at in (22, 38)]
    else:
        return None
    if protocol not in (TCP, UDP):
        return None
    if wire > MAX_FRAME:
        raise CaptureError(f"a frame of {wire} bytes: an offload is still on")
    if protocol == TCP:
        end = start + (data[start + 12] >> 4) * 4 if len(data) > start + 12 else len(data) + 1
    else:
        end = start + 8
    if len(data) < end:
        raise CaptureError(f"{len(data)} bytes kept of a frame, its headers need {end}")
    ports = struct.unpack_from(">HH", data, start)
    return Packet(seconds, microseconds, data[:end], wire, size, protocol,
                  (addresses[0], ports[0]), (addresses[1], ports[1]))


def packets(path):
    for record in records(path):
        packet = parse(*record)
        if packet is not None:
            yield packet


def write(path, chosen):
    """Header-only classic pcap, gzipped, in time order, put in place by a rename."""
    temporary = path + ".part"
    with gzip.GzipFile(temporary, "wb", compresslevel=9, mtime=0) as file:
        file.write(_GLOBAL.pack(_MAGIC_US, 2, 4, 0, 0, 128, 1))
        for packet in sorted(chosen, key=lambda p: p.time_us):
            file.write(_RECORD.pack(packet.seconds, packet.microseconds, len(packet.frame), packet.wire))
            file.write(packet.frame)
    os.replace(temporary, path)


def flows(chosen):
    """Lists of packets, one a conversation, in order of the first packet."""
    table = {}
    for packet in sorted(chosen, key=lambda p: p.time_us):
        ends = tuple(sorted((packet.source, packet.destination)))
        table.setdefault((packet.protocol, ends), []).append(packet)
    return list(table.values())


MOST_ROUNDED = 0.05  # of a gap


def rounded(gap_us):
    """The gap with an error of 5% or less, below 20 microseconds none: below any network's own
    jitter, and half off the files."""
    if gap_us < 20:
        return gap_us
    if gap_us < 100:
        step = 2 if gap_us < 40 else 5
    else:
        unit = 10 ** (len(str(gap_us)) - 3)
        step = unit * (10 if gap_us < 200 * unit else 20 if gap_us < 500 * unit else 50)
    return (gap_us + step // 2) // step * step


def sequence_lines(number, label, flow, known):
    """A flow as text: the first packet's sender is the initiator, its sizes are positive; `known`
    is what else is known of it. A gap's rounding is not made up for in the next: behind a long one
    that would be many times a short one."""
    first = flow[0]
    lines = [",".join((f"#{number}", label, f"{first.seconds}.{first.microseconds:06d}",
                       *(f"{key}={value}" for key, value in known.items())))]
    before = first.time_us
    for packet in flow:
        sign = "" if packet.source == first.source else "-"
        lines.append(f"{rounded(packet.time_us - before)},{sign}{packet.size}")
        before = packet.time_us
    return lines


def read_sequences(path):
    """(number, label, epoch in microseconds, [(time in microseconds, signed size)]) of each flow."""
    flow = None
    with bz2.open(path, "rt") as file:
        for line in file:
            if line.startswith("#"):
                if flow:
                    yield flow
                number, label, epoch, *_ = line[1:].rstrip().split(",")
                seconds, _, fraction = epoch.partition(".")
                time_us = int(seconds) * 1_000_000 + int(fraction.ljust(6, "0"))
                flow = (int(number), label, time_us, [])
            else:
                step, size = line.split(",")
                time_us += int(step)
                flow[3].append((time_us, int(size)))
    if flow:
        yield flow

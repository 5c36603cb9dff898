"""Captures of any kind as Ethernet frames: pcap and pcapng, plain, gzip or xz; Ethernet, raw IP,
Linux cooked 1 and 2, BSD loopback and PPP. Other link types become Ethernet by a header with no
addresses, so that every program is given the same frames."""

import gzip
import lzma
import struct

ETHERNET, NULL, PPP, RAW, LOOP, SLL, SLL2 = 1, 0, 9, 101, 108, 113, 276
RAW_KINDS = (12, 14, RAW, 228, 229)


def ethernet(ethertype, payload):
    return bytes(12) + struct.pack(">H", ethertype) + payload


def as_ethernet(link, frame):
    """The frame as Ethernet; None if this link type cannot be or the frame is cut off."""
    if link == ETHERNET:
        return frame
    if link in RAW_KINDS or link in (NULL, LOOP):
        payload = frame if link in RAW_KINDS else frame[4:]
        if not payload:
            return None
        return ethernet(0x86dd if payload[0] >> 4 == 6 else 0x0800, payload)
    if link == SLL and len(frame) >= 16:
        return ethernet(struct.unpack_from(">H", frame, 14)[0], frame[16:])
    if link == SLL2 and len(frame) >= 20:
        return ethernet(struct.unpack_from(">H", frame, 0)[0], frame[20:])
    if link == PPP:
        body = frame[2:] if frame[:2] == b"\xff\x03" else frame
        kinds = {0x0021: 0x0800, 0x0057: 0x86dd}
        kind = kinds.get(struct.unpack_from(">H", body, 0)[0]) if len(body) >= 2 else None
        return ethernet(kind, body[2:]) if kind else None
    return None


def read_pcap(data):
    orders = {b"\xd4\xc3\xb2\xa1": ("<", 1), b"\xa1\xb2\xc3\xd4": (">", 1),
              b"\x4d\x3c\xb2\xa1": ("<", 1000), b"\xa1\xb2\x3c\x4d": (">", 1000)}
    order, unit = orders[data[:4]]
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xffff
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, _ = struct.unpack_from(order + "IIII", data, at)
        yield seconds * 1_000_000 + fraction // unit, link, data[at + 16:at + 16 + captured]
        at += 16 + captured


def time_unit(options, order):
    """Parts of a second of an interface's times, from its options."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        if code == 0:
            break
        if code == 9:
            value = options[at + 4]
            return 2 ** (value & 0x7f) if value & 0x80 else 10 ** value
        at += 4 + (length + 3) // 4 * 4
    return 1_000_000


def read_pcapng(data):
    order, interfaces, at, newest = "<", [], 0, 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or at + length > len(data):
            return
        body = data[at + 8:at + length - 4]
        if kind == 1:
            link = struct.unpack_from(order + "H", body, 0)[0]
            interfaces.append((link, time_unit(body[8:], order)))
        elif kind == 6:
            number, high, low, captured, _ = struct.unpack_from(order + "IIIII", body, 0)
            link, unit = interfaces[number]
            newest = ((high << 32) | low) * 1_000_000 // unit
            yield newest, link, body[20:20 + captured]
        elif kind == 3:
            size = struct.unpack_from(order + "I", body, 0)[0]
            yield newest, interfaces[0][0], body[4:4 + min(size, len(body) - 4)]
        at += length


def read_capture(path):
    """The frames with their times in microseconds, and how many were left out because nothing on
    an Ethernet port looks like them. Raises ValueError if the file is no capture."""
    with open(path, "rb") as file:
        head = file.read(6)
    opener = gzip.open if head[:2] == b"\x1f\x8b" else lzma.open if head == b"\xfd7zXZ\0" else open
    with opener(path, "rb") as file:
        data = file.read()
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        packets = read_pcapng(data)
    elif data[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1",
                      b"\xa1\xb2\x3c\x4d"):
        packets = read_pcap(data)
    else:
        raise ValueError("%s: no pcap or pcapng capture" % path)
    frames, left_out = [], 0
    for at, link, frame in packets:
        frame = as_ethernet(link, frame)
        if frame is None or len(frame) < 14:
            left_out += 1
        else:
            frames.append((at, frame))
    return frames, left_out

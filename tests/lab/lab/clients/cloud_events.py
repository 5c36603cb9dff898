"""How a person's input travels to a streamed screen (cloud.py): one datagram for each event of gestures.py."""

import struct

INPUT = b"I"  # the first byte
_EVENT = struct.Struct(">IBhh16s")  # number, kind, two values, name of a key: always as long, as sealed ones are
_KINDS = ("key", "button", "move", "turn")


def pack(number, event):
    kind, *what = event
    name = what[0] if kind == "key" else ""
    values = (0, int(what[1])) if kind == "key" else (int(what[0]), int(what[1]))
    return INPUT + _EVENT.pack(number & 0xFFFFFFFF, _KINDS.index(kind), *values, name.encode())


def unpack(data):
    _, kind, first, second, name = _EVENT.unpack(data[1:])
    kind = _KINDS[kind]
    if kind == "key":
        return kind, name.rstrip(b"\0").decode(), bool(second)
    return kind, first, bool(second) if kind == "button" else second

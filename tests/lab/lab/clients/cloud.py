"""The two ends of a streamed screen: pictures and sound come down, a person's input goes up, all by UDP.

use: cloud ORDER.json
of the far end:  {role: "far", address, ports, local, display}
of the client:   {role: "client", address, ports, report_seconds, seconds, seed, gesture, arguments}
`ports`: of the far end, of the media and of the input, which may be the same. `local`: where ffmpeg sends
RTP to on the far end's loopback.
"""

import json
import selectors
import socket
import struct
import sys
import threading
import time

from .cloud_events import INPUT, pack, unpack
from .hands import Hands, perform

_HELLO, _REPORT = b"H", b"R"
_BUFFER_BYTES = 1 << 20


def _socket(address, port):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    made.bind((address, port))
    return made


def far(order):
    """Hands RTP on to whoever said hello, and his input to the display, until it is stopped."""
    hands = Hands(order["display"])
    media = control = _socket(order["address"], order["ports"][0])
    if order["ports"][0] != order["ports"][1]:
        control = _socket(order["address"], order["ports"][1])
    waiting = selectors.DefaultSelector()
    local = [_socket("127.0.0.1", port) for port in order["local"]]
    for one in {media, control, *local}:
        waiting.register(one, selectors.EVENT_READ)
    peer = None
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            data, sender = key.fileobj.recvfrom(2048)
            if key.fileobj in local:
                if peer:
                    media.sendto(data, peer)
            elif data[:1] == _HELLO:
                peer = sender
            elif data[:1] == INPUT:
                hands.do(unpack(data))
                control.sendto(data[:5], sender)  # an acknowledgement


def client(order):
    """Asks for the stream, reports on it, and sends what the person does."""
    family = socket.AF_INET6 if ":" in order["address"] else socket.AF_INET
    media = socket.socket(family, socket.SOCK_DGRAM)
    media.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    media.connect((order["address"], order["ports"][0]))
    control = media
    if order["ports"][0] != order["ports"][1]:
        control = socket.socket(family, socket.SOCK_DGRAM)
        control.connect((order["address"], order["ports"][1]))
    numbers = iter(range(1 << 40))
    player = threading.Thread(
        target=perform, args=(order, lambda event: control.send(pack(next(numbers), event))), daemon=True)
    waiting = selectors.DefaultSelector()
    for one in {media, control}:
        waiting.register(one, selectors.EVENT_READ)
    end, report, got, last = time.monotonic() + order["seconds"], 0.0, 0, 0
    while (now := time.monotonic()) < end:
        if now >= report:
            media.send(_REPORT + struct.pack(">QQ", got, last) + bytes(15) if got else _HELLO + bytes(31))
            report = now + order["report_seconds"]
        for key, _ in waiting.select(min(end, report) - now):
            data = key.fileobj.recv(2048)
            if data[:1] == INPUT:
                continue
            got += 1
            last = len(data)
            if got == 1:
                player.start()
    if not got:
        raise RuntimeError("no picture came")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    (far if order["role"] == "far" else client)(order)


if __name__ == "__main__":
    main()

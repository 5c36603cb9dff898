"""Sends the sound and the pictures of a call from one port, as telephones do that bundle (RFC 8843).

use: bundle OWN PORT PEER PORT SOUND-PORT PICTURES-PORT KBIT SECONDS

ffmpeg sends both to ports of the loopback, a picture's packets all at once; sound goes on as it
comes, pictures no faster than KBIT, which spreads a big one over some time. Each packet gets the
10 bytes of SRTP's tag (RFC 3711); control packets of either stream share the port (RFC 5761).
"""

import collections
import select
import socket
import sys
import time

_TAG = bytes(10)
_TICK = 0.005  # seconds: what may go in one go
_MOST_WAITING = 2000  # packets: a second or more of any call


def listening(family, host, port):
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.bind((host, port))
    end.setblocking(False)
    return end


def drain(end):
    while True:
        try:
            yield end.recv(2048)
        except BlockingIOError:
            return


def main():
    own, own_port, peer, peer_port, sound_port, pictures_port, kbit, seconds = sys.argv[1:]
    family = socket.AF_INET6 if ":" in own else socket.AF_INET
    out = listening(family, own, int(own_port))
    sound, pictures = (listening(socket.AF_INET, "127.0.0.1", int(port)) for port in (sound_port, pictures_port))
    target, waiting = (peer, int(peer_port)), collections.deque()
    bytes_a_second = float(kbit) * 125
    budget, before = 0.0, time.monotonic()
    end = before + float(seconds)

    def send(data):
        try:
            out.sendto(data + _TAG, target)
        except (BlockingIOError, ConnectionRefusedError):  # as a full queue of the network's
            pass

    while (now := time.monotonic()) < end:
        ready, _, _ = select.select([sound, pictures, out], [], [], _TICK if waiting else min(0.5, end - now))
        if out in ready:
            for _ in drain(out):  # the peer's: nobody watches
                pass
        if sound in ready:
            for data in drain(sound):
                send(data)
        if pictures in ready:
            waiting.extend(drain(pictures))
            if len(waiting) > _MOST_WAITING:
                sys.exit(f"{len(waiting)} packets wait: {kbit} kbit/s is less than what the encoder makes")
        now = time.monotonic()
        budget = min(budget + (now - before) * bytes_a_second, 2 * _TICK * bytes_a_second)
        before = now
        while waiting and budget > 0:
            budget -= len(waiting[0])
            send(waiting.popleft())


if __name__ == "__main__":
    main()

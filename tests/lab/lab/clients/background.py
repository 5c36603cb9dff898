"""One end of background traffic: UDP packets of mixed sizes at a set mean rate, at Poisson times.

use: background OWN_ADDRESS PORT PEER_ADDRESS PORT PACKETS_PER_SECOND SECONDS SEED
Both ends run it. What comes in is read and counted.
"""

import random
import socket
import sys
import time

# Shares of small, medium and full packets as on access lines: acknowledgements, answers, bulk.
_SIZES = ((0.55, 40, 120), (0.15, 120, 600), (0.30, 900, 1200))


def size_of(dice):
    """Bytes of a payload."""
    draw = dice.random()
    for share, least, most in _SIZES:
        if draw < share:
            return dice.randint(least, most)
        draw -= share
    return _SIZES[-1][2]


def main():
    own, port, peer, peer_port, rate, seconds, seed = sys.argv[1:]
    dice = random.Random(seed)
    family = socket.AF_INET6 if ":" in own else socket.AF_INET
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.bind((own, int(port)))
    payload = bytes(_SIZES[-1][2])
    sent = heard = 0
    due = time.monotonic()
    last = due + float(seconds)
    while due < last:
        end.settimeout(max(1e-4, due - time.monotonic()))
        try:
            end.recv(2048)
            heard += 1
        except (TimeoutError, ConnectionRefusedError):
            pass
        if time.monotonic() >= due:
            try:
                end.sendto(payload[:size_of(dice)], (peer, int(peer_port)))
                sent += 1
            except ConnectionRefusedError:  # the other end is not there yet
                pass
            due += dice.expovariate(float(rate))
    print(f"sent {sent} heard {heard}", flush=True)


if __name__ == "__main__":
    main()

"""Network conditions of a session, drawn from ranges that access networks show.

Delay is one way, beyond the gateway. Wi-Fi also has a first hop inside, so that the gateway sees
the jitter and the loss of the client's own radio link.
"""

import math
from dataclasses import dataclass, replace

PROFILES = {
    # delay_ms, jitter_ms, loss, rate_mbit (down), up rate as a share of the down rate
    "fibre": ((3, 14), (0.1, 0.8), (0.0, 0.0002), (12, 24), 1.0),
    "cable": ((8, 26), (0.8, 3.5), (0.0, 0.001), (8, 20), 0.25),
    "lte": ((20, 48), (3.0, 11.0), (0.0002, 0.003), (4, 14), 0.4),
    "wifi": ((5, 22), (1.5, 8.0), (0.0005, 0.005), (6, 18), 0.8),
}
UP_FLOOR_MBIT = 1.0
# Fast lines: as fast as the relay carries them without bunching packets more than a radio link does.
# Who has one has little loss: a tenth of the profile's.
FAST_MBIT = (20.0, 120.0)
FAST_LOSS = 0.1


@dataclass(frozen=True)
class Conditions:
    profile: str
    delay_ms: float
    jitter_ms: float
    loss: float
    rate_mbit: float
    queue_ms: float

    def manifest(self):
        return {
            "profile": self.profile,
            "delay_ms": self.delay_ms,
            "jitter_ms": self.jitter_ms,
            "loss": self.loss,
            "rate_mbit": self.rate_mbit,
        }


def draw(random, profile, rate_cap=None):
    """Conditions of `profile`; `rate_cap` (Mbit/s) keeps bulk classes to a bounded volume."""
    delay, jitter, loss, rate, _ = PROFILES[profile]
    rate_mbit = random.uniform(*rate)
    if rate_cap:
        rate_mbit = random.uniform(*rate_cap)
    return Conditions(
        profile,
        round(random.uniform(*delay), 1),
        round(random.uniform(*jitter), 2),
        round(random.uniform(*loss), 5),
        round(rate_mbit, 1),
        round(random.uniform(60, 200)),
    )


def draw_fast(random, profile):
    """The profile's delay and jitter at FAST_MBIT, log-uniform."""
    slow = draw(random, profile)
    rate_mbit = math.exp(random.uniform(*map(math.log, FAST_MBIT)))
    return replace(slow, rate_mbit=round(rate_mbit, 1), loss=round(slow.loss * FAST_LOSS, 6))


def _link(name, direction, c, rate_mbit, share):
    """One relay command; `share` is the part of delay, jitter and loss this hop contributes."""
    queue = max(30000, int(rate_mbit * 1e6 / 8 * c.queue_ms / 1e3))
    return (
        f"link {name} {direction} delay_us={c.delay_ms * 1e3 * share['delay']:.0f}"
        f" jitter_us={c.jitter_ms * 1e3 * share['jitter']:.0f} loss={c.loss * share['loss']:.6f}"
        f" burst=2 rate_kbit={rate_mbit * 1e3:.0f} queue_bytes={queue} reorder=0"
    )


def relay_commands(name, addresses, c):
    """(inside relay, outside relay) commands that give the hosts `addresses` the conditions."""
    up = max(min(UP_FLOOR_MBIT, c.rate_mbit), c.rate_mbit * PROFILES[c.profile][4])
    hosts = [f"host {address} {name}" for address in addresses]
    radio = {"delay": 0.1, "jitter": 0.8, "loss": 0.8} if c.profile == "wifi" else None
    rest = {"delay": 1.0, "jitter": 1.0, "loss": 1.0}
    if radio:
        rest = {key: 1.0 - value for key, value in radio.items()}
    outside = [_link(name, "up", c, up, rest), _link(name, "down", c, c.rate_mbit, rest)] + hosts
    inside = []
    if radio:  # the air is faster than the line behind it, so the queue is on the line
        air = max(30.0, 1.5 * c.rate_mbit)
        inside = [_link(name, "up", c, air, radio), _link(name, "down", c, air, radio)] + hosts
    return inside, outside

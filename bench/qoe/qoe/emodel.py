"""The E-model: how well people would like a call, from delay and loss (Recommendation ITU-T G.107, 06/2015).

rating() is the transmission rating R of clause 7, mos() the mean opinion score of Annex B. Names are the
Recommendation's, in lower case; `Circuit` holds its Table 3 with the default values.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Circuit:
    """Table 3 of G.107: what is on the way from mouth to ear. Levels and losses in dB, times in ms."""
    slr: float = 8.0       # send loudness rating
    rlr: float = 2.0       # receive loudness rating
    stmr: float = 15.0     # sidetone masking rating
    ds: float = 3.0        # D-value of the telephone, send side
    dr: float = 3.0        # D-value of the telephone, receive side
    telr: float = 65.0     # talker echo loudness rating
    wepl: float = 110.0    # weighted echo path loss
    t: float = 0.0         # mean one-way delay of the echo path
    tr: float = 0.0        # round-trip delay in a four-wire loop
    ta: float = 0.0        # absolute delay from mouth to ear in echo-free connections
    qdu: float = 1.0       # quantizing distortion units
    ie: float = 0.0        # equipment impairment factor of the codec
    bpl: float = 4.3       # packet loss robustness of the codec, percent
    ppl: float = 0.0       # packet loss, percent
    burst_r: float = 1.0   # 1: losses at random
    nc: float = -70.0      # circuit noise, dBm0p
    nfor: float = -64.0    # noise floor, dBmp
    ps: float = 35.0       # room noise at the send side, dB(A)
    pr: float = 35.0       # room noise at the receive side, dB(A)
    a: float = 0.0         # advantage factor
    st: float = 1.0        # delay sensitivity
    mt: float = 100.0      # delay that nobody notices


def _sum_of_powers(*levels):
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels))


def _noise(c):
    """No, clause 7.2: all noise, referred to the 0 dBr point."""
    olr = c.slr + c.rlr
    send = c.ps - c.slr - c.ds - 100 + 0.004 * (c.ps - olr - c.ds - 14) ** 2
    lstr = c.stmr + c.dr
    heard = c.pr + 10 * math.log10(1 + 10 ** ((10 - lstr) / 10))
    receive = c.rlr - 121 + heard + 0.008 * (heard - 35) ** 2
    return _sum_of_powers(c.nc, send, receive, c.nfor + c.rlr)


def _signal_to_noise(c):
    """Ro, clause 7.2."""
    return 15 - 1.5 * (c.slr + _noise(c))


def _simultaneous(c):
    """Is, clause 7.3: too loud, sidetone, quantizing distortion."""
    loud = (c.slr + c.rlr) + 0.2 * (64 + _noise(c) - c.rlr)
    i_olr = 20 * ((1 + (loud / 8) ** 8) ** (1 / 8) - loud / 8)
    stmr_o = -10 * math.log10(10 ** (-c.stmr / 10) + math.exp(-c.t / 4) * 10 ** (-c.telr / 10))
    i_st = (12 * (1 + ((stmr_o - 13) / 6) ** 8) ** (1 / 8) - 28 * (1 + ((stmr_o + 1) / 19.4) ** 35) ** (1 / 35)
            - 13 * (1 + ((stmr_o - 3) / 33) ** 13) ** (1 / 13) + 29)
    q = 37 - 15 * math.log10(c.qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q ** 2
    y = (_signal_to_noise(c) - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    return i_olr + i_st + 15 * math.log10(1 + 10 ** y + 10 ** z)


def _talker_echo(c):
    """Idte, clause 7.4, for a sidetone in the ordinary range (9 to 20 dB)."""
    terv = c.telr - 40 * math.log10((1 + c.t / 10) / (1 + c.t / 150)) + 6 * math.exp(-0.3 * c.t ** 2)
    half = (-1.5 * (_noise(c) - c.rlr) - (80 + 2.5 * (terv - 14))) / 2
    return (half + math.sqrt(half ** 2 + 100) - 1) * (1 - math.exp(-c.t))


def _listener_echo(c):
    """Idle, clause 7.4."""
    half = (_signal_to_noise(c) - 10.5 * (c.wepl + 7) * (c.tr + 1) ** -0.25) / 2
    return half + math.sqrt(half ** 2 + 169)


def delay_impairment(ta_ms, st=1.0, mt=100.0):
    """Idd, clause 7.4: what delay alone takes away."""
    if ta_ms <= mt:
        return 0.0
    x = math.log2(ta_ms / mt)
    power = 6 * st
    return 25 * ((1 + x ** power) ** (1 / power) - 3 * (1 + (x / 3) ** power) ** (1 / power) + 2)


def loss_impairment(ie, bpl, ppl, burst_r=1.0):
    """Ie-eff, clause 7.5: the codec with `ppl` percent of its packets lost."""
    return ie + (95 - ie) * ppl / (ppl / burst_r + bpl)


def rating(c):
    """R, clause 7.1."""
    delay = _talker_echo(c) + _listener_echo(c) + delay_impairment(c.ta, c.st, c.mt)
    return _signal_to_noise(c) - _simultaneous(c) - delay - loss_impairment(c.ie, c.bpl, c.ppl, c.burst_r) + c.a


def mos(r):
    """MOS of a conversation, Annex B: 1 to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)

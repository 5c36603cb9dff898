"""What the table and the picture show of a row's results."""

import statistics

GAVE_UP_MS = 20000  # how long the reader of clients/pages.py waits


def call_mos(figures, name=None):
    """MOS of the call `name`, of all calls' mean without one: that of the end that hears worse."""
    ends = {}
    for one in figures["calls"]:
        if name in (None, one["call"]):
            ends.setdefault(one["call"], []).append(one["mos"])
    return statistics.fmean(map(min, ends.values()))


def worst_mos(figures):
    """Of the ear that heard worst in its worst five seconds."""
    return min(one["mos_worst"] for one in figures["calls"])


def call_delay_ms(figures):
    return max(one.get("delay_p99_ms", 0) for one in figures["calls"])


def call_lost(figures):
    return max(one["lost_percent"] for one in figures["calls"])


def pages_s(figures, rows):
    """Mean seconds of the first pages: those that all rows of the table loaded, as all load the same ones in order."""
    common = min(len(other["pages"]["loads_ms"]) for other in rows.values())
    loads = [GAVE_UP_MS if load is None else load for load in figures["pages"]["loads_ms"][:common]]
    return statistics.fmean(loads) / 1e3 if loads else None

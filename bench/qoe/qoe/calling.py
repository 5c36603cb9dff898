"""Calls between the home and a telephone beyond the line: ffmpeg's RTP sender with Opus, both ways."""

import os
import random
import subprocess

from . import calls
from .content import CALLS
from .marks import DSCP

TELEPHONE = (16384, 32766)  # where SIP telephones have their RTP, and what rules by ports look for
EPHEMERAL = (32768, 60998)  # where browsers and most programs have it


class Capture:
    """The packets of all calls at one end."""

    def __init__(self, network, processes, addresses, place, folder):
        self.path = os.path.join(folder, f"calls-{place}.pcap")
        self._processes = processes
        server = addresses.server("call")
        self._process = processes.start(
            None, *network.inside(place, "tcpdump", "-n", "-U", "-s", "64", "-B", "8192", "-i",
                                  addresses.interface("call", place), "-w", self.path, f"udp and host {server}"),
            log=f"tcpdump-{place}")
        processes.wait_for_log(self._process, f"tcpdump-{place}", "listening on")

    def stop(self):
        self._processes.stop(self._process)


class Call:
    """One call of `seconds`; its ports are drawn from `ports`, an even one at each end."""

    def __init__(self, network, processes, addresses, content, name, ports, seconds, dice):
        self.name = name
        self._ends = tuple((address, dice.randrange(*ports, 2))
                           for address in (addresses.home("call"), addresses.server("call")))
        speech = dice.randrange(CALLS)
        self._processes = processes
        self._running = []
        for place, side, own, peer in (("home", "a", *self._ends), ("net", "b", *reversed(self._ends))):
            target = (f"rtp://{peer[0]}:{peer[1]}?localrtpport={own[1]}&localrtcpport={own[1] + 1}"
                      f"&rtcpport={peer[1] + 1}")
            self._running.append(processes.start(
                None, *network.inside(place, "ffmpeg", "-v", "error", "-nostdin", "-re", "-i",
                                      os.path.join(content, "calls", f"call{speech}-{side}.mka"),
                                      "-c", "copy", "-f", "rtp", "-t", str(seconds), target),
                log=f"{name}-{side}", stdout=subprocess.DEVNULL))

    def stop(self):
        for process in self._running:
            self._processes.stop(process)

    def wait(self, seconds):
        """Until both ends have hung up; raises subprocess.TimeoutExpired."""
        for process in self._running:
            process.wait(seconds)

    def flows(self, direction):
        """As captures have it: (source, port, destination, port)."""
        here, there = self._ends
        return (*there, *here) if direction == "down" else (*here, *there)


def judge(made, home, net, marks=True):
    """Figures of calls that were captured at both ends, one entry a call and direction, JSON-ready.

    `marks`: the captures show them; inside a tunnel they do not.
    """
    ends = {place: list(calls.read_capture(capture.path)) for place, capture in (("home", home), ("net", net))}
    followed = {"down": calls.follow(ends["net"], ends["home"]), "up": calls.follow(ends["home"], ends["net"])}
    rows = []
    for call in made:
        starts = [followed[direction][call.flows(direction)][0].sent_s for direction in followed
                  if call.flows(direction) in followed[direction]]
        for direction, flows in followed.items():
            packets = flows.get(call.flows(direction))
            if not packets:
                raise RuntimeError(f"nothing was sent in {call.name} {direction}")
            rows.append({"call": call.name, "direction": direction, **calls.judge(packets)})
            if marks:
                rows[-1].update(_marked(packets, min(starts)))
    return rows


def _marked(packets, start_s):
    to_mark_s = calls.first_marked_s(packets, DSCP["ef"], start_s)
    marked = sum(packet.dscp == DSCP["ef"] for packet in packets)
    return {"to_mark_s": None if to_mark_s is None else round(to_mark_s, 3),
            "marked_percent": round(100 * marked / len(packets), 1)}


def dice_of(*words):
    """A run's own dice: the same calls in every row."""
    return random.Random("-".join(map(str, words)))

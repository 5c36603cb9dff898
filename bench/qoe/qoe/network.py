"""The network: a home, the box with flowmarkd, a line on either side of it, and the servers.

    home ---- line down ---- flowmarkd ---- line up ---- delay ---- servers
         <--- queue here                   queue here --->

Each line queues what flowmarkd has marked: `down` towards the home, `up` towards the servers. Everything is
one Ethernet; four namespaces hold it: PREFIX-home, PREFIX-box (flowmarkd), PREFIX-mid (lines, delay), PREFIX-net.
"""

import contextlib
import subprocess

from .shell import check, namespaces, remove_namespace

HOME = "10.78.0.2"
PLAIN = "10.78"  # first half of addresses beside tunnels; in tunnels TUNNEL
TUNNEL = "10.79"
# An application's servers are PLAIN.NUMBER.1 and on; its tunnel, where it has one, is number NUMBER too.
APPLICATIONS = {"call": 1, "film": 2, "pages": 3, "download": 4, "swarm": 5}
ADDRESSES = {"call": 1, "film": 1, "pages": 1, "download": 1, "swarm": 6}  # how many each has
DELAY_MS = 10  # one way, between the lines and the servers
_OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro")


class Network:
    """The namespaces and the cables between them, from up() to down()."""

    def __init__(self, prefix, processes, delay_relay):
        self._prefix = prefix
        self._processes = processes
        self._delay_relay = delay_relay
        self._made = []

    def name(self, place):
        return f"{self._prefix}-{place}"

    def inside(self, place, *command):
        """The command that runs `command` in a namespace."""
        return ("ip", "netns", "exec", self.name(place)) + command

    def ip(self, place, *arguments):
        return check("ip", "-n", self.name(place), *arguments)

    def up(self):
        self.remove_left_over()
        for place in ("home", "box", "mid", "net"):
            check("ip", "netns", "add", self.name(place))
            self._made.append(place)
            check(*self.inside(place, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                               "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_unprivileged_port_start=0"))
            self.ip(place, "link", "set", "lo", "up")
        self._cable("mid", "home0", "home", "eth0")
        self._cable("mid", "lan0", "box", "dlan")
        self._cable("mid", "wan0", "box", "dwan")
        self._cable("mid", "near0", "mid", "near1")
        self._cable("mid", "far0", "net", "eth0")
        for port in ("dlan", "dwan"):
            self.ip("box", "link", "set", port, "promisc", "on")
        self.ip("home", "addr", "add", f"{HOME}/16", "dev", "eth0")
        for application, number in APPLICATIONS.items():
            for last in range(1, ADDRESSES[application] + 1):
                self.ip("net", "addr", "add", f"{PLAIN}.{number}.{last}/16", "dev", "eth0")
        self._start_delay()

    def down(self):
        for place in reversed(self._made):
            with contextlib.suppress(RuntimeError):
                remove_namespace(self.name(place))
        self._made = []

    def remove_left_over(self):
        """Namespaces of a run that was killed."""
        for name in namespaces():
            if name in [self.name(place) for place in ("home", "box", "mid", "net")]:
                remove_namespace(name)

    def _cable(self, one, one_end, other, other_end):
        check("ip", "link", "add", one_end, "netns", self.name(one), "type", "veth", "peer", "name", other_end,
              "netns", self.name(other))
        for place, end in ((one, one_end), (other, other_end)):
            check(*self.inside(place, "ethtool", "-K", end, *(word for name in _OFFLOADS for word in (name, "off"))))
            self.ip(place, "link", "set", end, "up")

    def _start_delay(self):
        """The recording lab's relay, for delay only: this kernel may have no netem."""
        relay = self._processes.start(
            None, *self.inside("mid", "chrt", "--rr", "20", self._delay_relay, "--inside", "near1", "--outside",
                                    "far0", "--seed", "1"),
            log="delay", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        conditions = f"delay_us={DELAY_MS * 1000} jitter_us=0 loss=0 burst=1 rate_kbit=0 queue_bytes=0 reorder=0"
        for line in (f"link home up {conditions}", f"link home down {conditions}", f"host {HOME} home"):
            relay.stdin.write(line.encode() + b"\n")
            relay.stdin.flush()
        answers = [relay.stdout.readline().decode().strip() for _ in range(4)]
        if answers != ["ready", "ok", "ok", "ok"]:
            raise RuntimeError(f"the delay's relay answered {answers}")

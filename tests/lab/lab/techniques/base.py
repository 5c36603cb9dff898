"""What every technique has in common: plain traffic, and tunnels to a VPN end.

    client - [its own interface] - gateway, capture - WAN - VPN end (vpnN) - servers

The VPN end of slot N has an address outside the servers' network, to which the client sends its
tunnel, and one inside it, where it hands on what comes out. The client's addresses within the
tunnel are routed to it by the servers, so that calls and peers reach the client as without one.
"""

import os
import random
import time

from ..network import LAN_GATEWAYS, SERVERS, TRANSIT_NETWORKS, server_address, transit_address
from ..packets import Rule
from ..process import NAMESPACE_PREFIX, check, inside

MOST_SLOTS = 24  # as far as the numbers of addresses reach
_FIRST_END = 61  # VPN end of slot N: number _FIRST_END + N on the servers' side, N outside of it


def inner_addresses(slot, end):
    """Addresses within the tunnel of slot N: `end` 1 is the VPN end, 2 the client."""
    return f"10.88.{slot}.{end}", f"fd88:0:0:{slot}::{end}"


class Technique:
    """How the packets of one session travel. Plain: as they are.

    The orchestrator calls prepare(), then the application's prepare(), starts the capture, calls
    connect(), and after the application's run() stop(). rules() names what carries the label.
    """

    name = "plain"
    families = (4, 6)
    sealed = False  # whatever passes by the tunnel is a fault of the lab
    route_back = None  # of a tunnel: makes a server know the way to the client's tunnel addresses

    def __init__(self, session, lab, processes, folder):
        self.session = session
        self.lab = lab
        self.processes = processes
        self.folder = folder
        self.random = random.Random(f"{session.seed}-{session.name}-technique")
        self.client = f"c{session.slot}"
        os.makedirs(folder, exist_ok=True)

    @staticmethod
    def usable(label, variants):  # pylint: disable=unused-argument
        """Those of the label's variants that can use the technique."""
        return variants

    def prepare(self):
        """Brings the far end up."""

    def connect(self):
        """Opens the tunnel; applications can use it when this returns."""

    def rules(self, application):
        return application.rules()

    def stop(self):
        """Removes what prepare() made outside the session's processes."""


class Tunnel(Technique):
    """A VPN: the subclass starts its two ends and says how its packets look from outside."""

    sealed = True
    interface = "tun0"  # of the client
    patience = 30  # seconds until the tunnel must be up

    def __init__(self, *arguments):
        super().__init__(*arguments)
        slot = self.session.slot
        self.end = f"vpn{slot}"
        self.end_address = transit_address(slot, self.session.family)
        self.session.inner = inner_addresses(slot, 2)
        self._made = False

    def prepare(self):
        slot = self.session.slot
        number = _FIRST_END + slot
        self.lab.network.add_host(self.end, "wan", [server_address(number)], [server_address(number, 6)])
        self._made = True
        check(*inside(self.end, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"))
        self.lab.network.add_transit(self.end, slot)
        for host in SERVERS:
            self.route_back(host)
        self.start_end()

    def route_back(self, host):
        """The server `host` reaches the client's tunnel addresses by the VPN end."""
        number = _FIRST_END + self.session.slot
        for family, address in zip((4, 6), self.session.inner):
            check("ip", "-n", NAMESPACE_PREFIX + host, f"-{family}", "route", "replace", address, "via",
                  server_address(number, family))

    def connect(self):
        self.start_client()
        # All but the tunnel itself goes into it, name lookups too.
        for family, way, gateway in zip((4, 6), TRANSIT_NETWORKS, LAN_GATEWAYS):
            route = ("ip", "-n", NAMESPACE_PREFIX + self.client, f"-{family}", "route", "replace")
            check(*route, way, "via", gateway)
            check(*route, "default", "dev", self.interface, "src", self.session.inner[0 if family == 4 else 1])
        self._wait_for_end()

    def _wait_for_end(self):
        """Until the far end answers through the tunnel: a ping that is lost is sent again."""
        target = server_address(_FIRST_END + self.session.slot)
        until = time.monotonic() + self.patience
        while True:
            try:
                check(*inside(self.client, "ping", "-q", "-c", "1", "-W", "1", target))
                return
            except RuntimeError as error:
                if time.monotonic() > until:
                    raise RuntimeError(f"{self.session.name}: {target} does not answer through the tunnel,"
                                       f" see {self.processes.log_folder}") from error

    def own(self, packet):
        """True for what the tunnel sends itself, labelled or not."""
        return self.end_address in (packet.source[0], packet.destination[0])

    def stop(self):
        if self._made:
            self.lab.network.remove_host(self.end)
            self._made = False

    def start_end(self):
        raise NotImplementedError

    def start_client(self):
        raise NotImplementedError

    def outer(self, protocol, *ports):
        """The rule of a tunnel to the VPN end."""
        return Rule(protocol, frozenset(ports), frozenset([self.end_address]))

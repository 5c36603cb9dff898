"""WireGuard between the home and the servers: a tunnel an application, or one around everything."""

import os

from .marks import TUNNEL_PORTS
from .network import ADDRESSES, APPLICATIONS, HOME, PLAIN, TUNNEL
from .shell import check

_MTU = 1420
_END = f"{PLAIN}.0.9"  # where all tunnels end, beside the servers
ONE_PORT = 51820


class Tunnels:
    """Up from the constructor to down(). Interfaces are wg0 or wgNUMBER in both namespaces."""

    def __init__(self, network, processes, folder, one):
        self._network, self._processes, self._folder = network, processes, folder
        self._started = []
        network.ip("net", "addr", "replace", f"{_END}/16", "dev", "eth0")
        if one:
            self._join(0, ONE_PORT, f"{TUNNEL}.0.2/16", APPLICATIONS)
        else:
            for application, number in APPLICATIONS.items():
                self._join(number, TUNNEL_PORTS[application], f"{TUNNEL}.{number}.254/24", [application])

    def _join(self, number, port, inner, applications):
        ends = {place: self._key(place, number) for place in ("home", "net")}
        for place, other in (("home", "net"), ("net", "home")):
            # Control sockets of all namespaces are in one folder, by interface: names differ.
            interface = f"{'h' if place == 'home' else 'n'}wg{number}-{os.getpid()}"
            log = f"wireguard-{place}-{number}"
            process = self._processes.start(
                None, *self._network.inside(place, "wireguard-go", "-f", interface), log=log,
                env=dict(os.environ, WG_PROCESS_FOREGROUND="1", LOG_LEVEL="verbose"))
            self._started.append(process)
            self._processes.wait_for_log(process, log, "UAPI listener started")
            peer = ["endpoint", f"{_END}:{port}"] if place == "home" else []
            check(*self._network.inside(place, "wg", "set", interface, "private-key", ends[place][0], "listen-port",
                                        str(port), "peer", ends[other][1], "allowed-ips", "0.0.0.0/0", *peer))
            if place == "home":
                self._network.ip(place, "addr", "add", inner, "dev", interface)
            else:
                self._serve(interface, applications, 16 if number == 0 else 24)
            self._network.ip(place, "link", "set", interface, "mtu", str(_MTU), "up")

    def _serve(self, interface, applications, length):
        for application in applications:
            for last in range(1, ADDRESSES[application] + 1):
                self._network.ip("net", "addr", "add", f"{TUNNEL}.{APPLICATIONS[application]}.{last}/{length}", "dev",
                                 interface)

    def _key(self, place, number):
        path = os.path.join(self._folder, f"wireguard-{place}-{number}.key")
        private = check("wg", "genkey")
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(private)
        return path, check("wg", "pubkey", input=private).strip()

    def down(self):
        for process in self._started:
            self._processes.stop(process)


class Addresses:
    """Where applications find each other in a scenario: plain, in a tunnel of their own, or in one for all."""

    def __init__(self, scenario):
        self.base = PLAIN if scenario == "plain" else TUNNEL
        self._one = scenario == "one-tunnel"

    def server(self, application, last=1):
        return f"{self.base}.{APPLICATIONS[application]}.{last}"

    def home(self, application):
        if self.base == PLAIN:
            return HOME
        return f"{TUNNEL}.0.2" if self._one else f"{TUNNEL}.{APPLICATIONS[application]}.254"

    def interface(self, application, place):
        """The one that an application's packets cross unencrypted."""
        if self.base == PLAIN:
            return "eth0"
        return f"{'h' if place == 'home' else 'n'}wg{0 if self._one else APPLICATIONS[application]}-{os.getpid()}"

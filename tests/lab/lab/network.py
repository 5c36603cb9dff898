"""The lab's network.

    clients - fml-lan (bridge, relay) - fml-gw (router, captures) - fml-wan (relay, bridge) - servers

Every client and every server has a namespace of its own. The captures are taken on `lan0` of the
gateway, so that they show what a gateway box sees: upward packets before the line beyond, downward
packets after it. A technique (VPN, Tor) adds namespaces with add_host() on either side and leaves
all this as it is.
"""

import contextlib
import subprocess
import threading
import zlib

from .conditions import relay_commands
from .process import NAMESPACE_PREFIX, check, inside, remove_namespace

INSIDE4, INSIDE6 = "10.77.0.0/16", "fd77::/64"
OUTSIDE4, OUTSIDE6 = "198.51.100.0/24", "2001:db8:88::/64"
# Where tunnels end and relays listen, so that routes to the servers never take the tunnel itself.
TRANSIT4, TRANSIT6 = "203.0.113", "2001:db8:113:"
TRANSIT_NETWORKS = f"{TRANSIT4}.0/24", f"{TRANSIT6}:/64"
LAN_GATEWAYS = "10.77.0.1", "fd77::1"
OUTSIDE_GATEWAYS = "198.51.100.1", "2001:db8:88::1"
_OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro")

# Server namespaces and the last number of their addresses (198.51.100.N and 2001:db8:88::N).
SERVERS = {"web": range(10, 36), "files": range(40, 43), "chat": range(60, 61)}


def client_addresses(number):
    return f"10.77.0.{number}", f"fd77::{number}"


def server_address(number, family=4):
    return f"198.51.100.{number}" if family == 4 else f"2001:db8:88::{number}"


def transit_address(number, family=4):
    return f"{TRANSIT4}.{number}" if family == 4 else f"{TRANSIT6}:{number}"


class Relay:
    """A running wan_relay; commands go through its standard input."""

    def __init__(self, processes, binary, namespace, inside_side, outside_side, seed):
        # Real-time priority: compilers beside the lab must not add jitter of their own.
        self._process = processes.start(
            namespace, "chrt", "--rr", "20", binary, "--inside", inside_side, "--outside", outside_side,
            "--seed", str(seed), log=f"relay-{namespace}", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock = threading.Lock()  # sessions start and end side by side: each waits for its own answer
        self._expect("ready")

    def _expect(self, start):
        answer = self._process.stdout.readline().decode().strip()
        if not answer.startswith(start):
            raise RuntimeError(f"wan_relay answered '{answer}', expected '{start}'")
        return answer

    def command(self, line):
        with self._lock:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
            return self._expect("ok")


class Network:
    def __init__(self, processes, relay_binary, seed):
        self._processes = processes
        self._binary = relay_binary
        self._seed = seed
        self._namespaces = []
        self._ports = {}  # host: (side, its port on the bridge)
        self.relays = []

    def up(self):
        self._make_gateway()
        for name, numbers in SERVERS.items():
            self.add_host(name, "wan", [server_address(n) for n in numbers],
                          [server_address(n, 6) for n in numbers])
        self.relays = [Relay(self._processes, self._binary, "lan", "mid0", "gw0", self._seed),
                       Relay(self._processes, self._binary, "wan", "gw0", "mid0", self._seed + 1)]

    def down(self):
        for name in reversed(self._namespaces):
            with contextlib.suppress(RuntimeError):  # the others must go too
                remove_namespace(NAMESPACE_PREFIX + name)
        self._namespaces = []

    def _namespace(self, name):
        check("ip", "netns", "add", NAMESPACE_PREFIX + name)
        self._namespaces.append(name)
        check(*inside(name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0",
                      "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_ra=0",
                      "net.ipv6.conf.default.accept_ra=0", "net.ipv4.ip_unprivileged_port_start=0"))
        check("ip", "-n", NAMESPACE_PREFIX + name, "link", "set", "lo", "up")

    def _cable(self, one, one_interface, other, other_interface):
        check("ip", "link", "add", one_interface, "netns", NAMESPACE_PREFIX + one, "type", "veth",
              "peer", "name", other_interface, "netns", NAMESPACE_PREFIX + other)
        for name, interface in ((one, one_interface), (other, other_interface)):
            for offload in _OFFLOADS:  # packets as a wire carries them
                check(*inside(name, "ethtool", "-K", interface, offload, "off"))
            check("ip", "-n", NAMESPACE_PREFIX + name, "link", "set", interface, "up")

    def _make_gateway(self):
        for name in ("gw", "lan", "wan"):
            self._namespace(name)
        check(*inside("gw", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                      "net.ipv4.conf.all.send_redirects=0"))
        for side, addresses in (("lan", ("10.77.0.1/16", "fd77::1/64")),
                                ("wan", ("198.51.100.1/24", "2001:db8:88::1/64",
                                         f"{TRANSIT4}.254/24", f"{TRANSIT6}:254/64"))):
            self._cable(side, "gw0", "gw", side + "0")
            for address in addresses:
                check("ip", "-n", NAMESPACE_PREFIX + "gw", "addr", "add", address, "dev", side + "0")
            check("ip", "-n", NAMESPACE_PREFIX + side, "link", "add", "br0", "type", "bridge")
            check("ip", "-n", NAMESPACE_PREFIX + side, "link", "set", "br0", "up")
            self._cable(side, "mid0", side, "mid1")
            check("ip", "-n", NAMESPACE_PREFIX + side, "link", "set", "mid1", "master", "br0")

    def add_host(self, name, side, addresses4, addresses6):
        """A namespace `name` on the bridge of `side` ("lan" or "wan"), routed by the gateway."""
        self._namespace(name)
        port = "p-" + name
        # The same name has the same address on the wire: neighbours may still know the one before.
        hardware = "02" + "".join(f":{byte:02x}" for byte in (zlib.crc32(name.encode()).to_bytes(4, "big") + b"\x01"))
        self._ports[name] = (side, port)
        self._cable(name, "eth0", side, port)
        check("ip", "-n", NAMESPACE_PREFIX + name, "link", "set", "eth0", "address", hardware)
        check("ip", "-n", NAMESPACE_PREFIX + side, "link", "set", port, "master", "br0")
        length4, route = (16, LAN_GATEWAYS[0]) if side == "lan" else (24, OUTSIDE_GATEWAYS[0])
        route6 = LAN_GATEWAYS[1] if side == "lan" else OUTSIDE_GATEWAYS[1]
        for address in addresses4:
            check("ip", "-n", NAMESPACE_PREFIX + name, "addr", "add", f"{address}/{length4}", "dev", "eth0")
        for address in addresses6:
            check("ip", "-n", NAMESPACE_PREFIX + name, "addr", "add", f"{address}/64", "dev", "eth0", "nodad")
        check("ip", "-n", NAMESPACE_PREFIX + name, "route", "add", "default", "via", route)
        check("ip", "-n", NAMESPACE_PREFIX + name, "-6", "route", "add", "default", "via", route6)

    def add_transit(self, name, number):
        """The host on the "wan" side gets the tunnel addresses `number`, and answers clients from them."""
        host = NAMESPACE_PREFIX + name
        check("ip", "-n", host, "addr", "add", f"{transit_address(number)}/24", "dev", "eth0")
        check("ip", "-n", host, "addr", "add", f"{transit_address(number, 6)}/64", "dev", "eth0", "nodad")
        check("ip", "-n", host, "route", "replace", "default", "via", f"{TRANSIT4}.254", "src",
              transit_address(number))
        check("ip", "-n", host, "-6", "route", "replace", "default", "via", f"{TRANSIT6}:254", "src",
              transit_address(number, 6))

    def remove_host(self, name):
        self._namespaces.remove(name)
        # The kernel takes a namespace's interfaces away some time after the namespace: a host of
        # the same name may come before that, so the cable goes first.
        side, port = self._ports.pop(name)
        subprocess.run(["ip", "-n", NAMESPACE_PREFIX + side, "link", "del", port], capture_output=True, check=False)
        remove_namespace(NAMESPACE_PREFIX + name)

    def set_conditions(self, name, addresses, conditions):
        for relay, commands in zip(self.relays, relay_commands(name, addresses, conditions)):
            for line in commands:
                relay.command(line)

    def clear_conditions(self, name):
        for relay in self.relays:
            relay.command("forget " + name)

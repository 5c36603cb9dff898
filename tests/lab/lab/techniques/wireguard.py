"""WireGuard by wireguard-go, its userspace form: the kernel need not have it."""

import os

from ..packets import UDP
from ..process import NAMESPACE_PREFIX, check, inside
from .base import Tunnel, inner_addresses


class WireGuard(Tunnel):
    name = "wireguard"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # The control sockets of all namespaces are in one folder, by interface: names differ.
        self.interface = f"fmlwg{self.session.slot}c"
        self._port = self.random.choice((51820, 51820, 443))
        self._mtu = self.random.choice((1420, 1420, 1380, 1280))
        self._keepalive = self.random.choice(("off", "25"))
        self._keys = {}

    def rules(self, application):
        return [self.outer(UDP, self._port)]

    def _key(self, side):
        path = os.path.join(self.folder, "wireguard-" + side)
        private = check("wg", "genkey")
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(private)
        return path, check("wg", "pubkey", input=private).strip()

    def _start(self, namespace, side, interface, *settings):
        log = "wireguard-" + side
        process = self.processes.start(namespace, "wireguard-go", "-f", interface, log=log,
                                       env=dict(os.environ, WG_PROCESS_FOREGROUND="1", LOG_LEVEL="verbose"))
        self.processes.wait_for_log(process, log, "UAPI listener started")
        check(*inside(namespace, "wg", "set", interface, "private-key", self._keys[side][0], *settings))
        here = inner_addresses(self.session.slot, 2 if side == "client" else 1)
        for address, length in zip(here, (24, 64)):
            check("ip", "-n", NAMESPACE_PREFIX + namespace, "addr", "add", f"{address}/{length}", "dev", interface)
        check("ip", "-n", NAMESPACE_PREFIX + namespace, "link", "set", interface, "mtu", str(self._mtu), "up")

    def start_end(self):
        self._keys = {side: self._key(side) for side in ("client", "server")}
        self._start(self.end, "server", f"fmlwg{self.session.slot}s", "listen-port", str(self._port),
                    "peer", self._keys["client"][1], "allowed-ips", ",".join(self.session.inner))

    def start_client(self):
        host = f"[{self.end_address}]" if ":" in self.end_address else self.end_address
        self._start(self.client, "client", self.interface, "peer", self._keys["server"][1],
                    "endpoint", f"{host}:{self._port}", "persistent-keepalive", self._keepalive,
                    "allowed-ips", "0.0.0.0/0,::/0")

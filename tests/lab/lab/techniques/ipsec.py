"""IPsec: IKEv2 and ESP in UDP by strongSwan, with its userspace ESP: the kernel need not have it.

Each end is a charon of its own. It keeps its socket and its pid file in /run, so each gets a /run
of its own in its mount namespace.
"""

import os
import shlex
import time

from ..network import OUTSIDE4, OUTSIDE6
from ..packets import UDP
from ..process import NAMESPACE_PREFIX, check, inside
from .base import Tunnel

_CHARON = "/usr/lib/ipsec/charon"
_NAT_PORT = 4500  # ESP in UDP, and all of IKE after its first exchange (RFC 7296, RFC 3948)
# Charon's own 1400 does not hold IPv6 and the longest ESP: 1408 padded, 48 of ESP, 8 of UDP, 40 of IPv6.
_MTU6 = 1380
_CIPHERS = ("aes128gcm16", "aes256gcm16", "aes128-sha256", "aes256-sha384")
_KERNEL = "kernel-libipsec kernel-netlink socket-default vici updown"
_STRONGSWAN = """charon {{
  load = random nonce openssl kdf hmac sha2 aes gcm pem pkcs1 pkcs8 x509 pubkey {kernel}
  plugins {{ vici {{ socket = unix://{folder}/vici }} }}
  filelog {{ stderr {{ default = 1 }} }}
}}
swanctl {{ load = random nonce openssl pem }}
"""
_SWANCTL = """connections {{ lab {{
  version = 2
  local_addrs = {here}
  remote_addrs = {there}
  encap = yes
  mobike = no
  proposals = aes256-sha256-ecp256
  local {{ auth = psk
    id = {side} }}
  remote {{ auth = psk
    id = {peer} }}
  children {{ lab {{
    local_ts = {local_traffic}
    remote_ts = {remote_traffic}
    esp_proposals = {cipher}
    dpd_action = none }} }}
}} }}
secrets {{ ike {{ secret = "between the two ends of the lab" }} }}
"""


class IpSec(Tunnel):
    name = "ipsec"
    interface = "ipsec0"  # made by kernel-libipsec

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._cipher = self.random.choice(_CIPHERS)

    def rules(self, application):
        return [self.outer(UDP, _NAT_PORT)]

    def _run(self, namespace, side, *command):
        """The command as a user of this end's charon would start it."""
        folder = os.path.join(self.folder, side)
        return ("env", f"STRONGSWAN_CONF={folder}/strongswan.conf", f"SWANCTL_DIR={folder}", *command)

    def _start(self, namespace, side, here, there, local_traffic, remote_traffic):
        folder = os.path.join(self.folder, side)
        os.makedirs(os.path.join(folder, "run"))
        with open(os.path.join(folder, "strongswan.conf"), "w", encoding="ascii") as file:
            file.write(_STRONGSWAN.format(folder=folder, kernel=_KERNEL))
        with open(os.path.join(folder, "swanctl.conf"), "w", encoding="ascii") as file:
            file.write(_SWANCTL.format(
                here=here, there=there, side=side, peer="server" if side == "client" else "client",
                local_traffic=", ".join(local_traffic), remote_traffic=", ".join(remote_traffic), cipher=self._cipher))
        script = f"mount --bind {shlex.quote(folder)}/run /run && exec {_CHARON}"
        charon = self.processes.start(namespace, *self._run(namespace, side, "unshare", "-m", "sh", "-c", script),
                                      log="charon-" + side)
        until = time.monotonic() + self.patience
        while not os.path.exists(os.path.join(folder, "vici")):
            if charon.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.session.name}: charon did not start, see {self.processes.log_folder}")
            time.sleep(0.05)
        if self.session.family == 6:
            check("ip", "-n", NAMESPACE_PREFIX + namespace, "link", "set", self.interface, "mtu", str(_MTU6))
        self._swanctl(namespace, side, "--load-all", "--noprompt")

    def _swanctl(self, namespace, side, *arguments):
        socket = f"unix://{os.path.join(self.folder, side)}/vici"
        check(*inside(namespace, *self._run(namespace, side, "swanctl", *arguments, "--uri", socket)))

    def _client_traffic(self):
        return f"{self.session.inner[0]}/32", f"{self.session.inner[1]}/128"

    def start_end(self):
        client = self.session.addresses[0 if self.session.family == 4 else 1]
        self._start(self.end, "server", self.end_address, client, (OUTSIDE4, OUTSIDE6), self._client_traffic())

    def start_client(self):
        for address in self._client_traffic():
            check("ip", "-n", NAMESPACE_PREFIX + self.client, "addr", "add", address, "dev", "lo")
        client = self.session.addresses[0 if self.session.family == 4 else 1]
        self._start(self.client, "client", client, self.end_address, self._client_traffic(), (OUTSIDE4, OUTSIDE6))
        self._swanctl(self.client, "client", "--initiate", "--child", "lab", "--timeout", str(self.patience))

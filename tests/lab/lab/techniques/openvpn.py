"""OpenVPN over UDP or TCP: TLS with certificates known to each other by fingerprint."""

import os
import threading

from ..packets import TCP, UDP
from ..process import check
from .base import Tunnel, inner_addresses

_CIPHERS = ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC")
_MAKING = threading.Lock()


def _identity(folder, name):
    """(certificate, key, fingerprint) of one end, made once."""
    paths = [os.path.join(folder, f"openvpn-{name}.{kind}") for kind in ("pem", "key")]
    with _MAKING:
        if not os.path.exists(paths[0]):
            check("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-days", "3650", "-subj", "/CN=" + name, "-keyout", paths[1], "-out", paths[0] + ".part")
            os.replace(paths[0] + ".part", paths[0])
    shown = check("openssl", "x509", "-in", paths[0], "-noout", "-fingerprint", "-sha256")
    return *paths, shown.strip().partition("=")[2]


class OpenVpn(Tunnel):
    protocol = "udp"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._port = self.random.choice((1194, 1194, 443))
        cipher, mtu = self.random.choice(_CIPHERS), self.random.choice((1300, 1360, 1400))
        # Small enough that no packet of the tunnel is cut in two on the way: CBC with its HMAC and
        # padding, and IPv6 outside, take 110 bytes.
        if self.session.family == 6 and cipher.endswith("CBC"):
            mtu = min(mtu, 1380)
        self._common = ["--dev", "tun0", "--dev-type", "tun", "--disable-dco", "--verb", "3", "--auth-nocache",
                        "--data-ciphers", cipher, "--auth", "SHA256", "--tun-mtu", str(mtu),
                        "--ping", str(self.random.choice((10, 15, 25))), "--ping-restart", "120"]
        if self.protocol == "tcp" and self.random.random() < 0.5:
            self._common += ["--socket-flags", "TCP_NODELAY"]

    def rules(self, application):
        return [self.outer(UDP if self.protocol == "udp" else TCP, self._port)]

    def _start(self, namespace, side, *options):
        here, there = inner_addresses(self.session.slot, 1), inner_addresses(self.session.slot, 2)
        if side == "client":
            here, there = there, here
        certificate, key, _ = _identity(self.lab.certificates, side)
        _, _, peer = _identity(self.lab.certificates, "server" if side == "client" else "client")
        kind = self.protocol + str(self.session.family)
        if self.protocol == "tcp":
            kind += "-" + side
        return self.processes.start(
            namespace, "openvpn", *self._common, "--proto", kind, "--cert", certificate, "--key", key,
            "--peer-fingerprint", peer, "--ifconfig", here[0], there[0],
            "--ifconfig-ipv6", here[1] + "/64", there[1], *options, log=f"openvpn-{side}")

    def start_end(self):
        end = self._start(self.end, "server", "--tls-server", "--dh", "none",
                          "--local", self.end_address, "--port", str(self._port))
        ready = "Listening for incoming TCP" if self.protocol == "tcp" else "link local (bound)"
        self.processes.wait_for_log(end, "openvpn-server", ready)

    def start_client(self):
        client = self._start(self.client, "client", "--tls-client", "--nobind",
                             "--remote", self.end_address, str(self._port))
        self.processes.wait_for_log(client, "openvpn-client", "Initialization Sequence Completed", self.patience)


class OpenVpnUdp(OpenVpn):
    name = "openvpn-udp"


class OpenVpnTcp(OpenVpn):
    name = "openvpn-tcp"
    protocol = "tcp"

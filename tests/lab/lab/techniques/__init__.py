"""The techniques of the lab by name. The order numbers the sessions: new ones go to the end."""

from .base import Technique
from .ipsec import IpSec
from .openvpn import OpenVpnTcp, OpenVpnUdp
from .tor import Tor
from .wireguard import WireGuard

TECHNIQUES = {technique.name: technique for technique in (
    Technique, OpenVpnUdp, OpenVpnTcp, WireGuard, IpSec, Tor)}

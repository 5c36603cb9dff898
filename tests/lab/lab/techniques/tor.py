"""Tor: a private network of real relays, and a client that sends all its TCP through it.

The network is the run's, made before the first session; each session has a client of its own, whose
guards, circuits and their changes are Tor's. Applications reach it as by a transparent proxy, so
that they are the same as without. Tor carries TCP only.
"""

import os

from ..network import TRANSIT4, server_address, transit_address
from ..packets import TCP, Rule
from ..process import check, inside
from .base import Technique

_AUTHORITIES, _RELAYS = 3, 6
_HOST, _HOST_NUMBER = "tor", 99  # its address on the servers' side: where circuits come out
_FIRST_RELAY = 101  # relay N has the transit address _FIRST_RELAY + N
_OR_PORT, _DIR_PORT, _TRANS_PORT = 9001, 9030, 9040
_READY = "Bootstrapped 100%"

_COMMON = """DataDirectory {folder}
Log notice stdout
RunAsDaemon 0
ShutdownWaitLength 0
SafeLogging 0
{authorities}TestingTorNetwork 1
AssumeReachable 1
"""
_RELAY = """Nickname {name}
Address {address}
OutboundBindAddressOR {address}
OutboundBindAddressExit {out}
ORPort {address}:{or_port}
SocksPort 0
ContactInfo lab@lab.invalid
ExitRelay 1
ExitPolicy accept *:*
ExitPolicyRejectPrivate 0
"""
_AUTHORITY = """AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
DirPort {address}:{dir_port}
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 1 minute
V3AuthVoteDelay 2 seconds
V3AuthDistDelay 2 seconds
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
"""
_CLIENT = """SocksPort 0
TransPort 127.0.0.1:{port}
ClientRejectInternalAddresses 0
MaxCircuitDirtiness {dirtiness} seconds
"""
# What is not Tor's own goes into Tor where it is TCP, and nowhere where it is not.
_REDIRECT = """table ip tor {{
  chain divert {{ type nat hook output priority -100;
    oifname "eth0" ip daddr != {transit}.0/24 meta l4proto tcp redirect to :{port}
  }}
  chain seal {{ type filter hook output priority 0;
    oifname "eth0" ip daddr != {{ {transit}.0/24, 127.0.0.0/8 }} drop
  }}
}}
table ip6 tor {{
  chain seal {{ type filter hook output priority 0;
    oifname "eth0" meta l4proto {{ tcp, udp }} drop
  }}
}}
"""

_DIR_AUTHORITY = f"DirAuthority relay{{n}} orport={_OR_PORT} v3ident={{v3}} {{address}}:{_DIR_PORT} {{fingerprint}}\n"


class TorNetwork:
    """Authorities and relays, each a tor of its own with an address of its own, in one host."""

    def __init__(self, lab):
        self._lab = lab
        self._folder = os.path.join(lab.folder, "tor")
        self.addresses = [transit_address(_FIRST_RELAY + n) for n in range(_AUTHORITIES + _RELAYS)]
        self.authorities = ""

    def up(self):
        network, processes = self._lab.network, self._lab.processes
        network.add_host(_HOST, "wan", [server_address(_HOST_NUMBER)], [server_address(_HOST_NUMBER, 6)])
        for n in range(len(self.addresses)):
            network.add_transit(_HOST, _FIRST_RELAY + n)
        for n in range(_AUTHORITIES):
            self.authorities += self._make_authority(n)
        running = [self._start(n) for n in range(len(self.addresses))]
        for n, relay in enumerate(running):
            processes.wait_for_log(relay, f"tor-{n}", _READY, 120)

    def _torrc(self, n):
        """Writes the settings of relay N; its path."""
        folder = os.path.join(self._folder, str(n))
        os.makedirs(os.path.join(folder, "keys"), mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)
        address = self.addresses[n]
        text = _COMMON.format(folder=folder, authorities=self.authorities)
        text += _RELAY.format(name=f"relay{n}", address=address, out=server_address(_HOST_NUMBER), or_port=_OR_PORT)
        if n < _AUTHORITIES:
            text += _AUTHORITY.format(address=address, dir_port=_DIR_PORT)
        path = os.path.join(folder, "torrc")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def _make_authority(self, n):
        """Makes the keys of authority N; the line by which all others know it."""
        path = self._torrc(n)
        folder = os.path.dirname(path)
        keys = os.path.join(folder, "keys")
        check("tor-gencert", "--create-identity-key", "-m", "12", "-a", f"{self.addresses[n]}:{_DIR_PORT}",
              "--passphrase-fd", "0", cwd=keys, input="lab\n")
        with open(os.path.join(keys, "authority_certificate"), encoding="ascii") as file:
            v3 = next(line.split()[1] for line in file if line.startswith("fingerprint "))
        # A DirAuthority line must be there before an authority will even tell its fingerprint.
        with open(path, "a", encoding="ascii") as file:
            file.write(_DIR_AUTHORITY.format(n=n, v3=v3, address=self.addresses[n], fingerprint="F" * 40))
        shown = check(*inside(_HOST, "tor", "--list-fingerprint", "--hush", "-f", path))
        fingerprint = "".join(shown.strip().splitlines()[-1].split()[1:])
        return _DIR_AUTHORITY.format(n=n, v3=v3, address=self.addresses[n], fingerprint=fingerprint)

    def _start(self, n):
        return self._lab.processes.start(_HOST, "tor", "--defaults-torrc", "/dev/null", "-f", self._torrc(n),
                                         log=f"tor-{n}")


class Tor(Technique):
    name = "tor"
    families = (4,)
    sealed = True
    patience = 90

    @staticmethod
    def usable(label, variants):
        """Calls are UDP. Of P2P the client that talks TCP; nobody can call it, so it calls all others."""
        return tuple(variant for variant in variants if label not in ("voip", "video-call") and variant != "transmission")

    def rules(self, application):
        return [Rule(TCP, frozenset([_OR_PORT, _DIR_PORT]), frozenset(self.lab.tor.addresses))]

    def own(self, packet):
        return bool({packet.source[0], packet.destination[0]} & set(self.lab.tor.addresses))

    def connect(self):
        data = os.path.join(self.folder, "tor")
        os.makedirs(data, mode=0o700)
        path = os.path.join(self.folder, "torrc")
        with open(path, "w", encoding="ascii") as file:
            file.write(_COMMON.format(folder=data, authorities=self.lab.tor.authorities))
            file.write(_CLIENT.format(port=_TRANS_PORT, dirtiness=self.random.randint(15, 90)))
        rules = os.path.join(self.folder, "redirect.nft")
        with open(rules, "w", encoding="ascii") as file:
            file.write(_REDIRECT.format(transit=TRANSIT4, port=_TRANS_PORT))
        check(*inside(self.client, "nft", "-f", rules))
        tor = self.processes.start(self.client, "tor", "--defaults-torrc", "/dev/null", "-f", path, log="tor")
        self.processes.wait_for_log(tor, "tor", _READY, self.patience)

"""Marks set where packets are sent: by ports, as people do today, or by what the rig knows them to be."""

import subprocess

from .network import APPLICATIONS, PLAIN

# What flowmark's defaults give to each application's class (docs/configuration.md).
TRUE_MARKS = {"call": "ef", "film": "af31", "pages": "cs0", "download": "af11", "swarm": "le"}
CLASSES = {"call": "voip", "film": "streaming", "pages": "browsing", "download": "file-transfer", "swarm": "p2p"}
DSCP = {"ef": 46, "af31": 26, "cs0": 0, "af11": 10, "le": 1}
TUNNEL_PORTS = {application: 51820 + number for application, number in APPLICATIONS.items()}
# The ports in guides for home routers: SIP and RTP of telephones, STUN, RTMP and RTSP, file transfers, BitTorrent.
# Web, films and downloads share 443: nothing can be said about it.
_PORT_RULES = (("udp", "5060-5061, 3478-3497, 16384-32767", "ef"), ("tcp", "5060-5061", "ef"),
               ("tcp", "554, 1935", "af31"), ("tcp", "20-22, 873", "af11"),
               ("tcp", "6881-6999, 51413", "le"), ("udp", "6881-6999, 51413", "le"))
_TABLE = "qoe"


def _value(mark):
    return hex(DSCP[mark])


def rules_by_ports():
    for protocol, ports, mark in _PORT_RULES:
        for side in ("sport", "dport"):
            yield f"{protocol} {side} {{ {ports} }} ip dscp set {_value(mark)}"


def rules_by_truth(tunnelled):
    """By the servers' addresses, or by the tunnels' ports."""
    for application, mark in TRUE_MARKS.items():
        for side, address in (("sport", "saddr"), ("dport", "daddr")):
            if tunnelled:
                yield f"udp {side} {TUNNEL_PORTS[application]} ip dscp set {_value(mark)}"
            else:
                yield f"ip {address} {PLAIN}.{APPLICATIONS[application]}.0/24 ip dscp set {_value(mark)}"


def table(rules):
    """nft's text: later rules do not undo earlier ones, as no packet fits two marks."""
    lines = "\n".join(f"    {rule}" for rule in rules)
    return f"table ip {_TABLE} {{\n  chain sent {{\n    type filter hook output priority mangle;\n{lines}\n  }}\n}}\n"


def set_marks(network, rules):
    """At both ends; no rules: everything leaves as its program marks it."""
    text = table(list(rules))
    for place in ("home", "net"):
        subprocess.run(network.inside(place, "nft", "delete", "table", "ip", _TABLE), capture_output=True, check=False)
        done = subprocess.run(network.inside(place, "nft", "-f", "-"), input=text, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"nft: {done.stderr.strip()}")

"""A BitTorrent swarm: opentracker, seeds and leechers of one program, and the client among them."""

import hashlib
import json
import os
import re
import time
import urllib.parse

from ..network import server_address
from ..packets import TCP, UDP, Rule
from ..process import check, inside
from ..servers import wait_for_port
from .base import Application

_PORT, _TRACKER_PORT = 51413, 6969
_PIECE = 1 << 18
_SEEDS, _LEECHERS = 3, 2
_FIRST_NUMBER = 130  # peers of slot N: _FIRST_NUMBER + 5 * N and on


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


class P2p(Application):
    label = "p2p"
    variants = ("aria2", "transmission")
    fast_variants = variants

    def prepare(self):
        count = _SEEDS + _LEECHERS
        first = _FIRST_NUMBER + count * self.session.slot
        self.peers = [f"peer{self.session.slot}-{k}" for k in range(count)]
        self.addresses = [server_address(first + k) for k in range(count)]
        for k, peer in enumerate(self.peers):
            self.add_server(peer, first + k)
        self.torrent = self._make_torrent()
        self._start_tracker()
        for k in range(_SEEDS):
            self._start_peer(self.peers[k], k, seed=True)
        self._start_peer(self.peers[_SEEDS], _SEEDS, seed=False)
        self._wait_for_swarm(_SEEDS, 1)

    def rules(self):
        peers = frozenset(self.addresses)
        return [Rule(TCP, frozenset([_PORT]), peers), Rule(UDP, frozenset([_PORT]), peers)]

    def run(self):
        self._start_peer(self.client, "client", seed=False)
        self.pause(self.random.uniform(5, 25))
        self._start_peer(self.peers[-1], len(self.peers) - 1, seed=False)  # a late one finds the client
        self.pause(self.session.seconds)

    # -- torrent and tracker

    def _make_torrent(self):
        folder = self.lab.content.path("swarm")
        name = self.random.choice(sorted(os.listdir(folder)))
        pieces = b""
        with open(os.path.join(folder, name), "rb") as file:
            while piece := file.read(_PIECE):
                pieces += hashlib.sha1(piece).digest()
        info = {"name": name, "length": os.path.getsize(os.path.join(folder, name)), "piece length": _PIECE,
                "pieces": pieces, "private": 1}
        self.info_hash = hashlib.sha1(bencode(info)).digest()
        path = os.path.join(self.folder, "swarm.torrent")
        with open(path, "wb") as file:
            file.write(bencode({"announce": f"http://{self.addresses[0]}:{_TRACKER_PORT}/announce", "info": info}))
        return path

    def _start_tracker(self):
        root = os.path.join(self.folder, "tracker")
        os.makedirs(root)
        with open(os.path.join(root, "whitelist"), "w", encoding="utf-8") as file:
            file.write(self.info_hash.hex() + "\n")
        path = os.path.join(root, "opentracker.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"listen.tcp_udp {self.addresses[0]}:{_TRACKER_PORT}\naccess.whitelist whitelist\n"
                       f"tracker.rootdir {root}\ntracker.user nobody\n")
        os.chmod(root, 0o755)
        self.processes.start(self.peers[0], "opentracker", "-f", path, log="opentracker", cwd=root)
        wait_for_port(self.peers[0], self.addresses[0], _TRACKER_PORT)

    def _wait_for_swarm(self, complete, incomplete, seconds=40):
        """Until the tracker knows the peers that were started."""
        url = f"http://{self.addresses[0]}:{_TRACKER_PORT}/scrape?info_hash={urllib.parse.quote(self.info_hash)}"
        end = time.monotonic() + seconds
        while True:
            answer = check(*inside(self.peers[0], "curl", "-s", "-m", "5", "--output", "-", url), errors="replace")
            counts = [re.search(rf"{key}i(\d+)e", answer) for key in ("8:complete", "10:incomplete")]
            if all(counts) and int(counts[0][1]) >= complete and int(counts[1][1]) >= incomplete:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"{self.session.name}: the swarm did not form: {answer!r}")
            time.sleep(0.3)

    # -- peers

    def _start_peer(self, namespace, name, seed):
        folder = os.path.join(self.folder, f"peer-{name}")
        os.makedirs(folder)
        given = (150, 700) if self.fast else (60, 250)  # kB/s
        limit = self.random.randint(*given) if namespace != self.client else 0
        data = self.lab.content.path("swarm") if seed else folder
        start = self._start_aria2 if self.session.variant == "aria2" else self._start_transmission
        start(namespace, name, folder, data, limit, seed)

    def _start_aria2(self, namespace, name, folder, data, limit, seed):
        options = ["--no-conf", "--quiet", "--dir", data, "--listen-port", str(_PORT), "--enable-dht=false",
                   "--enable-dht6=false", "--bt-enable-lpd=false", "--seed-ratio=0.0", "--file-allocation=none",
                   "--disable-ipv6=true", f"--max-overall-upload-limit={limit}K", "--follow-torrent=mem"]
        if seed:
            options += ["--bt-seed-unverified=true", "--allow-overwrite=true"]
        self.processes.start(namespace, "aria2c", *options, self.torrent, log=f"aria2-{name}", cwd=folder)

    def _start_transmission(self, namespace, name, folder, data, limit, _seed):
        watch = os.path.join(folder, "watch")
        os.makedirs(watch)
        settings = {
            "download-dir": data, "peer-port": _PORT, "dht-enabled": False, "lpd-enabled": False,
            "pex-enabled": False, "utp-enabled": True, "port-forwarding-enabled": False, "rpc-enabled": False,
            "watch-dir": watch, "watch-dir-enabled": True, "speed-limit-up": limit,
            "speed-limit-up-enabled": limit > 0, "preallocation": 0, "rename-partial-files": False,
            "trash-original-torrent-files": False,
        }
        with open(os.path.join(folder, "settings.json"), "w", encoding="utf-8") as file:
            json.dump(settings, file)
        with open(self.torrent, "rb") as source, open(os.path.join(watch, "swarm.torrent"), "wb") as copy:
            copy.write(source.read())
        self.processes.start(namespace, "transmission-daemon", "-f", "-g", folder, log=f"transmission-{name}")

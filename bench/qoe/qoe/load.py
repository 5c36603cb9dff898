"""What fills the line beside the call, the film and the pages: transfers over several connections, a swarm."""

import os
import shutil

from .content import torrent
from .servers import wait_for_port
from .shell import ROOT
from .swarm import PORT, TRACKER_PORT

_DOWN, _UP = 4, 2  # connections
_SEEDS, _LEECHERS, _TRACKER = (1, 2, 3), (4, 5), 6  # last numbers of their addresses
_PYTHON = "/usr/bin/python3"


def client(network, processes, place, module, *arguments, log, **options):
    """One of qoe/clients/ inside a namespace."""
    environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "bench", "qoe"), PYTHONDONTWRITEBYTECODE="1")
    return processes.start(None, *network.inside(place, _PYTHON, "-m", "qoe.clients." + module, *map(str, arguments)),
                           log=log, env=environment, **options)


def start_transfers(network, processes, addresses, content):
    """Some connections that fetch one file, as download programs do, and some that store it."""
    server, options = f"https://{addresses.server('download')}", ("-sS", "--insecure", "--http1.1")
    for number in range(_DOWN):
        processes.start(None, *network.inside("home", "curl", *options, "-o", "/dev/null", server + "/files/image.iso"),
                        log=f"download-{number}")
    for number in range(_UP):
        processes.start(None, *network.inside("home", "curl", *options, "-T",
                                              os.path.join(content, "files", "image.iso"), f"{server}/up/{number}.iso"),
                        log=f"upload-{number}")


class Swarm:
    """The home fetches one file from three seeds and gives another one to two leechers, as fast as it goes."""

    def __init__(self, network, processes, addresses, content, folder):
        self._network, self._processes, self._addresses = network, processes, addresses
        self._content = os.path.join(content, "swarm")
        self._folder = os.path.join(folder, "swarm")
        shutil.rmtree(self._folder, ignore_errors=True)
        os.makedirs(self._folder)
        self._torrents = self._write_torrents()
        for last in _SEEDS:
            self._start("net", f"seed{last}", addresses.server("swarm", last), self._content, ["down"])

    def begin(self):
        """The home comes, and who fetches from it."""
        given = os.path.join(self._folder, "home")
        os.makedirs(given)
        os.symlink(os.path.join(self._content, "up"), os.path.join(given, "up"))
        self._start("home", "home", self._addresses.home("swarm"), given, ["down", "up"])
        for last in _LEECHERS:
            self._start("net", f"leecher{last}", self._addresses.server("swarm", last),
                        os.path.join(self._folder, f"leecher{last}"), ["up"])

    def _write_torrents(self):
        tracker = self._addresses.server("swarm", _TRACKER)
        peers = {"down": [self._addresses.server("swarm", last) for last in _SEEDS],
                 "up": [self._addresses.home("swarm")]}
        paths, words = {}, []
        for name, known in peers.items():
            data, info_hash = torrent(name, f"{tracker}:{TRACKER_PORT}")
            paths[name] = os.path.join(self._folder, name + ".torrent")
            with open(paths[name], "wb") as file:
                file.write(data)
            words.append(f"{info_hash}={','.join(known)}")
        client(self._network, self._processes, "net", "tracker", tracker, *words, log="tracker")
        wait_for_port(self._network, "net", tracker, TRACKER_PORT)
        return paths

    def _start(self, place, name, address, folder, files):
        os.makedirs(folder, exist_ok=True)
        options = ["--no-conf", "--quiet", "--dir", folder, "--interface", address, "--listen-port", str(PORT),
                   "--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--seed-ratio=0.0",
                   "--file-allocation=none", "--disable-ipv6=true", "--follow-torrent=mem", "--allow-overwrite=true",
                   "--bt-seed-unverified=true", "--bt-tracker-interval=5", "--max-concurrent-downloads=4"]
        self._processes.start(None, *self._network.inside(
            place, "aria2c", *options, *(self._torrents[file] for file in files)), log="aria2-" + name)

"""What every application of the lab has in common."""

import json
import os
import subprocess
import sys
import time

from ..network import OUTSIDE_GATEWAYS, server_address
from ..process import NAMESPACE_PREFIX, check
from ..servers import FILM_NAME, key_hash

PYTHON = "/usr/bin/python3"
LAB_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Application:
    """One session of one application in the client's namespace.

    The orchestrator calls prepare(), starts the capture, calls run(), which lasts about
    `session.seconds`, and stop(). rules() then names the conversations that carry the label.
    """

    # Variants that came after the first recordings: their sessions follow the others', so that those
    # keep their numbers, and mixtures do without them.
    later_variants = ()
    fast_variants = ()  # for fast lines
    ipv4_variants = ()  # of a class that only `--more` has: programs that know no IPv6
    own_servers = False  # True: needs none of the run's content and servers
    long_later_variants = fast_later_variants = ()  # plain, behind the others of their series

    def __init__(self, session, lab, processes, folder):
        self.session = session
        self.lab = lab
        self.processes = processes
        self.folder = folder
        self.random = session.random()
        self.client = f"c{session.slot}"
        self.deadline = None
        self.route_back = None  # of a tunnel: makes a new server know the way back
        self._hosts = []
        self._paced = False
        os.makedirs(folder, exist_ok=True)

    def prepare(self):
        """Starts what must be there before the first labelled packet."""

    def rules(self):
        raise NotImplementedError

    def run(self):
        raise NotImplementedError

    def stop(self):
        """Removes what prepare() made outside the session's processes."""
        for name in self._hosts:
            self.lab.network.remove_host(name)
        self._hosts = []
        if self._paced:
            self._web_route("del")
            self._paced = False

    # -- helpers

    @property
    def fast(self):
        return self.session.kind == "fast"

    def _web_route(self, verb, *options):
        gateway = OUTSIDE_GATEWAYS[0 if self.session.family == 4 else 1]
        check("ip", "-n", NAMESPACE_PREFIX + "web", f"-{self.session.family}", "route", verb, self.client_address,
              "via", gateway, *options)

    def vary_pacing(self):
        """Half of the web server's clients get BBR, as with the big providers of films; before any packet."""
        if not self.session.inner:  # a tunnel's route is there already
            self._paced = True
            self._web_route("replace", "congctl", self.random.choice(("bbr", "cubic")))

    def run_page(self, address, function, parameters, quic):
        """Chromium at a page of the film server that runs a function of fetch.js."""
        order = {"folder": self.folder, "names": {FILM_NAME: address}, "seconds": self.left(),
                 "quic": key_hash(self.lab.certificates) if quic else None,
                 "url": f"https://{FILM_NAME}/shows/index.html", "function": function, "parameters": parameters}
        path = os.path.join(self.folder, "order.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(order, file)
        self.wait(self.client_python("page", path, log="page"))

    def add_server(self, name, number):
        """A host of this session on the server side, with its addresses number `number`."""
        self.lab.network.add_host(name, "wan", [server_address(number)], [server_address(number, 6)])
        self._hosts.append(name)
        if self.route_back:
            self.route_back(name)

    @property
    def client_address(self):
        """Where servers and peers see the client: within the tunnel, where there is one."""
        return (self.session.inner or self.session.addresses)[0 if self.session.family == 4 else 1]

    def start_clock(self):
        self.deadline = time.monotonic() + self.session.seconds

    def left(self):
        return self.deadline - time.monotonic()

    def pause(self, seconds):
        """A human pause, cut off by the end of the session."""
        time.sleep(max(0.0, min(seconds, self.left())))

    def client_process(self, *command, log, **options):
        return self.processes.start(self.client, *command, log=log, **options)

    def client_python(self, module, *arguments, log, **options):
        environment = dict(os.environ, PYTHONPATH=LAB_FOLDER, PYTHONDONTWRITEBYTECODE="1")
        return self.client_process(PYTHON, "-m", "lab.clients." + module, *map(str, arguments), log=log,
                                   env=environment, cwd=LAB_FOLDER, **options)

    def wait(self, process, must_succeed=True):
        """Waits for the process until the session ends; False where it had to be stopped."""
        try:
            status = process.wait(max(0.1, self.left()))
        except subprocess.TimeoutExpired:
            self.processes.stop(process)
            return False
        self.processes.stop(process)
        if status != 0 and must_succeed:
            raise RuntimeError(f"{self.session.name}: {' '.join(process.args[4:7])}... ended with status {status},"
                               f" see {self.processes.log_folder}")
        return True


def say(text):
    print(text, file=sys.stderr, flush=True)

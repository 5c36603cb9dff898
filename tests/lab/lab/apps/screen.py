"""Sessions with a screen: X displays in memory (Xvfb) and a person's hands on them (clients/hands.py)."""

import json
import os
import socket
import time

from ..network import server_address
from .base import LAB_FOLDER, PYTHON, Application

_FIRST_DISPLAY = 200  # the client's of slot N is _FIRST_DISPLAY + N, the far side's _SIDES further
_SIDES = 40
_HOST_NUMBER = 100  # a session's own server has the address number _HOST_NUMBER + N


class OwnHost(Application):
    """An application whose server is a host and a program of its own for each session."""

    own_servers = True

    def add_host(self):
        self.host = f"host{self.session.slot}"
        number = _HOST_NUMBER + self.session.slot
        self.add_server(self.host, number)
        self.host_address = server_address(number, self.session.family)

    @property
    def host_literal(self):
        """The host's address as it stands before a colon and a port."""
        return f"[{self.host_address}]" if self.session.family == 6 else self.host_address

    def host_process(self, *command, log, **options):
        return self.processes.start(self.host, *command, log=log, **options)

    def home(self, name):
        """A home directory of the session, made empty."""
        path = os.path.join(self.folder, "home-" + name)
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def must_run(self, *running):
        """Raises where one of the programs has ended before the session."""
        for process in running:
            if process.poll() is not None:
                raise RuntimeError(f"{self.session.name}: {' '.join(process.args[4:7])}... ended early, see"
                                   f" {self.processes.log_folder}")


class ScreenApplication(OwnHost):
    def display(self, far=False):
        return f":{_FIRST_DISPLAY + (_SIDES if far else 0) + self.session.slot}"

    def environment(self, name, far=False):
        """What a program with a window and no sound needs to know."""
        return dict(os.environ, HOME=self.home(name), DISPLAY=self.display(far), SDL_AUDIODRIVER="dummy",
                    LP_NUM_THREADS="0", XDG_RUNTIME_DIR=self.home(name))

    def start_screen(self, size, far=False):
        """An X display of width and height, on the client's or the far side; returns when it answers."""
        display = self.display(far)
        self.processes.start(self.host if far else self.client, "Xvfb", display, "-screen", "0",
                             "x".join(map(str, (*size, 24))), "-nolisten", "tcp", "-noreset", log="xvfb" + display)
        self.wait_for_display(display)

    def wait_for_display(self, display, seconds=30):
        end = time.monotonic() + seconds
        while True:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect("/tmp/.X11-unix/X" + display[1:])
                    return
                except OSError as error:
                    if time.monotonic() > end:
                        raise RuntimeError(f"{self.session.name}: no display {display}") from error
            time.sleep(0.1)

    def start_hands(self, gesture, arguments, far=False):
        """A person at the display until the session ends."""
        order = {"display": self.display(far), "seed": self.random.randrange(1 << 30), "seconds": self.left(),
                 "gesture": gesture, "arguments": arguments}
        path = self.write_order(f"hands{'-far' if far else ''}", order)
        return self.start_python(self.host if far else self.client, "hands", path, log="hands-far" if far else "hands")

    def write_order(self, name, order):
        path = os.path.join(self.folder, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(order, file)
        return path

    def start_python(self, namespace, module, *arguments, log):
        environment = dict(os.environ, PYTHONPATH=LAB_FOLDER, PYTHONDONTWRITEBYTECODE="1")
        return self.processes.start(namespace, PYTHON, "-m", "lab.clients." + module, *map(str, arguments), log=log,
                                    env=environment, cwd=LAB_FOLDER)

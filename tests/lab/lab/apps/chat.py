"""Conversations over XMPP (prosody): one to one, and in a room."""

import os

from ..network import server_address
from ..packets import TCP, Rule
from ..process import check, inside
from ..servers import CHAT
from .base import LAB_FOLDER, PYTHON, Application


class Chat(Application):
    label = "chat"
    variants = ("xmpp-direct", "xmpp-room")

    def prepare(self):
        self.address = server_address(CHAT, self.session.family)
        others = 1 if self.session.variant == "xmpp-direct" else self.random.randint(3, 6)
        self.people = [f"s{self.session.number}p{number}" for number in range(others + 1)]
        for person in self.people:
            check(*inside("chat", "prosodyctl", "--root", "--config", f"{self.lab.folder}/prosody.cfg.lua",
                          "register", person, "chat.lab", "secret-" + person))

    def rules(self):
        return [Rule(TCP, frozenset([5222]), frozenset([self.address]))]

    def _arguments(self, person, partner):
        mode = self.session.variant.split("-")[1]
        if mode == "room":
            partner = f"room{self.session.number}@rooms.chat.lab"
        return [f"{person}@chat.lab", "secret-" + person, self.address,
                os.path.join(self.lab.certificates, "server.pem"), mode, partner,
                str(self.session.seconds), str(self.random.randrange(1 << 30))]

    def run(self):
        """The first person is the client; the others sit next to the server."""
        client, others = self.people[0], self.people[1:]
        for person in others:
            self.processes.start("chat", "env", "PYTHONDONTWRITEBYTECODE=1", PYTHON, "-m", "lab.clients.chatter",
                                 *self._arguments(person, client + "@chat.lab"), log=person, cwd=LAB_FOLDER)
        self.wait(self.client_python("chatter", *self._arguments(client, others[0] + "@chat.lab"), log=client))

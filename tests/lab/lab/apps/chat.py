"""Conversations over XMPP (prosody) and IRC (ngircd, TLS): one to one, in a room or channel."""

import os

from ..network import server_address
from ..packets import TCP, Rule
from ..process import check, inside
from ..servers import CHAT, IRC_PORT
from .base import LAB_FOLDER, PYTHON, Application


class Chat(Application):
    label = "chat"
    variants = ("xmpp-direct", "xmpp-room")
    later_variants = ("irc-channel", "irc-direct")

    def prepare(self):
        self.address = server_address(CHAT, self.session.family)
        self.program, self.mode = self.session.variant.split("-")
        others = 1 if self.mode == "direct" else self.random.randint(3, 6)
        self.people = [f"s{self.session.number}p{number}" for number in range(others + 1)]
        if self.program == "irc":  # whoever comes gets the name, no need to register
            return
        for person in self.people:
            check(*inside("chat", "prosodyctl", "--root", "--config", f"{self.lab.folder}/prosody.cfg.lua",
                          "register", person, "chat.lab", "secret-" + person))

    def rules(self):
        return [Rule(TCP, frozenset([IRC_PORT if self.program == "irc" else 5222]), frozenset([self.address]))]

    def _arguments(self, person, partner):
        """Module and arguments of a person."""
        certificate = os.path.join(self.lab.certificates, "server.pem")
        end = [str(self.session.seconds), str(self.random.randrange(1 << 30))]
        if self.program == "irc":
            target = partner if self.mode == "direct" else f"#room{self.session.number}"
            return ["irc", person, self.address, certificate, target, *end]
        partner = f"{partner}@chat.lab" if self.mode == "direct" else f"room{self.session.number}@rooms.chat.lab"
        return ["chatter", f"{person}@chat.lab", "secret-" + person, self.address, certificate, self.mode, partner, *end]

    def run(self):
        """The first person is the client; the others sit next to the server."""
        client, others = self.people[0], self.people[1:]
        for person in others:
            module, *arguments = self._arguments(person, client)
            self.processes.start("chat", "env", "PYTHONDONTWRITEBYTECODE=1", PYTHON, "-m", "lab.clients." + module,
                                 *arguments, log=person, cwd=LAB_FOLDER)
        self.wait(self.client_python(*self._arguments(client, others[0]), log=client))

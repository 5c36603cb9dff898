"""A person in an XMPP conversation: reads, thinks, types, sends, sometimes stays away.

use: chatter JID PASSWORD SERVER_ADDRESS CERTIFICATE direct|room PARTNER SECONDS SEED
PARTNER is the other's JID, or the room's; CERTIFICATE is the file that vouches for the server.
"""

import asyncio
import logging
import random
import sys

import slixmpp

_WORDS = ("okay yes no maybe tomorrow dinner train late meeting really photo the a of when where see you me we"
          " later call saw her him thing great haha sure idea weekend there again think about know good").split()
_TYPING = 6.0  # letters a second
_READING = 25.0


class Person(slixmpp.ClientXMPP):
    def __init__(self, jid, password, mode, partner, seed):
        super().__init__(jid, password)
        self._room = mode == "room"
        self._partner = partner
        self._dice = random.Random(seed)
        self._heard = asyncio.Queue()
        self.sent = 0
        for plugin in ("xep_0030", "xep_0045", "xep_0085", "xep_0184", "xep_0199"):
            self.register_plugin(plugin)
        self["xep_0199"].enable_keepalive(interval=45, timeout=30)
        self.ready = asyncio.Event()
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("groupchat_message" if self._room else "message", self._hear)

    async def _start(self, _event):
        self.send_presence()
        await self.get_roster()
        if self._room:
            await self.plugin["xep_0045"].join_muc_wait(self._partner, self.boundjid.user, timeout=30)
        self.ready.set()

    def _hear(self, message):
        if message["body"] and not (self._room and message["mucnick"] == self.boundjid.user):
            self._heard.put_nowait(len(message["body"]))

    def _text(self):
        length = max(2, int(self._dice.lognormvariate(3.4, 0.9)))
        if self._dice.random() < 0.03:  # something pasted
            length = self._dice.randint(400, 2500)
        words = []
        while sum(map(len, words)) + len(words) < length:
            words.append(self._dice.choice(_WORDS))
        return " ".join(words)

    def _state(self, state):
        message = self.make_message(mto=self._partner, mtype="groupchat" if self._room else "chat")
        message["chat_state"] = state
        message.send()

    async def _say(self):
        text = self._text()
        typing = min(25.0, len(text) / _TYPING * self._dice.uniform(0.6, 1.5)) if len(text) < 400 else 2.0
        self._state("composing")
        if self._dice.random() < 0.15:  # stops, thinks it over, goes on
            await asyncio.sleep(typing * 0.5)
            self._state("paused")
            await asyncio.sleep(self._dice.uniform(1, 5))
            self._state("composing")
        await asyncio.sleep(typing)
        message = self.make_message(mto=self._partner, mbody=text, mtype="groupchat" if self._room else "chat")
        message["chat_state"] = "active"
        if not self._room:
            message["request_receipt"] = True
        message.send()
        self.sent += 1

    async def converse(self):
        await asyncio.sleep(self._dice.uniform(0.5, 6))
        while True:
            for _ in range(self._dice.choice((1, 1, 1, 2, 3))):
                await self._say()
                await asyncio.sleep(self._dice.uniform(0.3, 2.5))
            silence = self._dice.lognormvariate(2.6 if self._room else 2.2, 0.8)
            try:
                letters = await asyncio.wait_for(self._heard.get(), silence)
                while not self._heard.empty():
                    letters += self._heard.get_nowait()
                await asyncio.sleep(min(15.0, letters / _READING + self._dice.uniform(0.4, 4)))
                if self._room and self._dice.random() < 0.55:  # not everybody answers everything
                    await asyncio.sleep(self._dice.uniform(1, 12))
            except asyncio.TimeoutError:
                pass
            if self._dice.random() < 0.04:
                self.send_presence(pshow="away")
                await asyncio.sleep(self._dice.uniform(3, 12))
                self.send_presence()


async def live(person, address, seconds):
    person.connect((address, 5222))
    person.default_domain = person.boundjid.host  # connect() puts an IPv6 address there
    await asyncio.wait_for(person.ready.wait(), 40)
    try:
        await asyncio.wait_for(person.converse(), seconds)
    except asyncio.TimeoutError:
        pass
    person.disconnect()
    await asyncio.sleep(1)


def main():
    jid, password, address, certificate, mode, partner, seconds, seed = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING)
    asyncio.set_event_loop(asyncio.new_event_loop())
    person = Person(jid, password, mode, partner, int(seed))
    person.ca_certs = certificate
    person.loop.run_until_complete(live(person, address, float(seconds)))
    print(f"{jid}: {person.sent} messages", flush=True)
    if person.sent == 0:
        sys.exit(1)


if __name__ == "__main__":
    main()

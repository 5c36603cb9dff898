"""A person in an XMPP conversation.

use: chatter JID PASSWORD SERVER_ADDRESS CERTIFICATE direct|room PARTNER SECONDS SEED
PARTNER is the other's JID, or the room's; CERTIFICATE is the file that vouches for the server.
"""

import asyncio
import logging
import random
import sys

import slixmpp

from .talk import Talker


class Person(slixmpp.ClientXMPP, Talker):
    def __init__(self, jid, password, mode, partner, seed):
        slixmpp.ClientXMPP.__init__(self, jid, password)
        Talker.__init__(self, random.Random(seed), mode == "room")
        self._partner = partner
        for plugin in ("xep_0030", "xep_0045", "xep_0085", "xep_0184", "xep_0199"):
            self.register_plugin(plugin)
        self["xep_0199"].enable_keepalive(interval=45, timeout=30)
        self.ready = asyncio.Event()
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("groupchat_message" if self.group else "message", self._hear)

    async def _start(self, _event):
        self.send_presence()
        await self.get_roster()
        if self.group:
            await self.plugin["xep_0045"].join_muc_wait(self._partner, self.boundjid.user, timeout=30)
        self.ready.set()

    def _hear(self, message):
        if message["body"] and not (self.group and message["mucnick"] == self.boundjid.user):
            self.heard.put_nowait(len(message["body"]))

    def _state(self, state):
        message = self.make_message(mto=self._partner, mtype="groupchat" if self.group else "chat")
        message["chat_state"] = state
        message.send()

    async def say(self):
        text = self.text()
        typing = self.typing(text)
        self._state("composing")
        if self.dice.random() < 0.15:  # stops, thinks it over, goes on
            await asyncio.sleep(typing * 0.5)
            self._state("paused")
            await asyncio.sleep(self.dice.uniform(1, 5))
            self._state("composing")
        await asyncio.sleep(typing)
        message = self.make_message(mto=self._partner, mbody=text, mtype="groupchat" if self.group else "chat")
        message["chat_state"] = "active"
        if not self.group:
            message["request_receipt"] = True
        message.send()

    async def stay_away(self, seconds):
        self.send_presence(pshow="away")
        await asyncio.sleep(seconds)
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

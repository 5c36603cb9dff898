"""A person on IRC over TLS (RFC 1459, 2812): in a channel, or in private with one other.

use: irc NICK SERVER_ADDRESS CERTIFICATE TARGET SECONDS SEED
TARGET is a channel ("#lab") or the other's nick; CERTIFICATE is the file that vouches for the server.
"""

import asyncio
import random
import ssl
import sys

from .talk import Talker

_PORT = 6697
_LONGEST_LINE = 380  # letters of a message: 512 bytes less what the server puts before it


class Person(Talker):
    def __init__(self, nick, target, seed):
        super().__init__(random.Random(seed), target.startswith("#"))
        self._nick = nick
        self._target = target
        self._reader = self._writer = None
        self.ready = asyncio.Event()  # welcomed, and in the channel

    async def connect(self, address, certificate):
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False  # the certificate has the lab's names, the address is a number
        self._reader, self._writer = await asyncio.open_connection(address, _PORT, ssl=context)
        self._send("CAP LS 302")
        self._send(f"NICK {self._nick}")
        self._send(f"USER {self._nick} 0 * :{self._nick} of the lab")
        self._send("CAP END")

    def _send(self, line):
        self._writer.write(line.encode() + b"\r\n")

    async def listen(self):
        """Answers pings, notes what is said, until the connection ends."""
        while raw := await self._reader.readline():
            line = raw.decode(errors="replace").rstrip("\r\n")
            source, words = "", line.split(" ")
            if words[0].startswith(":"):
                source = words.pop(0)[1:].partition("!")[0]
            command = words[0]
            if command == "PING":
                self._send("PONG " + " ".join(words[1:]))
            elif command in ("376", "422"):  # the end of the message of the day, or none: welcome is over
                if self.group:
                    self._send("JOIN " + self._target)
                else:
                    self.ready.set()
            elif command == "366" and self.group:  # the end of the list of names: joined
                self._send("WHO " + self._target)
                self.ready.set()
            elif command == "PRIVMSG" and source != self._nick:
                self.heard.put_nowait(len(line.partition(" :")[2]))
        raise ConnectionError("the server closed the connection")

    async def _keep_alive(self):
        """As programs do to see how far away the server is."""
        while True:
            await asyncio.sleep(self.dice.uniform(28, 32))
            self._send(f"PING {self.dice.randrange(1 << 30)}")

    async def say(self):
        text = self.text()
        await asyncio.sleep(self.typing(text))
        for start in range(0, len(text), _LONGEST_LINE):
            self._send(f"PRIVMSG {self._target} :{text[start:start + _LONGEST_LINE]}")
            if start:
                await asyncio.sleep(0.6)  # who sends too fast is held up by servers

    async def stay_away(self, seconds):
        self._send("AWAY :back soon")
        await asyncio.sleep(seconds)
        self._send("AWAY")

    async def live(self, address, certificate, seconds):
        """The whole stay: comes, talks for so many seconds, leaves."""
        await self.connect(address, certificate)
        tasks = [asyncio.create_task(self.listen())]
        await asyncio.wait((*tasks, asyncio.create_task(self.ready.wait())), timeout=40,
                           return_when=asyncio.FIRST_COMPLETED)
        if not self.ready.is_set():
            raise ConnectionError(f"{self._nick}: not welcomed by {address}")
        tasks += [asyncio.create_task(task) for task in (self._keep_alive(), self.converse())]
        done, running = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in running:
            task.cancel()
        for task in done:
            task.result()  # raises what ended it
        self._send("QUIT :good night")
        await self._writer.drain()
        await asyncio.sleep(1)


def main():
    nick, address, certificate, target, seconds, seed = sys.argv[1:]
    person = Person(nick, target, int(seed))
    asyncio.run(person.live(address, certificate, float(seconds)))
    print(f"{nick}: {person.sent} messages", flush=True)
    if person.sent == 0:
        sys.exit(1)


if __name__ == "__main__":
    main()

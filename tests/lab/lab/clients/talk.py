"""How people write to each other: they read, think, type, send, sometimes stay away."""

import asyncio

_WORDS = ("okay yes no maybe tomorrow dinner train late meeting really photo the a of when where see you me we"
          " later call saw her him thing great haha sure idea weekend there again think about know good").split()
_TYPING = 6.0  # letters a second
_READING = 25.0


class Talker:
    """One of two, or of a `group`. The program's own class says how to say() and stay_away()."""

    def __init__(self, dice, group):
        self.dice = dice
        self.group = group
        self.heard = asyncio.Queue()  # letters of each message of others
        self.sent = 0

    def text(self):
        length = max(2, int(self.dice.lognormvariate(3.4, 0.9)))
        if self.dice.random() < 0.03:  # something pasted
            length = self.dice.randint(400, 2500)
        words = []
        while sum(map(len, words)) + len(words) < length:
            words.append(self.dice.choice(_WORDS))
        return " ".join(words)

    def typing(self, text):
        """Seconds it takes."""
        return min(25.0, len(text) / _TYPING * self.dice.uniform(0.6, 1.5)) if len(text) < 400 else 2.0

    async def say(self):
        raise NotImplementedError

    async def stay_away(self, seconds):
        raise NotImplementedError

    async def converse(self):
        await asyncio.sleep(self.dice.uniform(0.5, 6))
        while True:
            for _ in range(self.dice.choice((1, 1, 1, 2, 3))):
                await self.say()
                self.sent += 1
                await asyncio.sleep(self.dice.uniform(0.3, 2.5))
            silence = self.dice.lognormvariate(2.6 if self.group else 2.2, 0.8)
            try:
                letters = await asyncio.wait_for(self.heard.get(), silence)
                while not self.heard.empty():
                    letters += self.heard.get_nowait()
                await asyncio.sleep(min(15.0, letters / _READING + self.dice.uniform(0.4, 4)))
                if self.group and self.dice.random() < 0.55:  # not everybody answers everything
                    await asyncio.sleep(self.dice.uniform(1, 12))
            except asyncio.TimeoutError:
                pass
            if self.dice.random() < 0.04:
                await self.stay_away(self.dice.uniform(3, 12))

"""Drives headless Chromium over its DevTools protocol as a person reads: page, pause, next link.

use: browser VISITS.json   (written by the browsing application)
"""

import asyncio
import json
import os
import random
import sys
import time

import aiohttp

_PORT = 9333  # on the loopback of the client's own namespace
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-domain-reliability", "--no-pings", "--window-size=1280,900",
    "--disable-features=OptimizationHints,MediaRouter,Translate,DnsOverHttps,AsyncDns",
    f"--remote-debugging-port={_PORT}",
)


class Browser:
    """A Chromium that knows the names' addresses; `quic`: the hash of the server's key, for HTTP/3
    with all of them, or None for none."""

    def __init__(self, folder, names, quic=None):
        self._folder = folder
        rules = ", ".join(f"MAP {name} {'[' + address + ']' if ':' in address else address}"
                          for name, address in names.items())
        self._switches = [f"--user-data-dir={os.path.join(folder, 'profile')}",
                          f"--host-resolver-rules={rules}, MAP * ~NOTFOUND"]
        if quic:  # what --ignore-certificate-errors covers with TCP only
            self._switches += [f"--origin-to-force-quic-on={','.join(name + ':443' for name in names)}",
                               f"--ignore-certificate-errors-spki-list={quic}"]
        else:
            self._switches.append("--disable-quic")
        self._process = None

    async def __aenter__(self):
        with open(os.path.join(self._folder, "chromium.log"), "wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                "nice", "-n", "2", "chromium-headless-shell", *SWITCHES, *self._switches, "about:blank",
                stdout=log, stderr=log)
        return self

    async def __aexit__(self, *_):
        self._process.terminate()
        await self._process.wait()


class Tab:
    """One page of the browser; answers and events come over one WebSocket."""

    def __init__(self, socket):
        self._socket = socket
        self._number = 0

    async def command(self, method, **parameters):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(30):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == self._number:
                    if "error" in message:
                        raise RuntimeError(f"{method}: {message['error']['message']}")
                    return message["result"]

    async def load(self, url, patience):
        """True once the page has fired its load event."""
        answer = await self.command("Page.navigate", url=url)
        if "errorText" in answer:
            raise RuntimeError(f"{url}: {answer['errorText']}")
        try:
            async with asyncio.timeout(patience):
                while (await self._socket.receive_json()).get("method") != "Page.loadEventFired":
                    pass
        except TimeoutError:
            return False
        return True


async def read(tab, visits):
    """Until the time is over: a few pages of a site, reading and scrolling, then another site."""
    person = random.Random(visits["seed"])
    end = time.monotonic() + visits["seconds"]
    loaded = 0
    address = visits.get("page", "https://site{site}.lab/page{page}.html")
    reading = visits.get("reading", (1.7, 0.7))
    await tab.command("Page.enable")
    while time.monotonic() < end:
        site = person.choice(visits["sites"])
        for _ in range(person.choice((1, 2, 2, 3, 4))):
            page = person.randrange(visits["pages"][str(site)])
            left = end - time.monotonic()
            loaded += await tab.load(address.format(site=site, page=page), max(0.5, min(25.0, left)))
            if time.monotonic() > end:
                break
            await asyncio.sleep(max(0.0, min(end - time.monotonic(), person.lognormvariate(*reading))))
    if loaded == 0:
        raise RuntimeError("no page was loaded")
    print(f"{loaded} pages", flush=True)


async def connect(session, seconds=25):
    """The WebSocket of a fresh tab, once the browser is up."""
    end = time.monotonic() + seconds
    while True:
        try:
            async with session.put(f"http://127.0.0.1:{_PORT}/json/new?about:blank") as answer:
                address = (await answer.json(content_type=None))["webSocketDebuggerUrl"]
            return await session.ws_connect(address, max_msg_size=0)
        except aiohttp.ClientError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.1)


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        visits = json.load(file)
    async with Browser(visits["folder"], visits["names"], visits["quic"]), aiohttp.ClientSession() as session:
        await read(Tab(await connect(session)), visits)


if __name__ == "__main__":
    asyncio.run(main())

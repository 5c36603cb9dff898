"""Reads pages in headless Chromium and prints how long each took to load.

use: pages ORDER.json   (folder, names: {host: address}, pages: [address...], seconds, pause_s)
One line of JSON a page: milliseconds until the load event, or null where it did not come in time.
"""

import asyncio
import json
import sys
import time

import aiohttp

from ..figures import GAVE_UP_MS
from ..shell import lab_module

browser = lab_module("clients.browser")
_PATIENCE_S = GAVE_UP_MS / 1e3


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    async with browser.Browser(order["folder"], order["names"]), aiohttp.ClientSession() as session:
        tab = browser.Tab(await browser.connect(session))
        await tab.command("Page.enable")
        await tab.command("Network.enable")
        await tab.command("Network.setCacheDisabled", cacheDisabled=True)
        end = time.monotonic() + order["seconds"]
        for page in order["pages"]:
            left = end - time.monotonic()
            if left <= 0:
                break
            start = time.monotonic()
            loaded = await tab.load(page, min(_PATIENCE_S, left))
            took = time.monotonic() - start
            if loaded or took >= _PATIENCE_S:  # cut off by the end: says nothing
                print(json.dumps({"page": page, "load_ms": round(1e3 * took) if loaded else None}), flush=True)
            await asyncio.sleep(max(0.0, min(order["pause_s"], end - time.monotonic())))


if __name__ == "__main__":
    asyncio.run(main())

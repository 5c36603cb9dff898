"""Headless Chromium with a page that plays a film or moves files (fetch.js), over HTTP/1.1, 2 or 3.

use: page ORDER.json   {folder, names, quic, url, function, parameters, seconds}; function: play, move
"""

import asyncio
import json
import os
import sys
import time

import aiohttp

from .browser import Browser, Tab, connect

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fetch.js")
_PATIENCE = 15  # a connection that died is no recording of a film


async def evaluate(tab, expression):
    answer = await tab.command("Runtime.evaluate", expression=expression, returnByValue=True)
    if "exceptionDetails" in answer:
        raise RuntimeError(f"{expression[:60]}...: {answer['exceptionDetails']}")
    return answer["result"].get("value")


async def work(tab, order):
    await tab.command("Page.enable")
    end = time.monotonic() + order["seconds"]
    if not await tab.load(order["url"], 20):
        raise RuntimeError(f"{order['url']} was not loaded in 20 s")
    with open(_SCRIPT, encoding="utf-8") as file:
        script = file.read()
    parameters = dict(order["parameters"], seconds=max(1.0, end - time.monotonic()))
    await evaluate(tab, f"{script}; start({order['function']}({json.dumps(parameters)})); 0")
    moved, changed = 0, time.monotonic()
    while True:
        report = await evaluate(tab, "report")
        if report["bytes"] != moved or not report["pending"]:
            moved, changed = report["bytes"], time.monotonic()
        if time.monotonic() > changed + _PATIENCE:
            raise RuntimeError(f"a request got nothing for {_PATIENCE} s: {report}")
        if report["done"] or time.monotonic() > end + 5:
            break
        await asyncio.sleep(0.5)
    print(json.dumps(report), flush=True)
    if report["error"]:
        raise RuntimeError(report["error"])
    if not report["bytes"]:
        raise RuntimeError("nothing was moved")


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    async with Browser(order["folder"], order["names"], order["quic"]), aiohttp.ClientSession() as session:
        await work(Tab(await connect(session)), order)


if __name__ == "__main__":
    asyncio.run(main())

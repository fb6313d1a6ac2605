"""Starts the Firefox that is installed, with what Playwright expects of it.

    python firefox_for_playwright.py FIREFOX WORDS ...

Playwright speaks WebDriver BiDi to a stock Firefox, over a websocket whose address Firefox says on its error stream.
Everything is passed on, but for two things in which Playwright 1.65 and Firefox 153 differ: media features, which
Playwright sets for each new context and Firefox refuses, are answered here; and downloads get the name by which
Playwright knows them, where Firefox gives none.
"""

import asyncio
import json
import re
import sys

from aiohttp import ClientSession, WSMsgType, web

ADDRESS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
UNKNOWN = "emulation.setMediaFeaturesOverride"
DOWNLOADS = ("browsingContext.downloadWillBegin", "browsingContext.downloadEnd")
ANY_SIZE = 0  # of a message


async def run(words):
    firefox = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    while not (found := ADDRESS.search(line := await firefox.stderr.readline())):
        if not line:
            raise SystemExit("Firefox ended before it listened.")
    app = web.Application()
    app["address"] = found[1].decode()
    app.router.add_get("/session", pass_on)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    print(f"WebDriver BiDi listening on ws://{host}:{port}", file=sys.stderr, flush=True)
    while await firefox.stderr.readline():
        pass
    raise SystemExit(await firefox.wait())


async def pass_on(request):
    """Connect Playwright with Firefox."""
    playwright = web.WebSocketResponse(max_msg_size=ANY_SIZE)
    await playwright.prepare(request)
    async with (
        ClientSession() as session,
        session.ws_connect(f"{request.app['address']}/session", max_msg_size=ANY_SIZE) as firefox,
    ):
        await asyncio.gather(pass_commands(playwright, firefox), pass_answers(firefox, playwright))
    return playwright


async def pass_commands(playwright, firefox):
    async for message in playwright:
        if message.type != WSMsgType.TEXT:
            continue
        command = json.loads(message.data)
        if command["method"] == UNKNOWN:
            await playwright.send_json({"type": "success", "id": command["id"], "result": {}})
        else:
            await firefox.send_str(message.data)
    await firefox.close()


async def pass_answers(firefox, playwright):
    async for message in firefox:
        if message.type != WSMsgType.TEXT:
            continue
        answer = json.loads(message.data)
        if answer.get("method") in DOWNLOADS:
            answer["params"].setdefault("download", answer["params"]["url"])
        await playwright.send_json(answer)
    await playwright.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))

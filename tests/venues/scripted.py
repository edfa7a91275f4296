"""An exchange that says what a script has it say: for venues that the simulator does not play.

`tests/venues/<venue>/exchange.json`:

    {
      "rest": {"api.host.com/v1/markets": "listing/markets.json"},      answers by host and path, files of the folder
      "sockets": {"stream.host.com/ws": [["regex", ["frame", …]], …]},  by host and path: what is sent when a frame of
                                                                        the client's matches (`{1}`: a group of it); the
                                                                        empty regex: at once when it has connected
      "gives": {"quote": ["BTC/USDT:USDT"], "funding": […]}             what must come of it, by kind
    }
"""

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web

HERE: Final = Path(__file__).parent


class Script(msgspec.Struct, forbid_unknown_fields=True):
    rest: dict[str, str]
    sockets: dict[str, list[tuple[str, list[str]]]]
    gives: dict[str, list[str]]


def script(venue: str) -> Script:
    return msgspec.json.decode((HERE / venue / "exchange.json").read_bytes(), type=Script)


class Scripted:
    """The exchange, on a port of this machine while the context lasts."""

    def __init__(self, venue: str) -> None:
        self._folder, self.script = HERE / venue, script(venue)
        self.sockets: set[web.WebSocketResponse] = set()
        #: paths that were asked for and are in no script
        self.unscripted: set[str] = set()
        self.user_agents: set[str] = set()

    async def __aenter__(self) -> "Scripted":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()
        await self._runner.cleanup()

    async def hang_up(self) -> None:
        """Close every socket, as after a restart of the exchange."""
        await asyncio.gather(*(socket.close(code=1012) for socket in list(self.sockets)))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.user_agents.add(request.headers.get("User-Agent", ""))
        if path in self.script.sockets:
            return await self._talk(request, self.script.sockets[path])
        name = self.script.rest.get(path)
        if name is None:
            self.unscripted.add(path)
            return web.json_response({"error": "not in the script"}, status=404)
        return web.Response(body=(self._folder / name).read_bytes(), content_type="application/json")

    async def _talk(self, request: web.Request, turns: list[tuple[str, list[str]]]) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            await self._say(socket, "", turns)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._say(socket, message.data, turns)
        finally:
            self.sockets.discard(socket)
        return socket

    async def _say(self, socket: web.WebSocketResponse, heard: str, turns: list[tuple[str, list[str]]]) -> None:
        for asked, frames in turns:
            found: Any = re.search(asked, heard) if bool(asked) == bool(heard) else None
            for frame in frames if found else ():
                await socket.send_str(re.sub(r"\{(\d)\}", partial(_group, found), frame))


def _group(found: re.Match[str], placeholder: re.Match[str]) -> str:
    return found[int(placeholder[1])]

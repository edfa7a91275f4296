"""One connection to Redis over an asyncio transport, without a client library: the hot path of the writer."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from shared.config import SettingError
from shared.resp import Parser, ProtocolError, Reply, ReplyError, command

EXPECTED_URL: Final = "redis://, rediss:// or unix:// with [user:password@]host[:port][/db]"


class Address(msgspec.Struct, frozen=True):
    """Where a Redis listens. `host` None: the Unix socket at `path`."""

    host: str | None
    port: int
    path: str
    username: str | None
    password: str | None
    db: int
    tls: bool

    def __str__(self) -> str:
        """For logs: without user and password."""
        return f"{self.host}:{self.port}/{self.db}" if self.host else f"{self.path}/{self.db}"

    def greeting(self) -> list[bytes]:
        """What is said first, PING last: batches are sent only after its PONG."""
        said: list[bytes] = []
        if self.password is not None:
            user = (self.username,) if self.username else ()
            said.append(command("AUTH", *user, self.password))
        if self.db:
            said.append(command("SELECT", self.db))
        return [*said, command("PING")]


def parse_url(url: str) -> Address:
    """Raises `SettingError` on what is no Redis URL; the error does not show the password."""
    parts = urlsplit(url)
    try:
        tls, local = {"redis": (False, False), "rediss": (True, False), "unix": (False, True)}[parts.scheme]
        number = parse_qs(parts.query).get("db", [""])[0] or ("" if local else parts.path.strip("/"))
        return Address(
            host=None if local else parts.hostname or "localhost",
            port=parts.port or 6379,
            path=unquote(parts.path) if local else "",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            db=int(number or 0),
            tls=tls,
        )
    except (KeyError, ValueError) as error:
        raise SettingError("REDIS_URL", f"{parts.scheme}://…", EXPECTED_URL) from error


class Link(asyncio.Protocol):
    """Bytes out, replies in by a callback. `lost` resolves once, with the reason, when the connection is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lost: asyncio.Future[str] = loop.create_future()
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self._greeted: list[Reply] = []
        self._greeting: asyncio.Future[str] = loop.create_future()
        self._expected = 0
        self.on_replies: Callable[[list[Reply]], None] = self._greet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        try:
            replies = self._parser.feed(data)
        except ProtocolError as error:
            self.abort(str(error))
        else:
            self.on_replies(replies)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(str(error) if error else "closed by Redis")

    def write(self, commands: Iterable[bytes]) -> None:
        if self._transport is not None and not self.lost.done():
            self._transport.write(b"".join(commands))

    def abort(self, reason: str) -> None:
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    async def greet(self, commands: list[bytes]) -> None:
        """Send the greeting and wait for all its answers. Raises `ReplyError`, or `ConnectionError`."""
        self._expected = len(commands)
        self.write(commands)
        await asyncio.wait([self._greeting, self.lost], return_when=asyncio.FIRST_COMPLETED)
        if self.lost.done():
            raise ConnectionError(self.lost.result())
        for reply in self._greeted:
            if isinstance(reply, ReplyError):
                raise reply

    def _greet(self, replies: list[Reply]) -> None:
        self._greeted += replies
        if len(self._greeted) >= self._expected and not self._greeting.done():
            self._greeting.set_result("greeted")

    def _end(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)


async def open_link(address: Address, timeout_s: float) -> Link:
    """Connect and greet within `timeout_s`. Raises `OSError` (time-outs are one) or `ReplyError`."""
    loop = asyncio.get_running_loop()
    link = Link(loop)
    try:
        async with asyncio.timeout(timeout_s):
            if address.host is None:
                await loop.create_unix_connection(lambda: link, address.path)
            else:
                context = ssl.create_default_context() if address.tls else None
                await loop.create_connection(lambda: link, address.host, address.port, ssl=context)
            await link.greet(address.greeting())
    except BaseException:
        link.abort("not greeted")
        raise
    return link

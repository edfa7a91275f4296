"""HTTP: the only file that makes REST calls.

Each host has one budget of weight in a window, shared by everything that asks it; what the host says it has counted is
believed, and a host that says "wait" is left alone until then. Bodies are bounded. A body is a frame for the decoder.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import time_ns
from typing import Final, Literal
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.collector.access import Access, Reply
from services.collector.gateway import routed
from services.collector.pacing import SECOND, Window
from services.collector.sentences import BLOCKED, REFUSED
from services.collector.venue import Call, Host, Login, Request, Venue

BODY_BYTES_MAX: Final = 64 << 20
TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
#: what is kept free for others on our address
SHARE: Final = 0.9
#: what back-fills may take of a host's budget
BACKFILL_SHARE: Final = 0.2
WAIT_LIMITED_S: Final = 30.0
WAIT_BANNED_S: Final = 120.0
WAIT_MAX_S: Final = 3600.0

JSON: Final = {"Content-Type": "application/json"}

_json: Final = msgspec.json.encode

Kind = Literal["blocked", "refused", "limited", "unreachable", "bad"]


class RestError(Exception):
    """A call that brought no body: what kind, and a sentence for a person."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind, self.sentence = kind, sentence


@dataclass(frozen=True, slots=True)
class Body:
    """What a call brought."""

    call: Call
    request: Request
    data: bytes
    recv: int


class _Budget:
    """What may be asked of one host, in all and by back-fills."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.all = Window(host.weight * SHARE, host.window_s)
        self.backfill = Window(host.weight * BACKFILL_SHARE, host.window_s)

    def divide(self, share: float) -> None:
        self.all.count = self._host.weight * SHARE * share
        self.backfill.count = self._host.weight * BACKFILL_SHARE * share

    async def spend(self, weight: int, *, backfill: bool) -> None:
        """Return when a call of this weight may go. A back-fill waits for its own part first, booking nothing else."""
        for window in (self.backfill, self.all) if backfill else (self.all,):
            now = time_ns()
            at = window.ready_at(now, weight)
            window.took(at, weight)
            await asyncio.sleep((at - now) / SECOND)


class Rest:
    """The REST side of one venue in this process."""

    def __init__(self, venue: Venue, *, gateway: str = "", proxy: str | None = None) -> None:
        self._hosts = {host.name: host for host in venue.hosts}
        self._budgets = {host.name: _Budget(host) for host in venue.hosts}
        self._gateway, self._proxy = gateway, proxy
        self._ipv4_first = venue.ipv4_first
        self._session: aiohttp.ClientSession | None = None
        #: what calls and sockets carry
        self.access = Access(venue.name, venue.login, self._log_in)
        self.calls = self.failures = 0

    def divide(self, share: float) -> None:
        """This process's part of what the venue grants its address."""
        for budget in self._budgets.values():
            budget.divide(share)

    async def start(self, tls: ssl.SSLContext) -> None:
        connector, self._proxy = _connector(self._proxy, tls, ipv4_first=self._ipv4_first)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=TIMEOUT,
            headers={"User-Agent": "parallax"},
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),  # what is carried is said, not remembered
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, call: Call, params: Mapping[str, str | int] | None = None, *, backfill: bool = False) -> Body:
        """Make a call when the host's budget allows it. Raises `RestError`."""
        host, budget = self._hosts[call.host], self._budgets[call.host]
        given: dict[str, object] = {**(call.body or {}), **call.params, **(params or {})}
        texts = {name: value if isinstance(value, str) else _json(value).decode() for name, value in given.items()}
        await budget.spend(call.weight, backfill=backfill)
        path, texts = placed(call.path, texts)
        url = routed(f"{host.url}{path}", self._gateway)
        if call.body is None and texts:
            url += f"?{urlencode(texts)}"
        self.calls += 1
        try:
            data = await self._ask(host, budget, url, None if call.body is None else _json(given))
        except RestError:
            self.failures += 1
            raise
        return Body(call, Request(path, texts), data, time_ns())

    def hold(self, call: Call) -> None:
        """The host says in a body that too much is asked of it: nothing for a while."""
        self._budgets[call.host].all.block(time_ns() + int(WAIT_LIMITED_S * SECOND))

    async def _ask(self, host: Host, budget: _Budget, url: str, body: bytes | None) -> bytes:
        """GET, or POST where there is a body."""
        assert self._session is not None, "start() comes first"
        method = "GET" if body is None else "POST"
        headers = {**({} if body is None else JSON), **await self.access.headers()}
        try:
            async with self._session.request(
                method, URL(url, encoded=True), data=body, headers=headers, proxy=self._proxy, allow_redirects=False
            ) as response:
                now = time_ns()
                used = response.headers.get(host.used_header or "", "")
                if used.isascii() and used.isdigit():
                    budget.all.told(now, float(used))
                if response.status == 401:
                    self.access.forget()
                if response.status != 200:
                    raise self._refusal(budget, response, now)
                return await _bounded(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            text = str(error) or type(error).__name__
            raise RestError("unreachable", f"{URL(host.url).host} cannot be reached: {text}") from error

    async def _log_in(self, login: Login) -> Reply:
        """Send a login. A refusal is part of the answer."""
        assert self._session is not None, "start() comes first"
        host = self._hosts[login.host]
        await self._budgets[login.host].spend(1, backfill=False)
        url = URL(routed(f"{host.url}{login.path}", self._gateway), encoded=True)
        try:
            async with self._session.post(
                url, data=_json(login.body), headers={**JSON, **login.headers}, proxy=self._proxy, allow_redirects=False
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                cookies = {name: morsel.value for name, morsel in response.cookies.items()}
                refusal = "" if response.status == 200 else f"HTTP {response.status} from {url.host}{url.path}"
                return Reply(headers, cookies, refusal)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Reply({}, {}, f"{URL(host.url).host} cannot be reached: {str(error) or type(error).__name__}")

    @staticmethod
    def _refusal(budget: _Budget, response: aiohttp.ClientResponse, now: int) -> RestError:
        status = response.status
        if status == 451:
            return RestError("blocked", BLOCKED)
        if status == 403:
            return RestError("refused", REFUSED)
        if status in (418, 429):
            wait = _retry_after(response, WAIT_BANNED_S if status == 418 else WAIT_LIMITED_S)
            budget.all.block(now + int(wait * SECOND))
            return RestError("limited", f"HTTP {status}: too many requests. Waiting {wait:.0f} s.")
        return RestError("bad", f"HTTP {status} from {response.url.host}{response.url.path}.")


def _connector(proxy: str | None, tls: ssl.SSLContext, *, ipv4_first: bool) -> tuple[aiohttp.BaseConnector, str | None]:
    """The connector, and what is left for aiohttp's own proxy support (HTTP proxies)."""
    if proxy is not None and proxy.startswith("socks"):
        from aiohttp_socks import ProxyConnector  # loaded only where a SOCKS proxy is set: it costs memory

        return ProxyConnector.from_url(proxy, ssl=tls), None
    if ipv4_first:
        return aiohttp.TCPConnector(ssl=tls, limit=8, resolver=Ipv4First(), happy_eyeballs_delay=None), proxy
    return aiohttp.TCPConnector(ssl=tls, limit=8), proxy


class Ipv4First(AbstractResolver):
    """Addresses of the fourth version before those of the sixth, in their order."""

    def __init__(self) -> None:
        self._inner = aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        return sorted(found, key=lambda one: one["family"] != socket.AF_INET)

    async def close(self) -> None:
        await self._inner.close()


def placed(path: str, params: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """A path with the parameters that stand in it in braces, and those that are left for the query."""
    left = dict(params)
    for name in params:
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(left.pop(name), safe=""))
    return path, left


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        data += chunk
        if len(data) > BODY_BYTES_MAX:
            raise RestError("bad", f"{response.url.path} answers more than {BODY_BYTES_MAX >> 20} MB.")
    return bytes(data)


def _retry_after(response: aiohttp.ClientResponse, default: float) -> float:
    text = response.headers.get("Retry-After", "")
    return min(WAIT_MAX_S, float(text)) if text.isascii() and text.isdigit() else default

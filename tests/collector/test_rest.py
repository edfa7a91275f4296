"""REST calls against a small server that answers as told."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from time import time_ns

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from services.collector import rest as rest_module
from services.collector.pacing import SECOND
from services.collector.rest import Ipv4First, Rest, RestError
from services.collector.venue import Call, Host
from tests.collector.fakes import venue

CALL = Call("tickers", "quotes", "rest", "/api/tickers", "spot", {"type": "SPOT"}, weight=10)


class Server:
    """Answers `/rest.test/api/tickers`; `answer` may be changed while it runs."""

    def __init__(self) -> None:
        self.answer: Callable[[], web.StreamResponse] = web.Response
        self.asked: list[str] = []
        #: when, in nanoseconds
        self.at: list[int] = []
        self.bodies: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.at.append(time_ns())
        self.bodies.append(await request.read())
        return self.answer()


@contextlib.asynccontextmanager
async def served(host: Host | None = None) -> AsyncIterator[tuple[Server, Rest]]:
    server, app = Server(), web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    one = venue()
    if host is not None:
        one = replace(one, hosts=(host,))
    rest = Rest(one, gateway=f"http://127.0.0.1:{port}")
    await rest.start(ssl.create_default_context())
    try:
        yield server, rest
    finally:
        await rest.close()
        await runner.cleanup()


async def test_a_body_comes_with_the_request_that_asked_for_it() -> None:
    async with served() as (server, rest):
        server.answer = lambda: web.Response(body=b'{"rows": []}')
        body = await rest.fetch(CALL, {"symbol": "币安人生USDT"})
        assert body.data == b'{"rows": []}'
        assert body.request.endpoint == "/api/tickers"
        assert body.request.params == {"type": "SPOT", "symbol": "币安人生USDT"}
        assert server.asked[0].startswith("/rest.test/api/tickers?type=SPOT&symbol=")
        assert rest.calls == 1


async def test_a_call_with_a_body_is_a_post_of_it_with_the_parameters_among_its_members() -> None:
    call = Call("book", "book", "rest", "/info", None, symbol_param="coin", body={"type": "l2Book", "levels": [5, 6]})
    async with served() as (server, rest):
        server.answer = lambda: web.Response(body=b"[]")
        body = await rest.fetch(call, {"coin": 'k"X', "since": 1_790_000_000_000})
        assert server.asked == ["/rest.test/info"]
        assert json.loads(server.bodies[0]) == {
            "type": "l2Book",
            "levels": [5, 6],
            "coin": 'k"X',
            "since": 1_790_000_000_000,
        }
        assert body.request.endpoint == "/info"
        assert body.request.params == {"type": "l2Book", "levels": "[5,6]", "coin": 'k"X', "since": "1790000000000"}


async def test_a_parameter_that_stands_in_the_path_is_not_in_the_query() -> None:
    call = Call("paid", "settlements", "rest", "/info/{market}/funding", None, symbol_param="market")
    async with served() as (server, rest):
        server.answer = lambda: web.Response(body=b"[]")
        body = await rest.fetch(call, {"market": "BTC-USD", "since": 5})
        assert server.asked == ["/rest.test/info/BTC-USD/funding?since=5"]
        assert (body.request.endpoint, body.request.params) == ("/info/BTC-USD/funding", {"since": "5"})
        await rest.fetch(call, {"market": "../A B?"})
        assert server.asked[1] == "/rest.test/info/..%2FA%20B%3F/funding"


async def test_a_call_without_one_is_a_get_with_numbers_in_the_query() -> None:
    async with served() as (server, rest):
        server.answer = lambda: web.Response(body=b"[]")
        await rest.fetch(CALL, {"since": 5})
        assert server.asked == ["/rest.test/api/tickers?type=SPOT&since=5"]
        assert server.bodies == [b""]


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (451, "blocked", "HTTP 451: not served from this region. Set HTTPS_PROXY or leave it out of VENUES=."),
        (403, "refused", "HTTP 403: the exchange refuses this address."),
        (500, "bad", "HTTP 500 from 127.0.0.1/rest.test/api/tickers."),
        (302, "bad", "HTTP 302 from 127.0.0.1/rest.test/api/tickers."),
    ],
)
async def test_a_refusal_is_one_sentence(status: int, kind: str, sentence: str) -> None:
    async with served() as (server, rest):
        server.answer = lambda: web.Response(status=status)
        with pytest.raises(RestError) as caught:
            await rest.fetch(CALL)
        assert (caught.value.kind, caught.value.sentence) == (kind, sentence)
        assert rest.failures == 1


@pytest.mark.parametrize("status", [418, 429])
async def test_a_host_that_says_wait_is_left_alone_until_then(status: int) -> None:
    async with served() as (server, rest):
        server.answer = lambda: web.Response(status=status, headers={"Retry-After": "1"})
        with pytest.raises(RestError, match="Waiting 1 s"):
            await rest.fetch(CALL)
        server.answer = lambda: web.Response(body=b"{}")
        assert (await rest.fetch(CALL)).data == b"{}"
        refused, asked = server.at
        assert asked - refused >= SECOND


async def test_calls_wait_for_the_hosts_budget_and_back_fills_for_their_part_of_it() -> None:
    async with served(Host("rest", "https://rest.test", 100, 1.5)) as (server, rest):
        began = time_ns()
        slow = [rest.fetch(CALL, {"slow": "yes"}, backfill=True) for _ in range(4)]
        await asyncio.gather(*slow, *(rest.fetch(CALL) for _ in range(6)))
        early = [asked for asked, at in zip(server.asked, server.at, strict=True) if at < began + 1.5 * SECOND]
        assert sum("slow" in asked for asked in early) <= 2
        assert len(early) <= 9
        assert len(server.asked) == 10


async def test_what_the_host_has_counted_is_believed() -> None:
    async with served(Host("rest", "https://rest.test", 100, 1.5, "X-Used")) as (server, rest):
        server.answer = lambda: web.Response(body=b"{}", headers={"X-Used": "88"})
        began = time_ns()
        for _ in range(2):
            await rest.fetch(CALL)
        assert server.at[1] >= began + 1.5 * SECOND


async def test_a_body_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "BODY_BYTES_MAX", 1 << 20)
    async with served() as (server, rest):
        server.answer = lambda: web.Response(body=b"x" * (3 << 20))
        with pytest.raises(RestError, match="more than 1 MB"):
            await rest.fetch(CALL)


async def test_a_host_that_is_not_there_is_said_in_one_sentence() -> None:
    rest = Rest(venue(), gateway="http://127.0.0.1:1")
    await rest.start(ssl.create_default_context())
    try:
        with pytest.raises(RestError, match=r"^rest\.test cannot be reached: "):
            await rest.fetch(CALL)
    finally:
        await rest.close()


class Names(AbstractResolver):
    def __init__(self, *families: socket.AddressFamily) -> None:
        self.found = [
            ResolveResult(hostname="x", host=str(number), port=1, family=family, proto=0, flags=0)
            for number, family in enumerate(families)
        ]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return self.found

    async def close(self) -> None:
        """Nothing is open."""


async def test_addresses_of_the_fourth_version_come_first_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(socket.AF_INET6, socket.AF_INET, socket.AF_INET6, socket.AF_INET)
    monkeypatch.setattr(aiohttp, "DefaultResolver", lambda: names)
    resolver = Ipv4First()
    assert [one["host"] for one in await resolver.resolve("x")] == ["1", "3", "0", "2"]
    await resolver.close()

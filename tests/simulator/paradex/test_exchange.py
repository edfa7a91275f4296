"""Paradex's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import asyncio
import time
from collections.abc import AsyncIterator
from struct import unpack_from

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from services.simulator.options import Options, Rules
from services.simulator.server import Simulator
from tests.simulator.client import LIMIT_S, asked, closed, next_that, rest, say, socket, spares, until

WS = "ws.api.prod.paradex.trade/v1?sbeSchemaId=1&sbeSchemaVersion=1"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("paradex",), instruments=40, rate=400)) as sim:
        yield sim


def ask(method: str, channel: str, number: int = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "method": method, "params": {"channel": channel}, "id": number}


async def binary(ws: ClientConnection, template: int, seconds: float = LIMIT_S) -> bytes:
    """The next frame of a template; its header is that of schema 1, version 1."""
    async with asyncio.timeout(seconds):
        while True:
            data = await ws.recv()
            if isinstance(data, bytes) and unpack_from("<H", data, 2)[0] == template:
                assert unpack_from("<2H", data, 4) == (1, 1)
                return data


@pytest.mark.parametrize(
    "query", ["", "?sbeSchemaId=1", "?sbeSchemaId=2&sbeSchemaVersion=1", "?sbeSchemaId=1&sbeSchemaVersion=3"]
)
async def test_another_schema_or_none_is_no_websocket(sim: Simulator, query: str) -> None:
    with pytest.raises(InvalidStatus, match="400"):
        await socket(sim, f"ws.api.prod.paradex.trade/v1{query}")


async def test_a_request_is_answered_with_its_channel_and_id_and_data_comes_in_binary(sim: Simulator) -> None:
    async with socket(sim, WS) as ws:
        await say(ws, ask("subscribe", "bbo.BTC-USD-PERP", 77))
        answer = await next_that(ws, lambda m: "id" in m)
        assert (answer["jsonrpc"], answer["id"], answer["result"]) == ("2.0", 77, {"channel": "bbo.BTC-USD-PERP"})
        assert answer["usOut"] - answer["usIn"] == answer["usDiff"]
        data = await binary(ws, 2)
    assert unpack_from("<H", data)[0] == 48
    _, _, bid, bid_size, ask_, ask_size = unpack_from("<6q", data, 8)
    assert 0 < bid < ask_ < 10**14
    assert bid_size > 0
    assert ask_size > 0
    assert data[56:] == b"\x0cBTC-USD-PERP"


@pytest.mark.parametrize(
    "channel",
    [
        "bbo.NOPE-USD-PERP",
        "bbo",
        "trades",
        "order_book.BTC-USD-PERP",
        "order_book.BTC-USD-PERP.updates",
        "funding_data.BTC-USD",
        "candles.BTC-USD-PERP",
        "bbo.OLDCO-USD-PERP.deltas",
        "",
    ],
)
async def test_a_channel_that_does_not_exist_is_refused_by_number_alone(sim: Simulator, channel: str) -> None:
    async with socket(sim, WS) as ws:
        await say(ws, ask("subscribe", channel, 5))
        answer = await next_that(ws, lambda m: True)
    assert (answer["id"], answer["error"]["code"], answer["error"]["data"]) == (5, -32600, "invalid channel")


async def test_what_stands_is_not_subscribed_twice_and_what_does_not_is_not_let_go(sim: Simulator) -> None:
    async with socket(sim, WS) as ws:
        for method, channel in (
            ("subscribe", "markets_summary.BTC-USD-PERP"),
            ("subscribe", "markets_summary.BTC-USD-PERP"),
            ("unsubscribe", "markets_summary.BTC-USD-PERP"),
            ("unsubscribe", "markets_summary.BTC-USD-PERP"),
            ("fly", "x"),
        ):
            await say(ws, ask(method, channel))
        answers = [await next_that(ws, lambda m: "id" in m) for _ in range(5)]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32600, None, -32600, -32601]


@pytest.mark.parametrize("text", ["{", "[]", '{"method":7}'])
async def test_nonsense_is_a_parse_error(sim: Simulator, text: str) -> None:
    async with socket(sim, WS) as ws:
        await ws.send(text)
        assert (await next_that(ws, lambda m: True))["error"]["code"] == -32700


@pytest.mark.parametrize(
    "channel",
    [
        "bbo.BTC-USD-PERP.interactive",
        "order_book.BTC-USD-PERP.snapshot@15@70ms",
        "funding_rate_comparison.ALL@500ms",
        "markets",
    ],
)
async def test_channels_that_say_nothing_are_accepted_all_the_same(sim: Simulator, channel: str) -> None:
    async with socket(sim, WS) as ws:
        await say(ws, ask("subscribe", channel))
        await say(ws, ask("unsubscribe", channel, 2))
        assert [(await ws.recv())[:2] for _ in range(2)] == ['{"', '{"']


@pytest.mark.parametrize(
    ("channel", "template", "block"),
    [
        ("markets_summary.BTC-USD-PERP", 4, 240),
        ("markets_summary.ETH-USD", 4, 240),
        ("markets_summary", 4, 240),
        ("funding_data.BTC-USD-PERP", 5, 66),
        ("trades.ALL", 1, 50),
        ("trades.BTC-USD-PERP", 1, 50),
        ("order_book.BTC-USD-PERP.snapshot@15@50ms", 3, 89),
    ],
)
async def test_channels_have_the_venues_blocks(sim: Simulator, channel: str, template: int, block: int) -> None:
    async with socket(sim, WS) as ws:
        await say(ws, ask("subscribe", channel))
        assert unpack_from("<H", await binary(ws, template))[0] == block


def taken(data: bytes) -> tuple[int, int, dict[str, dict[int, int]]]:
    """(package, number, levels by side) of a book's frame."""
    _, seq, package = unpack_from("<2qB", data, 8)
    at, sides = 97, {}
    for side in ("bids", "asks"):
        length, count = unpack_from("<2H", data, at)
        entries = [unpack_from("<2q", data, at + 4 + n * length) for n in range(count)]
        sides[side] = dict(entries)
        at += 4 + length * count
    assert data[at:] == b"\x0cBTC-USD-PERP"
    return package, seq, sides


async def test_a_book_kept_from_changes_is_the_venues_book(sim: Simulator) -> None:
    channel = "order_book.BTC-USD-PERP.deltas"
    async with socket(sim, WS, max_size=None) as ws:
        await say(ws, ask("subscribe", channel))
        package, at, book = taken(await binary(ws, 3))
        assert package == 0
        assert len(book["bids"]) == 100

        async def step() -> None:
            nonlocal at
            package, seq, sides = taken(await binary(ws, 3))
            assert (package, seq) == (1, at + 1)
            at = seq
            for side, levels in sides.items():
                book[side] = {price: size for price, size in (book[side] | levels).items() if size}

        for _ in range(20):
            await step()
        async with socket(sim, WS, max_size=None) as other:
            await say(other, ask("subscribe", channel))
            package, late, fresh = taken(await binary(other, 3))
        while at < late:
            await step()
        assert (package, at) == (0, late)
        assert book == fresh


async def test_a_forced_trade_goes_to_both_topics_of_trades(sim: Simulator) -> None:
    async with socket(sim, WS) as ws:
        await say(ws, ask("subscribe", "trades.ALL"))
        while (data := await binary(ws, 1))[57] != 2:
            pass
    ts, _, number, side, price, size, created, kind = unpack_from("<3qB3qB", data, 8)
    assert (ts, kind) == (created, 2)
    assert number > 0
    assert side in (1, 2)
    assert price > 0
    assert size > 0


async def test_a_ping_that_is_not_answered_ends_the_connection() -> None:
    async with Simulator(Options(venues=("paradex",), instruments=5, rate=0)) as sim:
        async with socket(sim, WS):  # this client answers by itself
            (one,) = sim.exchanges["paradex"].feed.sockets
            one.pinged -= 55.0
            assert spares(sim, one.opened)
            assert one.pinged == one.opened
            await until(lambda: one.ponged > one.pinged)
            assert spares(sim, one.pinged + 5.0)
            one.ponged = 0.0
            assert spares(sim, one.pinged + 4.9)
            assert not spares(sim, one.pinged + 5.0)
        await until(lambda: not sim.exchanges["paradex"].feed.sockets)
        async with socket(sim, WS) as ws:
            (one,) = sim.exchanges["paradex"].feed.sockets
            one.ponged, one.pinged = 0.0, 1.0  # pinged long ago, and never answered
            assert (await closed(ws))[0] == 1000


async def test_twenty_connections_a_second(sim: Simulator) -> None:
    accept, t = sim.exchanges["paradex"].accept, time.time()
    answers = [accept(asked(WS), t + number / 1000) for number in range(21)] + [accept(asked(WS), t + 1.5)]
    assert answers[:20] == ["public"] * 20
    assert not isinstance(answers[20], str)
    assert answers[20].status == 429
    assert answers[21] == "public"


async def test_a_connection_too_many_is_refused() -> None:
    rules = Rules(own={"paradex.connects_per_minute": 3})
    options = Options(venues=("paradex",), instruments=5, rules=rules)
    async with Simulator(options) as sim, socket(sim, WS), socket(sim, WS), socket(sim, WS):
        with pytest.raises(InvalidStatus, match="429"):
            await socket(sim, WS)


async def test_a_halted_market_takes_orders_by_request_alone(sim: Simulator) -> None:
    await rest(sim, "_sim/fault", {"kind": "halt", "venue": "paradex", "coin": "SOL"})
    _, body, _ = await rest(sim, "api.prod.paradex.trade/v1/markets?market=SOL-USD-PERP")
    assert body["results"][0]["trading_mode"] == "RFQ_ONLY"


async def test_binary_frames_can_be_blasted(sim: Simulator) -> None:
    async with socket(sim, WS) as ws:
        for number, channel in enumerate(("bbo.BTC-USD-PERP", "trades.ETH-USD-PERP")):
            await say(ws, ask("subscribe", channel, number))
        for _ in range(2):
            await next_that(ws, lambda m: "result" in m)
        await rest(sim, "_sim/blast", {"venue": "paradex", "frames": 2000})
        seen: set[int] = set()
        async with asyncio.timeout(LIMIT_S):
            while len(seen) < 2000:
                data = await ws.recv()
                assert isinstance(data, bytes)
                number = unpack_from("<q", data, 16 if data[2] == 2 else 24)[0]
                if number >= 900_000_000_000_000:
                    seen.add(number)
    assert sorted(seen) == list(range(min(seen), min(seen) + 2000))

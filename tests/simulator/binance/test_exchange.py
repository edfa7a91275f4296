"""Binance's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.options import Options, Rules
from services.simulator.server import Simulator
from services.simulator.wire import PING, close_frame
from tests.simulator.client import LIMIT_S, closed, next_that, rest, say, socket, spares, until

SPOT, PUBLIC, MARKET = (
    "stream.binance.com/stream",
    "fstream.binance.com/public/stream",
    "fstream.binance.com/market/stream",
)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("binance",), instruments=60, rate=400)) as sim:
        yield sim


def subscribe(*names: str, number: int = 1) -> dict[str, object]:
    return {"method": "SUBSCRIBE", "params": list(names), "id": number}


def on(name: str) -> Any:
    return lambda message: message.get("stream") == name


async def test_a_spot_quote_has_no_time_and_eight_decimals(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, subscribe("btcusdt@bookTicker", number=7))
        assert json.loads(await ws.recv()) == {"result": None, "id": 7}
        first = (await next_that(ws, on("btcusdt@bookTicker")))["data"]
        second = (await next_that(ws, on("btcusdt@bookTicker")))["data"]
    assert set(first) == {"u", "s", "b", "B", "a", "A"}
    assert first["s"] == "BTCUSDT"
    assert float(first["b"]) < float(first["a"])
    assert len(first["b"].partition(".")[2]) == 8
    assert second["u"] > first["u"]


async def test_a_futures_quote_has_times_pair_and_universe(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, subscribe("btcusdt@bookTicker"))
        quote = (await next_that(ws, on("btcusdt@bookTicker")))["data"]
    assert set(quote) == {"e", "u", "s", "ps", "b", "B", "a", "A", "T", "E", "st"}
    assert (quote["e"], quote["ps"], quote["st"]) == ("bookTicker", "BTCUSDT", 1)


async def test_raw_paths_send_frames_without_their_stream_and_can_be_switched(sim: Simulator) -> None:
    async with socket(sim, "stream.binance.com/ws/btcusdt@bookTicker") as ws:
        assert (await next_that(ws, lambda m: "u" in m))["s"] == "BTCUSDT"
        await say(ws, {"method": "SET_PROPERTY", "params": ["combined", True], "id": 5})
        assert (await next_that(ws, lambda m: m.get("id") == 5))["result"] is None
        assert (await next_that(ws, on("btcusdt@bookTicker")))["data"]["s"] == "BTCUSDT"


async def test_streams_in_the_url_are_subscribed_at_once(sim: Simulator) -> None:
    async with socket(sim, f"{SPOT}?streams=btcusdt@bookTicker/ethusdt@bookTicker") as ws:
        await next_that(ws, on("ethusdt@bookTicker"))
        await say(ws, {"method": "LIST_SUBSCRIPTIONS", "id": 3})
        listed = await next_that(ws, lambda m: m.get("id") == 3)
    assert listed["result"] == ["btcusdt@bookTicker", "ethusdt@bookTicker"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (SPOT, "nonsense@bookTicker"),
        (SPOT, "BTCUSDT@bookTicker"),
        (SPOT, "btcusdt@markPrice"),
        (PUBLIC, "btcusdt@markPrice@1s"),
        (PUBLIC, "btcusdt@aggTrade"),
        (MARKET, "btcusdt@bookTicker"),
        ("fstream.binance.com/stream", "btcusdt@markPrice@1s"),
    ],
)
async def test_an_unknown_or_misplaced_stream_is_acknowledged_and_stays_silent(
    sim: Simulator, path: str, name: str
) -> None:
    async with socket(sim, path) as ws:
        await say(ws, subscribe(name))
        assert json.loads(await ws.recv()) == {"result": None, "id": 1}
        feed = sim.exchanges["binance"].feed
        assert [(set(each.topics), each.silent) for each in feed.sockets] == [(set(), {name})]
        sent, events = feed.frames, sim.driver.events
        await until(lambda: sim.driver.events > events + 200)
        assert feed.frames == sent


async def test_an_unrouted_futures_path_gets_public_data(sim: Simulator) -> None:
    async with socket(sim, "fstream.binance.com/stream") as ws:
        await say(ws, subscribe("btcusdt@bookTicker"))
        await next_that(ws, on("btcusdt@bookTicker"))


async def test_mark_prices_come_as_one_array_of_coins_of_both_universes_and_one_of_stocks(sim: Simulator) -> None:
    async with socket(sim, MARKET) as ws:
        await say(ws, subscribe("!markPrice@arr@1s"))
        first = (await next_that(ws, on("!markPrice@arr@1s")))["data"]
        second = (await next_that(ws, on("!markPrice@arr@1s")))["data"]
    arrays = sorted((first, second), key=len, reverse=True)
    coins, stocks = ({row["s"]: row for row in array} for array in arrays)
    assert coins["BTCUSD_PERP"]["st"] == 2
    assert coins["BTCUSDT"]["st"] == 1
    assert set(stocks) == {"TSLAUSDT", "XAUUSDT"}
    dated = coins["BTCUSDT_270326"]
    assert (dated["r"], dated["T"]) == ("", 0)
    assert set(coins["BTCUSDT"]) == {"e", "E", "s", "p", "ap", "P", "i", "r", "T", "st"}


async def test_unsubscribed_streams_fall_silent(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, subscribe("btcusdt@bookTicker"))
        await next_that(ws, on("btcusdt@bookTicker"))
        await say(ws, {"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 2})
        await next_that(ws, lambda m: m.get("id") == 2)
        assert not sim.exchanges["binance"].feed.topics["stream.binance.com/btcusdt@bookTicker"].followed


@pytest.mark.parametrize(
    ("text", "code"), [("{", 3), ('{"method": 1}', 2), ('{"method": "JUMP", "id": 1}', 2), ("[]", 2)]
)
async def test_nonsense_is_answered_with_the_venues_codes(sim: Simulator, text: str, code: int) -> None:
    async with socket(sim, SPOT) as ws:
        await ws.send(text)
        assert json.loads(await ws.recv())["code"] == code


@pytest.mark.parametrize(("path", "limit"), [(SPOT, 5), (PUBLIC, 10)])
async def test_too_many_messages_in_a_second_close_with_1008(sim: Simulator, path: str, limit: int) -> None:
    async with socket(sim, path) as ws:
        for number in range(limit + 1):
            await say(ws, subscribe("btcusdt@bookTicker", number=number))
        assert await closed(ws) == (1008, "Too many requests")


async def test_more_streams_than_a_connection_may_have_are_refused() -> None:
    rules = Rules(streams_per_connection=3)
    async with Simulator(Options(venues=("binance",), instruments=20, rules=rules)) as sim, socket(sim, SPOT) as ws:
        await say(ws, subscribe("a@bookTicker", "b@bookTicker"))
        await next_that(ws, lambda m: m.get("id") == 1)
        await say(ws, subscribe("btcusdt@bookTicker", "ethusdt@bookTicker", number=2))
        refusal = await next_that(ws, lambda m: m.get("id") == 2)
    assert refusal["error"]["code"] == 4


async def test_a_client_that_answers_pings_lives_on(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        (one,) = sim.exchanges["binance"].feed.sockets
        assert spares(sim, one.opened + 19.9)
        assert one.pinged == one.opened
        assert spares(sim, one.opened + 20.0)
        assert one.pinged > one.opened
        await until(lambda: one.ponged > one.opened)  # the library answers by itself
        assert spares(sim, one.opened + 60.0)
        assert not spares(sim, one.ponged + 60.0)
        assert await closed(ws) == (1008, "Pong timeout")


async def test_the_server_pings_and_hangs_up_on_who_does_not_answer() -> None:
    rules = Rules(spot_ping_s=0.4, spot_pong_s=1.5, idle_s=0.4)
    async with Simulator(Options(venues=("binance",), instruments=20, rules=rules)) as sim:
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13"
        head = f"GET /{SPOT} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(LIMIT_S):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            rest_of_it = await reader.read(-1)
        assert rest_of_it[0] == PING
        assert rest_of_it.endswith(close_frame(1008, "Pong timeout"))
        writer.close()
        await writer.wait_closed()


async def test_a_connection_ends_after_its_lifetime() -> None:
    rules = Rules(lifetime_s=0.5, idle_s=0.4)
    async with Simulator(Options(venues=("binance",), instruments=20, rules=rules)) as sim, socket(sim, SPOT) as ws:
        assert (await closed(ws))[0] == 1001


async def test_connection_attempts_are_limited() -> None:
    rules = Rules(stream_connects=(2, 300.0))
    async with Simulator(Options(venues=("binance",), instruments=20, rules=rules)) as sim:
        async with socket(sim, SPOT), socket(sim, SPOT):
            with pytest.raises(InvalidStatus, match="429"):
                await socket(sim, SPOT)
        status, _, _ = await rest(sim, "api.binance.com/api/v3/time")
        assert status == 200


async def follow_book(sim: Simulator, path: str, snapshot: str, futures: bool) -> None:
    """Keeps a book by the venue's procedure and compares it with a later snapshot."""
    async with socket(sim, path, max_size=None) as ws:
        await say(ws, subscribe("btcusdt@depth@100ms"))
        buffered = [(await next_that(ws, on("btcusdt@depth@100ms")))["data"] for _ in range(2)]
        _, body, _ = await rest(sim, snapshot)
        book = {side: dict(body[side]) for side in ("bids", "asks")}
        at, last = body["lastUpdateId"], None
        for _ in range(30):
            event = buffered.pop(0) if buffered else (await next_that(ws, on("btcusdt@depth@100ms")))["data"]
            if event["u"] < at or (not futures and event["u"] == at):
                continue
            if last is not None:
                assert event["pu"] == last if futures else event["U"] == last + 1
                assert not futures or event["U"] != event["pu"] + 1
            elif not futures:
                assert event["U"] <= at + 1
            last = event["u"]
            for side, changed in (("bids", event["b"]), ("asks", event["a"])):
                for price, size in changed:
                    book[side][price] = size
                    if float(size) == 0:
                        del book[side][price]
        _, body, _ = await rest(sim, snapshot)
        while last is not None and last < body["lastUpdateId"]:
            event = (await next_that(ws, on("btcusdt@depth@100ms")))["data"]
            last = event["u"]
            for side, changed in (("bids", event["b"]), ("asks", event["a"])):
                book[side].update(changed)
        book = {side: {p: s for p, s in levels.items() if float(s)} for side, levels in book.items()}
        assert last == body["lastUpdateId"]
        assert book == {side: dict(body[side]) for side in ("bids", "asks")}


async def test_a_spot_book_kept_from_diffs_is_the_venues_book(sim: Simulator) -> None:
    await follow_book(sim, SPOT, "api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000", futures=False)


async def test_a_futures_book_kept_from_diffs_is_the_venues_book(sim: Simulator) -> None:
    await follow_book(sim, PUBLIC, "fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000", futures=True)


async def test_an_announced_shutdown_says_so_and_then_closes(sim: Simulator) -> None:
    async with socket(sim, SPOT) as combined, socket(sim, "stream.binance.com/ws") as raw:
        await rest(sim, "_sim/fault", {"kind": "shutdown", "venue": "binance", "delay_ms": 100})
        message = await next_that(combined, on("!serverShutdown"))
        assert message["data"]["e"] == "serverShutdown"
        assert (await next_that(raw, lambda m: True))["e"] == "serverShutdown"
        assert (await closed(combined))[0] == 1001
        assert (await closed(raw))[0] == 1001


async def test_a_changed_status_is_pushed_and_listed(sim: Simulator) -> None:
    async with socket(sim, MARKET) as ws:
        await say(ws, subscribe("!contractInfo"))
        await next_that(ws, lambda m: m.get("id") == 1)
        await rest(sim, "_sim/fault", {"kind": "halt", "venue": "binance", "coin": "ETH"})
        info = (await next_that(ws, on("!contractInfo")))["data"]
        assert (info["e"], info["cs"]) == ("contractInfo", "TRADING_HALT")
    _, body, _ = await rest(sim, "api.binance.com/api/v3/exchangeInfo")
    assert {row["symbol"]: row["status"] for row in body["symbols"]}["ETHUSDT"] == "HALT"


async def test_liquidations_come_now_and_then(sim: Simulator) -> None:
    async with socket(sim, MARKET) as ws:
        await say(ws, subscribe("!forceOrder@arr"))
        order = (await next_that(ws, on("!forceOrder@arr")))["data"]
    assert order["e"] == "forceOrder"
    assert set(order["o"]) == {"s", "S", "o", "f", "q", "p", "ap", "X", "l", "z", "T"}

"""OKX's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.options import Options, Rules
from services.simulator.server import Simulator
from tests.simulator.client import asked, closed, next_that, rest, say, socket, spares, until

PUBLIC = "ws.okx.com/ws/v5/public"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("okx",), instruments=60, rate=400)) as sim:
        yield sim


def subscribe(*topics: str, **more: object) -> dict[str, object]:
    args = [{"channel": channel, "instId": name} for channel, _, name in (each.partition(":") for each in topics)]
    return {"op": "subscribe", "args": args, **more}


def data_of(channel: str) -> Any:
    return lambda message: "data" in message and message["arg"]["channel"] == channel


async def test_each_argument_is_acknowledged_on_its_own_with_the_requests_id(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, subscribe("tickers:BTC-USDT", "bbo-tbt:NOPE-USDT", "bbo-tbt:BTC-USDT-SWAP", id="77"))
        answers = [await next_that(ws, lambda m: "event" in m) for _ in range(3)]
    assert [answer["event"] for answer in answers] == ["subscribe", "error", "subscribe"]
    assert {answer["id"] for answer in answers} == {"77"}
    assert answers[0]["arg"] == {"channel": "tickers", "instId": "BTC-USDT"}
    assert answers[1]["code"] == "60018"
    assert "NOPE-USDT" in answers[1]["msg"]
    assert len({answer["connId"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("channel", "name", "fields"),
    [
        ("bbo-tbt", "BTC-USDT-SWAP", {"asks", "bids", "ts", "seqId"}),
        ("books5", "BTC-USDT", {"asks", "bids", "instId", "ts", "seqId"}),
        ("mark-price", "BTC-USDT-SWAP", {"instType", "instId", "markPx", "ts"}),
        ("open-interest", "BTC-USDT-SWAP", {"instId", "instType", "oi", "oiCcy", "oiUsd", "ts"}),
        ("trades", "BTC-USDT", {"instId", "tradeId", "px", "sz", "side", "ts", "count", "source", "seqId"}),
    ],
)
async def test_channels_have_the_venues_fields(sim: Simulator, channel: str, name: str, fields: set[str]) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, subscribe(f"{channel}:{name}"))
        message = await next_that(ws, data_of(channel))
    assert message["arg"] == {"channel": channel, "instId": name}
    assert set(message["data"][0]) == fields


async def test_prices_carry_no_trailing_zeros_and_times_are_texts(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, subscribe("tickers:BTC-USDT", "tickers:ETH-USDT-SWAP"))
        rows = [(await next_that(ws, data_of("tickers")))["data"][0] for _ in range(20)]
    for row in rows:
        for name in ("last", "bidPx", "askPx", "bidSz", "askSz"):
            assert isinstance(row[name], str)
            assert "." not in row[name] or not row[name].endswith("0")
        assert row["ts"].isdigit()


async def test_funding_says_when_it_is_due_and_how_long_an_interval_is(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, subscribe("funding-rate:ETH-USDT-SWAP"))
        row = (await next_that(ws, data_of("funding-rate")))["data"][0]
    assert (int(row["nextFundingTime"]) - int(row["fundingTime"])) in (3_600_000, 14_400_000, 28_800_000)
    assert row["nextFundingRate"] == ""


@pytest.mark.parametrize(
    "topic",
    ["funding-rate:BTC-USDT", "mark-price:BTC-USDT", "candle1m:BTC-USDT", "trades-all:BTC-USDT", "index-tickers:X-Y"],
)
async def test_a_channel_where_it_does_not_exist_is_refused(sim: Simulator, topic: str) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, subscribe(topic))
        assert (await next_that(ws, lambda m: "event" in m))["code"] == "60018"


async def test_the_business_path_has_other_channels(sim: Simulator) -> None:
    async with socket(sim, "ws.okx.com/ws/v5/business") as ws:
        await say(ws, subscribe("trades-all:BTC-USDT", "tickers:BTC-USDT"))
        events = [(await next_that(ws, lambda m: "event" in m))["event"] for _ in range(2)]
        assert events == ["subscribe", "error"]
        assert (await next_that(ws, data_of("trades-all")))["arg"]["channel"] == "trades-all"


async def test_a_text_ping_is_answered_by_a_text_pong(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await ws.send("ping")
        assert await ws.recv() == "pong"


async def test_silence_closes_and_pings_keep_alive() -> None:
    rules = Rules(idle_s=0.4)
    async with Simulator(Options(venues=("okx",), instruments=20, rules=rules)) as sim, socket(sim, PUBLIC) as ws:
        assert (await closed(ws))[0] == 4004
    async with Simulator(Options(venues=("okx",), instruments=20)) as sim, socket(sim, PUBLIC) as ws:
        (one,) = sim.exchanges["okx"].feed.sockets
        await ws.send("ping")
        assert await ws.recv() == "pong"
        assert one.heard > one.opened
        assert spares(sim, one.opened + 30.0)
        assert not spares(sim, one.heard + 30.0)
        assert (await closed(ws))[0] == 4004


@pytest.mark.parametrize(
    "text", ["{", '{"op":"fly","args":[{}]}', '{"op":"subscribe"}', '{"op":"subscribe","args":[1]}']
)
async def test_nonsense_is_an_invalid_request(sim: Simulator, text: str) -> None:
    async with socket(sim, PUBLIC) as ws:
        await ws.send(text)
        assert json.loads(await ws.recv())["code"] == "60012"


async def test_requests_are_limited_by_the_hour_and_by_bytes() -> None:
    rules = Rules(requests_per_hour=2, request_bytes=500)
    async with Simulator(Options(venues=("okx",), instruments=20, rules=rules)) as sim, socket(sim, PUBLIC) as ws:
        await say(ws, subscribe(*["tickers:BTC-USDT"] * 20))
        assert (await next_that(ws, lambda m: "event" in m))["code"] == "60013"
        for _ in range(2):
            await say(ws, subscribe("tickers:BTC-USDT"))
            assert (await next_that(ws, lambda m: "event" in m))["event"] == "subscribe"
        await say(ws, {"op": "unsubscribe", "args": [{"channel": "tickers", "instId": "BTC-USDT"}]})
        assert (await next_that(ws, lambda m: "event" in m))["code"] == "60014"


async def test_three_connections_a_second(sim: Simulator) -> None:
    accept, t = sim.exchanges["okx"].accept, time.time()
    answers = [accept(asked(PUBLIC), t + after) for after in (0.0, 0.3, 0.6, 0.9, 1.95)]
    status = [answer if isinstance(answer, str) else answer.status for answer in answers]
    assert status == ["public", "public", "public", 429, "public"]


async def test_a_connection_too_many_is_refused() -> None:
    options = Options(venues=("okx",), instruments=20, rules=Rules(text_connects=(3, 300.0)))
    async with Simulator(options) as sim, socket(sim, PUBLIC), socket(sim, PUBLIC), socket(sim, PUBLIC):
        with pytest.raises(InvalidStatus, match="429"):
            await socket(sim, PUBLIC)


async def test_a_book_kept_from_updates_is_the_venues_book(sim: Simulator) -> None:
    async with socket(sim, PUBLIC, max_size=None) as ws:
        await say(ws, subscribe("books:BTC-USDT-SWAP"))
        snapshot = await next_that(ws, data_of("books"))
        assert snapshot["action"] == "snapshot"
        body = snapshot["data"][0]
        assert (body["prevSeqId"], body["checksum"]) == (-1, 0)
        book = {side: {level[0]: level[1] for level in body[side]} for side in ("bids", "asks")}
        at = body["seqId"]
        for _ in range(20):
            update = await next_that(ws, data_of("books"))
            body = update["data"][0]
            assert update["action"] == "update"
            assert body["prevSeqId"] == at
            at = body["seqId"]
            for side in ("bids", "asks"):
                for price, size, *_ in body[side]:
                    book[side][price] = size
                    if size == "0":
                        del book[side][price]
        async with socket(sim, PUBLIC, max_size=None) as other:
            await say(other, subscribe("books:BTC-USDT-SWAP"))
            late = (await next_that(other, data_of("books")))["data"][0]
        while at < late["seqId"]:
            body = (await next_that(ws, data_of("books")))["data"][0]
            at = body["seqId"]
            for side in ("bids", "asks"):
                for price, size, *_ in body[side]:
                    book[side][price] = size
        book = {side: {p: s for p, s in levels.items() if s != "0"} for side, levels in book.items()}
        assert at == late["seqId"]
        assert book == {side: {level[0]: level[1] for level in late[side]} for side in ("bids", "asks")}


async def test_the_instruments_channel_starts_with_the_list_and_pushes_changes(sim: Simulator) -> None:
    async with socket(sim, PUBLIC, max_size=None) as ws:
        await say(ws, {"op": "subscribe", "args": [{"channel": "instruments", "instType": "SWAP"}]})
        first = await next_that(ws, data_of("instruments"))
        assert len(first["data"]) > 20
        await rest(sim, "_sim/fault", {"kind": "halt", "venue": "okx", "coin": "SOL"})
        change = await next_that(ws, lambda m: data_of("instruments")(m) and len(m["data"]) == 1)
        assert change["data"][0]["state"] == "suspend"
        assert change["data"][0]["instId"].startswith("SOL-")


async def test_liquidations_are_subscribed_by_type(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await say(ws, {"op": "subscribe", "args": [{"channel": "liquidation-orders", "instType": "SWAP"}]})
        row = (await next_that(ws, data_of("liquidation-orders")))["data"][0]
    detail = row["details"][0]
    assert {"bkLoss", "bkPx", "ccy", "posSide", "side", "sz", "ts"} == set(detail)
    assert detail["posSide"] == ("long" if detail["side"] == "sell" else "short")


async def test_an_upgrade_is_noticed_in_advance(sim: Simulator) -> None:
    async with socket(sim, PUBLIC) as ws:
        await rest(sim, "_sim/fault", {"kind": "shutdown", "venue": "okx", "delay_ms": 100})
        assert (await next_that(ws, lambda m: m.get("event") == "notice"))["code"] == "64008"
        assert (await closed(ws))[0] == 1001


async def test_a_mark_comes_when_its_instrument_has_moved_and_every_ten_seconds_where_it_has_not() -> None:
    async with Simulator(Options(venues=("okx",), instruments=20, rate=0)) as still, socket(still, PUBLIC) as ws:
        await say(ws, subscribe("mark-price:BTC-USDT-SWAP"))
        await next_that(ws, data_of("mark-price"))
        topic = still.exchanges["okx"].feed.topics["ws.okx.com/public/mark-price:BTC-USDT-SWAP"]
        await until(lambda: isinstance(topic.state, float))
        marks, t = dict(still.exchanges["okx"].paces)[0.2], time.time() + 1.0
        before = topic.sent
        marks(t)
        assert topic.sent == before
        assert topic.row is not None
        still.driver.quote([topic.row], t)
        marks(t + 0.2)
        marks(t + 0.4)
        assert topic.sent == before + 1
        marks(t + 10.3)
        assert topic.sent == before + 2

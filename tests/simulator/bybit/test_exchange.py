"""Bybit's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.bybit.recorded import RECORDED
from services.simulator.options import Options, Rules
from services.simulator.scenario import Event
from services.simulator.server import Simulator
from tests.simulator.client import asked, closed, next_that, rest, say, socket, spares

SPOT, LINEAR = "stream.bybit.com/v5/public/spot", "stream.bybit.com/v5/public/linear"
REST = "api.bybit.com/v5/market"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("bybit",), instruments=60, rate=400)) as sim:
        yield sim


def subscribe(*topics: str, number: str = "7") -> dict[str, object]:
    return {"req_id": number, "op": "subscribe", "args": topics}


def of(topic: str, kind: str = "") -> Any:
    return lambda message: message.get("topic") == topic and (not kind or message["type"] == kind)


async def answered(ws: Any, message: object) -> Any:
    await say(ws, message)
    return await next_that(ws, lambda m: "success" in m)


@pytest.mark.parametrize(("path", "text"), [(SPOT, "subscribe"), (LINEAR, "")])
async def test_a_request_is_acknowledged_as_a_whole_with_its_number(sim: Simulator, path: str, text: str) -> None:
    async with socket(sim, path) as ws:
        answer = await answered(ws, subscribe("orderbook.1.BTCUSDT", "publicTrade.BTCUSDT", number="12"))
        assert (answer["success"], answer["ret_msg"], answer["req_id"], answer["op"]) == (True, text, "12", "subscribe")
        assert (await answered(ws, {"op": "unsubscribe", "args": ["orderbook.1.BTCUSDT"], "req_id": "13"}))["success"]


@pytest.mark.parametrize(
    ("path", "topics", "text"),
    [
        (LINEAR, ("orderbook.1.BTCUSDT", "orderbook.1.NOPE"), "error:handler not found,topic:orderbook.1.NOPE"),
        (LINEAR, ("orderbook.30.BTCUSDT",), "error:handler not found,topic:orderbook.30.BTCUSDT"),
        (LINEAR, ("orderbook.1.btcusdt",), "error:handler not found,topic:orderbook.1.btcusdt"),
        (SPOT, ("orderbook.1.NOPE",), "Invalid symbol :[orderbook.1.NOPE]"),
        (SPOT, ("allLiquidation.BTCUSDT",), "Invalid symbol :[allLiquidation.BTCUSDT]"),
        (SPOT, tuple(f"orderbook.1.X{n}" for n in range(11)), "args size >10"),
        (LINEAR, ("orderbook.1.X" + "X" * 21_000,), "error:args length exceeded"),
    ],
)
async def test_a_request_is_refused_as_a_whole(sim: Simulator, path: str, topics: tuple[str, ...], text: str) -> None:
    async with socket(sim, path) as ws:
        answer = await answered(ws, subscribe(*topics))
        assert (answer["success"], answer["ret_msg"], answer["req_id"]) == (False, text, "7")
        assert (await answered(ws, subscribe("orderbook.1.BTCUSDT")))["success"]


async def test_what_is_followed_already_is_refused_and_goes_on(sim: Simulator) -> None:
    async with socket(sim, LINEAR) as ws:
        assert (await answered(ws, subscribe("orderbook.1.ETHUSDT")))["success"]
        answer = await answered(ws, subscribe("orderbook.1.ETHUSDT"))
        assert answer["ret_msg"] == "error:already subscribed,topic:orderbook.1.ETHUSDT"
        await next_that(ws, of("orderbook.1.ETHUSDT"))


async def test_a_ping_is_answered_and_nonsense_too(sim: Simulator) -> None:
    async with socket(sim, LINEAR) as ws:
        pong = await answered(ws, {"op": "ping"})
        assert (pong["success"], pong["ret_msg"], pong["op"]) == (True, "pong", "ping")
        assert (await answered(ws, {"op": "fly"}))["ret_msg"] == "error:invalid op"
        assert (await answered(ws, "hello"))["ret_msg"].startswith("Failed to decode incoming data")


async def test_silence_of_the_client_closes_and_pings_keep_alive() -> None:
    rules = Rules(own={"bybit.idle_s": 0.5}, idle_s=0.4)
    async with Simulator(Options(venues=("bybit",), instruments=20, rules=rules)) as sim, socket(sim, LINEAR) as ws:
        assert (await closed(ws))[0] == 1000
    async with Simulator(Options(venues=("bybit",), instruments=20)) as sim, socket(sim, LINEAR) as ws:
        (one,) = sim.exchanges["bybit"].feed.sockets
        assert (await answered(ws, {"op": "ping"}))["ret_msg"] == "pong"
        assert one.heard > one.opened
        assert spares(sim, one.opened + 600.0)
        assert not spares(sim, one.heard + 600.0)
        assert (await closed(ws))[0] == 1000


@pytest.mark.parametrize(
    ("path", "topic", "keys"),
    [
        (LINEAR, "orderbook.1.BTCUSDT", ["topic", "type", "ts", "data", "cts"]),
        (SPOT, "orderbook.1.BTCUSDT", ["topic", "ts", "type", "data", "cts"]),
        (LINEAR, "tickers.BTCUSDT", ["topic", "type", "data", "cs", "ts"]),
        (SPOT, "tickers.BTCUSDT", ["topic", "ts", "type", "data", "cs"]),
        (LINEAR, "publicTrade.BTCUSDT", ["topic", "type", "ts", "data"]),
        (SPOT, "publicTrade.BTCUSDT", ["topic", "ts", "type", "data"]),
    ],
)
async def test_the_keys_of_a_push_stand_in_the_order_of_its_market(
    sim: Simulator, path: str, topic: str, keys: list[str]
) -> None:
    async with socket(sim, path) as ws:
        await say(ws, subscribe(topic))
        assert list(await next_that(ws, of(topic))) == keys


async def test_a_quiet_best_bid_and_offer_is_sent_again_under_its_number() -> None:
    async with Simulator(Options(venues=("bybit",), instruments=20, rate=0)) as sim, socket(sim, LINEAR) as ws:
        await say(ws, subscribe("orderbook.1.BTCUSDT"))
        first, second = [await next_that(ws, of("orderbook.1.BTCUSDT")) for _ in range(2)]
        assert first["data"] == second["data"]
        assert first["cts"] == second["cts"]
        assert second["ts"] - second["cts"] >= 2999  # of three seconds, cut to milliseconds


@pytest.mark.parametrize("depth", [50, 200])
async def test_a_book_begins_whole_and_its_changes_count_one_by_one(sim: Simulator, depth: int) -> None:
    topic = f"orderbook.{depth}.BTCUSDT"
    async with socket(sim, LINEAR) as ws:
        await say(ws, subscribe(topic))
        whole = await next_that(ws, of(topic))
        assert whole["type"] == "snapshot"
        assert len(whole["data"]["b"]) == min(depth, 100)
        numbers = [(await next_that(ws, of(topic)))["data"]["u"] for _ in range(5)]
        assert numbers == [whole["data"]["u"] + n for n in range(1, 6)]


async def test_a_ticker_of_a_perpetual_says_everything_once_and_then_what_changed(sim: Simulator) -> None:
    async with socket(sim, LINEAR) as ws:
        await say(ws, subscribe("tickers.BTCUSDT"))
        whole = (await next_that(ws, of("tickers.BTCUSDT")))["data"]
        assert {"markPrice", "fundingRate", "bid1Price", "singleOpenInterest"} <= whole.keys()
        change = (await next_that(ws, of("tickers.BTCUSDT", "delta")))["data"]
        assert {"symbol"} < change.keys() < whole.keys()
        assert all(change[name] != whole[name] for name in change.keys() - {"symbol"})


async def test_a_ticker_of_a_pair_is_always_whole_and_has_no_bid(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, subscribe("tickers.BTCUSDT"))
        frames = [await next_that(ws, of("tickers.BTCUSDT")) for _ in range(2)]
    assert all(frame["type"] == "snapshot" and "bid1Price" not in frame["data"] for frame in frames)


async def test_liquidations_name_the_side_of_the_position(sim: Simulator) -> None:
    async with socket(sim, LINEAR) as ws:
        await say(ws, subscribe("allLiquidation.BTCUSDT", "allLiquidation.ETHUSDT"))
        row = (await next_that(ws, lambda m: m.get("topic", "").startswith("allLiquidation")))["data"][0]
    assert row["S"] in ("Buy", "Sell")


async def test_before_the_launch_there_is_no_book(sim: Simulator) -> None:
    async with socket(sim, LINEAR) as ws:
        assert (await answered(ws, subscribe("orderbook.1.NEWCOUSDT", "orderbook.1.BTCUSDT")))["success"]
        message = await next_that(ws, lambda m: "topic" in m)
        assert message["topic"] == "orderbook.1.BTCUSDT"


async def test_a_refused_topic_fails_its_request(sim: Simulator) -> None:
    sim.strike(Event(kind="refuse_topic", venue="bybit", topic="*tickers.BTCUSDT"))
    async with socket(sim, LINEAR) as ws:
        answer = await answered(ws, subscribe("orderbook.1.BTCUSDT", "tickers.BTCUSDT"))
        assert answer["ret_msg"] == "error:handler not found,topic:tickers.BTCUSDT"


async def test_attempts_to_connect_are_counted_and_other_paths_are_not_there() -> None:
    rules = Rules(own={"bybit.connects": 2})
    async with Simulator(Options(venues=("bybit",), instruments=20, rules=rules)) as sim:
        with pytest.raises(InvalidStatus, match="404"):
            await socket(sim, "stream.bybit.com/v5/private")
        async with socket(sim, LINEAR):
            with pytest.raises(InvalidStatus, match="403"):
                await socket(sim, LINEAR)


async def listed(sim: Simulator, query: str) -> Any:
    _, body, _ = await rest(sim, f"{REST}/instruments-info?{query}")
    assert body["retCode"] == 0
    return body["result"]


async def test_perpetuals_are_listed_in_pages_and_pairs_are_not(sim: Simulator) -> None:
    whole = [row["symbol"] for row in (await listed(sim, "category=linear&limit=1000"))["list"]]
    assert "BTCUSDT-26MAR27" in whole
    assert "NEWCOUSDT" not in whole
    found: list[str] = []
    cursor = "&"
    while cursor:
        page = await listed(sim, f"category=linear&limit=10&cursor={cursor.strip('&')}")
        found += [row["symbol"] for row in page["list"]]
        cursor = page["nextPageCursor"]
    assert found == whole
    assert "nextPageCursor" not in await listed(sim, "category=spot&limit=1")
    assert [row["symbol"] for row in (await listed(sim, "category=linear&status=PreLaunch"))["list"]] == ["NEWCOUSDT"]


async def test_tickers_and_books_have_the_venues_fields(sim: Simulator) -> None:
    _, body, _ = await rest(sim, f"{REST}/tickers?category=linear&symbol=BTCUSDT")
    (row,) = body["result"]["list"]
    assert {"fundingIntervalHour", "fundingCap", "singleOpenInterest", "bid1Price", "markPrice"} <= row.keys()
    _, body, _ = await rest(sim, f"{REST}/tickers?category=spot")
    assert all("bid1Price" in row and "markPrice" not in row for row in body["result"]["list"])
    _, body, _ = await rest(sim, f"{REST}/orderbook?category=spot&symbol=BTCUSDT&limit=5")
    assert (len(body["result"]["b"]), len(body["result"]["a"])) == (5, 5)


async def test_funding_history_is_newest_first_and_a_start_needs_an_end(sim: Simulator) -> None:
    _, body, _ = await rest(sim, f"{REST}/funding/history?category=linear&symbol=BTCUSDT&limit=200")
    times = [int(row["fundingRateTimestamp"]) for row in body["result"]["list"]]
    assert len(times) == 200
    assert times == sorted(times, reverse=True)
    assert len({a - b for a, b in pairwise(times)}) == 1
    _, body, _ = await rest(sim, f"{REST}/funding/history?category=linear&symbol=BTCUSDT&startTime=1")
    assert body["retCode"] == 10001


@pytest.mark.parametrize("query", ["", "category=moon", "category=linear&symbol=NOPE"])
async def test_what_cannot_be_answered_has_a_code(sim: Simulator, query: str) -> None:
    status, body, _ = await rest(sim, f"{REST}/orderbook?{query}")
    assert (status, body["retCode"]) == (200, 10001)


async def test_too_many_requests_are_turned_away_for_a_while() -> None:
    rules = Rules(own={"bybit.requests": 3, "bybit.ban_s": 6.0})
    async with Simulator(Options(venues=("bybit",), instruments=20, rules=rules)) as sim:
        answer, t = sim.exchanges["bybit"].answer, 1_795_000_000.0
        moments = (0.0, 1.0, 2.0, 4.9, 10.5, 11.0)
        got = [answer(asked(f"{REST}/time"), t + after).status for after in moments]
        assert got == [200, 200, 200, 403, 403, 200]


def test_a_recorded_frame_belongs_to_its_market_by_its_connection_or_its_form() -> None:
    data = json.dumps({"s": "BTCUSDT"})
    linear = f'{{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1,"data":{data}}}'.encode()
    spot = f'{{"topic":"orderbook.1.BTCUSDT","ts":1,"type":"snapshot","data":{data}}}'.encode()
    assert RECORDED.family("", linear) == ("linear/orderbook.1.BTCUSDT", linear)
    assert RECORDED.family("", spot) == ("spot/orderbook.1.BTCUSDT", spot)
    assert RECORDED.family("spot/3", linear) == ("spot/orderbook.1.BTCUSDT", linear)
    assert RECORDED.family("", b'{"success":true,"op":"ping"}') is None
    assert [row.market for row in RECORDED.instruments("spot/orderbook.1.BTCUSDT")] == ["spot"]

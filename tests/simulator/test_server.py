"""Faults on request, as a client feels them, and what the simulator says about itself."""

import http.client
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from services.simulator.options import Options
from services.simulator.scenario import Event
from services.simulator.server import Simulator
from tests.simulator.client import closed, next_that, rest, say, socket, until

SPOT, OKX = "stream.binance.com/stream", "ws.okx.com/ws/v5/public"
QUOTES = {"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "ethusdt@bookTicker"], "id": 1}
BBO = {"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": "BTC-USDT"}]}


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("binance", "okx"), instruments=40, rate=400, keep=100_000)) as sim:
        yield sim


async def test_what_arrives_is_what_was_sent(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, QUOTES)
        got = [await ws.recv() for _ in range(60)][1:]
    _, state, _ = await rest(sim, "_sim/state?last=100000&topic=stream.binance.com/*")
    venue = state["venues"]["binance"]
    sent = [item["frame"] for item in venue["last"]]
    assert sent[: len(got)] == got
    assert sum(venue["topics"].values()) == len(sent) == venue["frames"]
    by_topic = Counter(item["topic"] for item in venue["last"])
    assert by_topic == {key: count for key, count in venue["topics"].items() if count}


async def test_the_table_of_quotes_is_what_rest_tells(sim: Simulator) -> None:
    sim.strike(Event(kind="freeze", venue="okx"))
    _, rows, _ = await rest(sim, "_sim/quotes?venue=okx")
    _, body, _ = await rest(sim, "www.okx.com/api/v5/market/tickers?instType=SPOT")
    told = {row["instId"]: float(row["bidPx"]) for row in body["data"]}
    known = {row["native"]: float(row["bid"]) for row in rows}
    assert told == {native: known[native] for native in told}
    assert all(row["market"] in ("spot", "perp", "inverse", "dated") for row in rows)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "storm"}, "storm"),
        ({"kind": "gap", "venue": "okx"}, "coin"),
        ({"kind": "freeze", "venue": "mars"}, "mars"),
        ({"kind": "drop", "odds": 1}, "odds"),
        ({"kind": "halt", "venue": "okx", "coin": "NOSUCH"}, "coin 'NOSUCH' is not played on okx"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_with_what_was_expected(
    sim: Simulator, body: object, words: str
) -> None:
    status, answer, _ = await rest(sim, "_sim/fault", body)
    assert status == 400
    assert words in answer["error"]


async def test_unknown_endpoints_name_the_known_ones(sim: Simulator) -> None:
    status, body, _ = await rest(sim, "_sim/nothing")
    assert status == 404
    assert "GET /_sim/state" in body["expected"]


async def test_a_blocked_venue_answers_with_the_status_given_and_the_other_does_not(sim: Simulator) -> None:
    sim.strike(Event(kind="block", venue="binance", status=451))
    status, _, _ = await rest(sim, "api.binance.com/api/v3/time")
    assert status == 451
    with pytest.raises(InvalidStatus, match="451"):
        await socket(sim, SPOT)
    status, _, _ = await rest(sim, "www.okx.com/api/v5/public/time")
    assert status == 200
    sim.clear("block")
    assert (await rest(sim, "api.binance.com/api/v3/time"))[0] == 200


async def test_a_rest_error_may_come_a_few_times_only(sim: Simulator) -> None:
    sim.strike(Event(kind="block", venue="okx", status=429, on="rest", count=2))
    answers = [await rest(sim, "www.okx.com/api/v5/public/time") for _ in range(3)]
    assert [status for status, _, _ in answers] == [429, 429, 200]
    assert answers[0][2]["Retry-After"] == "1"


async def test_a_redirect_names_another_place(sim: Simulator) -> None:
    sim.strike(Event(kind="redirect", venue="okx", location="http://127.0.0.1:1/elsewhere"))
    status, _, headers = await rest(sim, "www.okx.com/api/v5/public/time")
    assert (status, headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")


async def test_refused_handshakes_leave_rest_alone(sim: Simulator) -> None:
    sim.strike(Event(kind="refuse", venue="binance", count=1))
    assert (await rest(sim, "api.binance.com/api/v3/time"))[0] == 200
    with pytest.raises(InvalidStatus, match="503"):
        await socket(sim, SPOT)
    async with socket(sim, SPOT) as ws:
        await say(ws, QUOTES)
        await next_that(ws, lambda m: "data" in m)


async def test_an_outage_hangs_up_and_answers_nobody_until_it_is_over(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, QUOTES)
        await next_that(ws, lambda m: "data" in m)
        sim.strike(Event(kind="outage", venue="binance"))
        assert await closed(ws) == (None, "")
    with pytest.raises((InvalidHandshake, OSError, EOFError)):
        await socket(sim, SPOT)
    with pytest.raises(http.client.RemoteDisconnected):
        await rest(sim, "api.binance.com/api/v3/time")
    sim.clear()
    async with socket(sim, SPOT) as ws:
        await say(ws, QUOTES)
        await next_that(ws, lambda m: "data" in m)


async def test_a_frozen_venue_still_answers_pings_and_subscriptions_but_quotes_nothing(sim: Simulator) -> None:
    async with socket(sim, OKX) as ws:
        sim.strike(Event(kind="freeze", venue="okx"))
        await say(ws, BBO)
        assert json.loads(await ws.recv())["event"] == "subscribe"
        frames, events = sim.exchanges["okx"].feed.frames, sim.driver.events
        await ws.send("ping")
        assert await ws.recv() == "pong"
        await until(lambda: sim.driver.events > events + 30)
        assert sim.exchanges["okx"].feed.frames == frames
        sim.clear("freeze")
        await next_that(ws, lambda m: "data" in m)


async def test_a_stalled_venue_says_nothing_at_all_not_even_pong(sim: Simulator) -> None:
    async with socket(sim, OKX) as ws:
        sim.strike(Event(kind="stall", venue="okx"))
        await ws.send("ping")
        await until(lambda: any(each.heard > each.opened for each in sim.exchanges["okx"].feed.sockets))
        sim.clear("stall")
        await ws.send("ping")
        assert await ws.recv() == "pong"
        await say(ws, BBO)
        assert (await next_that(ws, lambda m: True))["event"] == "subscribe"


async def test_dropped_frames_are_counted_and_only_of_the_topics_named(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, QUOTES)
        await next_that(ws, lambda m: m.get("id") == 1)
        sim.strike(Event(kind="drop", venue="binance", topic="*btcusdt@bookTicker", count=5))
        await until(lambda: sim.exchanges["binance"].feed.counts["fault_drop"] == 5)
        streams = {(await next_that(ws, lambda m: "data" in m))["stream"] for _ in range(60)}
        assert streams == {"btcusdt@bookTicker", "ethusdt@bookTicker"}
        numbers: list[int] = []
        sim.strike(Event(kind="duplicate", venue="binance", topic="*btcusdt@bookTicker", count=1))
        while len(numbers) == len(set(numbers)):
            numbers.append((await next_that(ws, lambda m: m.get("stream") == "btcusdt@bookTicker"))["data"]["u"])


async def test_garbage_truncated_frames_and_a_close_with_a_code(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        await say(ws, QUOTES)
        await next_that(ws, lambda m: "data" in m)
        sim.strike(Event(kind="garbage", venue="binance", text="<html>"))
        while await ws.recv() != "<html>":
            pass
        sim.strike(Event(kind="garbage", venue="binance"))
        while not isinstance(await ws.recv(), bytes):
            pass
        sim.strike(Event(kind="truncate", venue="binance", count=1))
        with pytest.raises(json.JSONDecodeError):
            await next_that(ws, lambda m: False)
        sim.strike(Event(kind="close", venue="binance", code=1013, reason="try again"))
        assert await closed(ws) == (1013, "try again")


async def test_one_of_several_sockets_may_be_hit(sim: Simulator) -> None:
    async with socket(sim, SPOT) as first, socket(sim, SPOT) as second:
        await say(first, QUOTES)
        await say(second, {"method": "SUBSCRIBE", "params": ["bnbusdt@bookTicker"], "id": 1})
        await next_that(second, lambda m: "data" in m)
        sim.strike(Event(kind="abort", venue="binance", topic="*bnbusdt*"))
        assert await closed(second) == (None, "")
        await next_that(first, lambda m: "data" in m)


async def test_acknowledgements_may_be_late_or_missing(sim: Simulator) -> None:
    async with socket(sim, SPOT) as ws:
        sim.strike(Event(kind="slow_ack", venue="binance", delay_ms=2000, count=1))
        await say(ws, QUOTES)
        first = await next_that(ws, lambda m: True)
        assert "data" in first
        await next_that(ws, lambda m: m.get("id") == 1)
        sim.strike(Event(kind="no_ack", venue="binance", count=1))
        await say(ws, {**QUOTES, "id": 2})
        await say(ws, {**QUOTES, "id": 3})
        answered = await next_that(ws, lambda m: "id" in m)
        assert answered["id"] == 3


async def test_a_topic_may_be_refused_with_any_code(sim: Simulator) -> None:
    sim.strike(Event(kind="refuse_topic", topic="*BTC-USDT", code=64003, reason="VIP only"))
    async with socket(sim, OKX) as ws:
        await say(ws, BBO)
        answer = await next_that(ws, lambda m: "event" in m)
        assert (answer["event"], answer["code"], answer["msg"]) == ("error", "64003", "VIP only")


async def test_a_slow_answer_is_an_answer(sim: Simulator) -> None:
    sim.strike(Event(kind="slow_rest", venue="okx", delay_ms=100, count=1))
    status, body, _ = await rest(sim, "www.okx.com/api/v5/public/time")
    assert (status, body["code"]) == (200, "0")
    assert sim.exchanges["okx"].feed.counts["fault_slow_rest"] == 1

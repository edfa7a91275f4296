"""The terminal's socket against the real application: the observed reference exchange, and where we do better."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from services.api.cryexc.protocol import MAX_SUBSCRIPTIONS
from shared.bus import Redis
from tests.api.conftest import Api, message
from tests.api.market import instrument, put_instruments, put_trades, trade

BTC = "BTC/USDT:USDT"
NOW_S = 0


@pytest.fixture
async def listed(api: Api, redis_client: Redis) -> Api:
    await put_instruments(
        redis_client,
        *[instrument("binance"), instrument("binance", "spot"), instrument("okx", native="BTC-USDT-SWAP")],
        *[
            instrument("binance", base="ETH"),
            instrument("binance", base="PEPE", native="1000PEPEUSDT", multiplier="1000"),
        ],
    )
    state = api.context.state
    await api.until(lambda: set(state.directory.assets) == {"BTC", "ETH", "PEPE"})
    await api.until(lambda: set(state.directory.by_venue) == {"binance", "okx"})
    return api


def transcript(captures: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((captures / "cryexc" / "reference_transcript.json").read_text())["ws"]
    return found


async def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def silence(socket: ClientConnection) -> None:
    """Nothing more stands in the pipe: a pong comes first."""
    await say(socket, "ping")
    assert (await message(socket))["type"] == "pong"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test counts from its own minute: a long run must not carry its trades out of a view's fifteen."""
    monkeypatch.setitem(globals(), "NOW_S", int(time.time()) // 60 * 60)


def at(second: float, trade_id: str, side: str, price: str, size: str, symbol: str = BTC) -> Any:
    return trade(symbol, price, size, side, trade_id, int((NOW_S + second) * 1_000_000_000))


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/"])
async def test_it_is_reached_on_every_path_that_a_user_types(listed: Api, path: str) -> None:
    async with listed.socket(path) as socket:
        await silence(socket)


async def test_it_answers_as_the_reference_server_was_seen_to(listed: Api, captures: Path, redis_client: Redis) -> None:
    steps = transcript(captures)
    wanted = [
        step
        for step in steps
        if step["step"]
        in (
            "ping",
            "unsub unknown",
            "trade sub",
            "trade update",
            "trade with instanceId",
            "trade unsub",
            "trade unsub w2",
        )
    ]
    assert len(wanted) == 7
    async with listed.socket("/ws") as socket:
        for step in wanted:
            await socket.send(json.dumps(step["sent"]))
            for expected in step["received"]:
                assert await message(socket) == expected, step["step"]
            await silence(socket)


async def test_frames_have_every_field_of_the_reference(listed: Api, captures: Path, redis_client: Redis) -> None:
    steps = {
        step["step"]: step for step in json.loads((captures / "cryexc" / "reference_transcript.json").read_text())["ws"]
    }
    async with listed.socket("/ws") as socket:
        for name in ("trade sub", "cvd sub"):
            await socket.send(json.dumps(steps[name]["sent"]))
        await message(socket, "cvd_historical")
        await put_trades(redis_client, "binance", 0, at(0, "1", "buy", "100001.0", "1.0"))
        reference = steps["trade events"]["received"][0]
        found = await message(socket, "trade")
        assert set(reference["data"]) <= set(found["data"])
        same = [name for name in reference["data"] if name != "timestamp"]
        assert [found["data"][name] for name in same] == [reference["data"][name] for name in same]
        await socket.send(json.dumps(steps["cvd update raw"]["sent"]))
        again = await message(socket, "cvd_historical")
        reference = steps["cvd update raw"]["received"][0]
        assert set(reference["data"][0]) == set(again["data"][0])
        assert again["instanceId"] == "cvd-1"


async def test_an_identity_replaces_and_an_instance_id_adds(listed: Api, redis_client: Redis) -> None:
    async with listed.socket("/ws") as socket:
        batch = [
            {"stream": "trade", "config": {"symbol": "ETHUSDT"}},
            {"stream": "trade", "config": {"symbol": "BTCUSDT", "exchanges": ["binancef"]}},
            {"stream": "trade", "instanceId": "w2", "config": {"symbol": "BTCUSDT"}},
        ]
        await say(socket, "stream_subscribe_batch", subscriptions=batch)
        assert [(await message(socket)).get("instanceId") for _ in batch] == [None, None, "w2"]
        await listed.until(lambda: listed.context.tail.reading)
        eth = at(0, "9", "buy", "1", "1", "ETH/USDT:USDT")
        await put_trades(redis_client, "binance", 0, eth, at(0, "1", "buy", "10", "1"))
        found = [await message(socket), await message(socket)]
        assert [(one["data"]["symbol"], one.get("instanceId")) for one in found] == [
            ("BTCUSDT", None),
            ("BTCUSDT", "w2"),
        ]
        await put_trades(redis_client, "okx", 0, at(0, "1", "sell", "10", "1"))
        found = [await message(socket)]
        assert (found[0]["data"]["exchange"], found[0]["instanceId"]) == ("okxf", "w2")
        await silence(socket)


async def test_filters_and_repeated_prints(listed: Api, redis_client: Redis) -> None:
    async with listed.socket("/ws") as socket:
        config = {"symbol": "BTCUSDT", "minNotional": 100, "side": "sell"}
        await say(socket, "stream_subscribe", stream="trade", config=config)
        await message(socket, "subscribed")
        await listed.until(lambda: listed.context.tail.reading)
        wanted = at(0, "3", "sell", "100", "1")
        prints = [at(0, "1", "buy", "100", "5"), at(0, "2", "sell", "99.9", "1"), wanted, wanted]
        await put_trades(redis_client, "binance", 0, *prints)
        await put_trades(redis_client, "binance", 0, *prints)
        await put_trades(redis_client, "binance", 1, at(0, "4", "sell", "0", "1"), at(0, "5", "sell", "200", "1"))
        found = [await message(socket), await message(socket)]
        assert [one["data"]["id"] for one in found] == ["3", "5"]
        await silence(socket)


async def test_history_and_live_make_one_series_without_a_hole_or_a_double(listed: Api, redis_client: Redis) -> None:
    for number in range(50):
        await put_trades(redis_client, "binance", number, at(-600 + number, f"h{number}", "buy", "2", "1"))
    async with listed.socket("/ws") as socket:
        config = {"symbol": "BTCUSDT", "exchanges": ["binancef"], "interval": "raw", "timeRange": "15m"}

        async def keep_writing() -> None:
            for number in range(50, 250):
                await put_trades(redis_client, "binance", number, at(-600 + number, f"h{number}", "buy", "2", "1"))

        writing = asyncio.create_task(keep_writing())
        await say(socket, "stream_subscribe", stream="cvd", config=config)
        assert (await message(socket))["type"] == "subscribed"
        history = await message(socket)
        assert history["type"] == "cvd_historical"
        bars = {point["timestamp"]: point["value"] for point in history["data"]}
        await writing
        while len(bars) < 250:
            point = (await message(socket, "cvd"))["data"]
            bars[point["timestamp"]] = point["value"]
        assert [bars[at_] for at_ in sorted(bars)] == [2 * (number + 1) for number in range(250)]
        assert history["coverageStart"] == (NOW_S - 600) * 1000


async def test_the_older_window_form_and_the_native_scale(listed: Api, redis_client: Redis) -> None:
    pepe = "PEPE/USDT:USDT"
    await put_trades(redis_client, "binance", 0, at(-300, "1", "buy", "0.00001", "1000000", pepe))
    async with listed.socket("/") as socket:
        await say(socket, "stream_subscribe", stream="cvd", config={"symbol": "PEPEUSDT", "window": "5min"})
        await message(socket, "subscribed")
        point = (await message(socket, "cvd_historical"))["data"]
        assert (point["cvd"], point["delta"], point["buyVolume"], point["sellVolume"]) == (10, 10, 10, 0)
        await say(socket, "stream_subscribe", stream="trade", config={"symbol": "1000pepeusdt"})
        await message(socket, "subscribed")
        await put_trades(redis_client, "binance", 1, at(0, "2", "buy", "0.00001", "1000000", pepe))
        found = (await message(socket, "trade"))["data"]
        assert (found["symbol"], found["price"], found["qty"], found["quoteQty"]) == ("1000PEPEUSDT", 0.01, 1000, 10)


async def test_bad_input_is_told_and_the_socket_stays(listed: Api) -> None:
    async with listed.socket("/ws") as socket:
        for frame in ("{", "\x00", "[]", '{"type":"nope"}', '{"type":"stream_subscribe","stream":"wat","config":{}}'):
            await socket.send(frame)
            error = await message(socket)
            assert (error["type"], error["message"]) == ("error", error["error"])
        await socket.send(b"\xff\xfe")
        assert (await message(socket))["code"] == "invalid_json"
        for field, config in (
            ("config.symbol", {"symbol": "NOSUCH"}),
            ("config.exchanges", {"symbol": "BTCUSDT", "exchanges": ["nyse"]}),
        ):
            await say(socket, "stream_subscribe", stream="trade", instanceId="a", config=config)
            error = await message(socket)
            assert (error["field"], error["stream"], error["instanceId"]) == (field, "trade", "a")
        await silence(socket)


async def test_subscriptions_are_limited_per_connection(listed: Api) -> None:
    async with listed.socket("/ws") as socket:
        for number in range(MAX_SUBSCRIPTIONS + 1):
            await say(socket, "stream_subscribe", stream="trade", instanceId=str(number), config={"symbol": "BTCUSDT"})
        found = [await message(socket) for _ in range(MAX_SUBSCRIPTIONS + 1)]
        assert [one["type"] for one in found] == ["subscribed"] * MAX_SUBSCRIPTIONS + ["error"]
        assert found[-1]["code"] == "too_many_subscriptions"


async def test_a_symbol_that_nobody_watches_is_let_go(listed: Api, redis_client: Redis) -> None:
    tail = listed.context.tail
    async with listed.socket("/ws") as one, listed.socket("/ws") as two:
        for socket in (one, two):
            await say(socket, "stream_subscribe", stream="trade", config={"symbol": "BTCUSDT", "exchanges": ["okxf"]})
            await message(socket, "subscribed")
        assert tail.watched == [("okx", BTC)]
        await say(one, "stream_update", stream="trade", config={"symbol": "ETHUSDT"})
        await silence(one)
        assert tail.watched == [("binance", "ETH/USDT:USDT"), ("okx", BTC)]
        await listed.until(lambda: tail.reading)
    await listed.until(lambda: tail.watched == [])
    score = await redis_client.zscore("demand:okx:trade", BTC)
    seconds, _ = await redis_client.time()
    assert score is not None
    assert score < (seconds + 60) * 1000


async def test_who_comes_before_the_listings_is_served_when_they_are_there(api: Api, redis_client: Redis) -> None:
    async with api.socket("/ws") as socket:
        await say(socket, "stream_subscribe", stream="trade", config={"symbol": "BTCUSDT"})
        await say(socket, "stream_subscribe", stream="trade", instanceId="x", config={"symbol": "NOSUCH"})
        assert [(await message(socket))["type"] for _ in range(2)] == ["subscribed", "subscribed"]
        await put_instruments(redis_client, instrument("binance"))
        error = await message(socket)
        assert (error["code"], error["instanceId"]) == ("unknown_symbol", "x")
        await api.until(lambda: api.context.tail.reading)
        await put_trades(redis_client, "binance", 0, at(0, "1", "buy", "1", "1"))
        assert (await message(socket, "trade"))["data"]["exchange"] == "binancef"

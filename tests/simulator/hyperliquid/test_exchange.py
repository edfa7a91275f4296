"""Hyperliquid's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import base64
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.hyperliquid.recorded import RECORDED
from services.simulator.options import Options, Rules
from services.simulator.recorded import Answer
from services.simulator.server import Simulator
from tests.simulator.client import closed, next_that, rest, say, socket, spares

PATH = "api.hyperliquid.xyz/ws"
INFO = "api.hyperliquid.xyz/info"
NAME = "hyperliquid"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    rules = Rules(own={"hyperliquid.contexts_s": 0.5, "hyperliquid.fast_s": 0.2, "hyperliquid.slow_s": 0.4})
    async with Simulator(Options(venues=(NAME,), instruments=60, rate=400, rules=rules)) as sim:
        yield sim


def asking(kind: str, method: str = "subscribe", **more: object) -> dict[str, object]:
    return {"method": method, "subscription": {"type": kind, **more}}


def of(channel: str) -> Any:
    return lambda message: message.get("channel") == channel


async def answered(ws: Any, message: object) -> Any:
    await say(ws, message)
    return await next_that(ws, lambda m: m["channel"] in ("subscriptionResponse", "error"))


async def info(sim: Simulator, kind: str, **more: object) -> Any:
    status, body, _ = await rest(sim, INFO, {"type": kind, **more})
    assert status == 200
    return body


def inflated(message: Any) -> dict[str, dict[str, str | None]]:
    made: dict[str, dict[str, str | None]] = json.loads(zlib.decompress(base64.b64decode(message["data"]), wbits=-15))
    return made


async def test_an_answer_fills_in_what_was_left_out(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        answer = await answered(ws, asking("l2Book", coin="BTC"))
        filled = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": False}
        assert answer == {"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": filled}}
        again = await answered(ws, asking("l2Book", coin="BTC"))
        assert again == {"channel": "error", "data": f"Already subscribed: {json.dumps(filled, separators=(',', ':'))}"}
        ended = await answered(ws, asking("l2Book", "unsubscribe", coin="BTC"))
        assert ended["data"]["method"] == "unsubscribe"
        assert (await answered(ws, asking("bbo", "unsubscribe", coin="BTC")))["data"].startswith("Already unsubscribed")


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        '{"method":"subscribe"}',
        '{"method":"fly"}',
        '{"method":"subscribe","subscription":{"type":"nothing"}}',
        '{"method":"subscribe","subscription":{"type":"bbo"}}',
        '{"method":"subscribe","subscription":{"type":"bbo","coin":["BTC","ETH"]}}',
    ],
)
async def test_what_cannot_be_read_is_repeated_and_the_socket_stays(sim: Simulator, text: str) -> None:
    async with socket(sim, PATH) as ws:
        answer = await answered(ws, text)
        assert answer["data"] == f"Error parsing JSON into valid websocket request: {text}"
        await say(ws, {"method": "ping"})
        assert await next_that(ws, of("pong")) == {"channel": "pong"}


@pytest.mark.parametrize(
    "asked",
    [
        asking("bbo", coin="NOPE"),
        asking("bbo", coin="btc"),
        asking("trades", coin="XYZ:TSLA"),
        asking("trades", coin="TSLA"),
        asking("l2Book", coin="BTC", nSigFigs=6),
        asking("l2Book", coin="BTC", nSigFigs=4, mantissa=2),
    ],
)
async def test_an_unknown_coin_cuts_the_socket_without_a_word(sim: Simulator, asked: dict[str, object]) -> None:
    async with socket(sim, PATH) as ws:
        assert (await answered(ws, asking("bbo", coin="ETH")))["channel"] == "subscriptionResponse"
        await say(ws, asked)
        assert await closed(ws) == (None, "")


async def test_a_socket_that_was_sent_nothing_is_cut_and_pings_keep_it() -> None:
    rules = Rules(own={"hyperliquid.silent_s": 0.6}, idle_s=0.4)
    options = Options(venues=(NAME,), instruments=20, rate=0, rules=rules)
    async with Simulator(options) as sim, socket(sim, PATH) as ws:
        assert await closed(ws) == (None, "")
    async with Simulator(Options(venues=(NAME,), instruments=20, rate=0)) as sim, socket(sim, PATH) as ws:
        (one,) = sim.exchanges[NAME].feed.sockets
        await say(ws, {"method": "ping"})
        await next_that(ws, of("pong"))
        assert one.spoke > one.opened
        assert spares(sim, one.opened + 60.0)
        assert not spares(sim, one.spoke + 60.0)
        assert await closed(ws) == (None, "")


async def test_an_address_has_so_many_connections_subscriptions_and_messages() -> None:
    own = {"hyperliquid.connections": 2, "hyperliquid.subscriptions": 3, "hyperliquid.messages": 6}
    async with (
        Simulator(Options(venues=(NAME,), instruments=20, rules=Rules(own=own))) as sim,
        socket(sim, PATH) as ws,
        socket(sim, PATH) as other,
    ):
        with pytest.raises(InvalidStatus):
            await socket(sim, PATH)
        for coin in ("BTC", "ETH"):
            assert (await answered(ws, asking("trades", coin=coin)))["channel"] == "subscriptionResponse"
        assert (await answered(other, asking("trades", coin="BTC")))["channel"] == "subscriptionResponse"
        assert (await answered(other, asking("trades", coin="ETH")))["data"].startswith("Cannot subscribe to more")
        await answered(other, asking("trades", "unsubscribe", coin="BTC"))
        await answered(other, asking("trades", coin="ETH"))
        assert (await answered(other, asking("trades", coin="SOL")))["data"] == "Too many messages sent"


async def test_new_connections_are_counted_by_the_minute() -> None:
    own = {"hyperliquid.connects": 2}
    async with Simulator(Options(venues=(NAME,), instruments=20, rules=Rules(own=own))) as sim:
        for _ in range(2):
            async with socket(sim, PATH):
                pass
        with pytest.raises(InvalidStatus):
            await socket(sim, PATH)


async def test_the_best_prices_come_when_they_change_and_books_over_and_over(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        await say(ws, asking("bbo", coin="BTC"))
        first = (await next_that(ws, of("bbo")))["data"]
        assert first["coin"] == "BTC"
        assert float(first["bbo"][0]["px"]) < float(first["bbo"][1]["px"])
        await say(ws, asking("l2Book", coin="kPEPE", fast=True))
        fast = [(await next_that(ws, of("l2Book")))["data"] for _ in range(4)]
        assert [len(side) for side in fast[0]["levels"]] == [5, 5]
        assert len({book["time"] for book in fast[1:]}) == 3  # the first may come with the second
    async with socket(sim, PATH) as ws:
        await say(ws, asking("l2Book", coin="BTC"))
        book = (await next_that(ws, of("l2Book")))["data"]
        assert [len(side) for side in book["levels"]] == [20, 20]
        bids, asks = ([float(level["px"]) for level in side] for side in book["levels"])
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]


async def test_trades_begin_with_the_last_ones(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        await say(ws, asking("trades", coin="BTC"))
        live = [(await next_that(ws, of("trades")))["data"] for _ in range(3)]
        async with socket(sim, PATH) as late:
            await say(late, asking("trades", coin="BTC"))
            replayed = (await next_that(late, of("trades")))["data"]
        known = {row["tid"] for frame in live for row in frame}
        assert known <= {row["tid"] for row in replayed}
        assert {row["side"] for row in replayed} <= {"A", "B"}


async def test_contexts_of_everything_are_in_the_places_of_the_metas(sim: Simulator) -> None:
    metas, spot = await info(sim, "allPerpMetas"), await info(sim, "spotMeta")
    async with socket(sim, PATH) as ws:
        await say(ws, asking("allDexsAssetCtxs"))
        contexts = (await next_that(ws, of("allDexsAssetCtxs")))["data"]["ctxs"]
        assert [dex for dex, _ in contexts] == ["", "xyz", "flx", "km"]
        assert [len(rows) for _, rows in contexts] == [len(meta["universe"]) for meta in metas]
        await say(ws, asking("fastAssetCtxs"))
        first = inflated(await next_that(ws, of("fastAssetCtxs")))
        names = {row["name"] for meta in metas for row in meta["universe"]} | {row["name"] for row in spot["universe"]}
        assert first.keys() == names
        await next_that(ws, of("fastAssetCtxs"))  # all once more, as nothing was sent to all before
        changed = inflated(await next_that(ws, of("fastAssetCtxs")))
        assert changed.keys() <= names
        assert all(fields for fields in changed.values())
        closed_row = next(row for row in metas[0]["universe"] if row.get("isDelisted"))
        assert first[closed_row["name"]]["markPx"]


async def test_one_context_has_the_channel_of_its_market(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        await say(ws, asking("activeAssetCtx", coin="BTC"))
        perp = (await next_that(ws, of("activeAssetCtx")))["data"]
        assert (perp["coin"], set(perp["ctx"]) >= {"funding", "oraclePx", "openInterest"}) == ("BTC", True)
        await say(ws, asking("activeAssetCtx", coin="PURR/USDC"))
        spot = (await next_that(ws, of("activeSpotAssetCtx")))["data"]
        assert (spot["coin"], "funding" in spot["ctx"]) == ("PURR/USDC", False)
        await say(ws, asking("allMids"))
        assert "BTC" in (await next_that(ws, of("allMids")))["data"]["mids"]


async def test_listings_name_tokens_collateral_and_what_is_gone(sim: Simulator) -> None:
    metas, spot = await info(sim, "allPerpMetas"), await info(sim, "spotMeta")
    tokens = {token["index"]: token["name"] for token in spot["tokens"]}
    assert [tokens[meta["collateralToken"]] for meta in metas] == ["USDC", "USDC", "USDC", "USDH"]
    assert [row["name"] for row in metas[2]["universe"] if row.get("isDelisted")] == ["flx:GOLD"]
    names = {row["name"]: tuple(tokens[index] for index in row["tokens"]) for row in spot["universe"]}
    assert names["PURR/USDC"] == ("PURR", "USDC")
    assert ("UBTC", "USDC") in names.values()
    assert ("UBTC", "USDT0") in names.values()
    assert await info(sim, "meta", dex="xyz") == metas[1]
    assert await info(sim, "meta", dex="nope") is None
    assert ["xyz:TSLA", "stocks"] in await info(sim, "perpCategories")
    assert [dex and dex["name"] for dex in await info(sim, "perpDexs")] == [None, "xyz", "flx", "km"]
    contexts = {row["coin"]: row["midPx"] for row in (await info(sim, "spotMetaAndAssetCtxs"))[1]}
    assert contexts.keys() == names.keys()
    assert None in contexts.values()  # a pair that nobody makes a market of


async def test_books_mids_contexts_prints_and_payments_are_asked_for(sim: Simulator) -> None:
    book = await info(sim, "l2Book", coin="xyz:TSLA")
    assert (book["coin"], [len(side) for side in book["levels"]]) == ("xyz:TSLA", [20, 20])
    assert await info(sim, "l2Book", coin="NOPE") is None
    meta, contexts = await info(sim, "metaAndAssetCtxs")
    assert len(meta["universe"]) == len(contexts)
    assert "BTC" in await info(sim, "allMids")
    assert all(name.startswith("xyz:") for name in await info(sim, "allMids", dex="xyz"))
    assert isinstance(await info(sim, "recentTrades", coin="BTC"), list)
    start = 1_790_000_000_000
    paid = await info(sim, "fundingHistory", coin="BTC", startTime=start, endTime=start + 5 * 3_600_000)
    assert len(paid) == 5
    assert all(row["time"] % 3_600_000 < 100 and row["coin"] == "BTC" for row in paid)
    assert len(await info(sim, "fundingHistory", coin="BTC", startTime=1_700_000_000_000)) == 500


async def test_rest_counts_weights_and_refuses_what_it_does_not_know() -> None:
    rules = Rules(own={"hyperliquid.weight": 50})
    async with Simulator(Options(venues=(NAME,), instruments=20, rules=rules)) as sim:
        assert (await rest(sim, "api.hyperliquid.xyz/other", {"type": "meta"}))[0] == 404
        assert (await rest(sim, INFO))[0] == 405
        assert [(await rest(sim, INFO, {"type": "allMids"}))[0] for _ in range(5)] == [200] * 5
        assert [(await rest(sim, INFO, {"type": "meta"}))[0] for _ in range(3)] == [200, 200, 429]


async def test_a_blast_carries_its_numbers(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        await answered(ws, asking("bbo", coin="BTC"))
        await answered(ws, asking("trades", coin="BTC"))
        exchange = sim.exchanges[NAME]
        (one,) = exchange.feed.sockets
        assert sorted(channel for channel, _ in exchange.blasts(one)) == ["bbo", "trades"]
        for channel, row in exchange.blasts(one):
            frame = msgspec.json.decode(exchange.blast(channel, row, "900000000000001", "1790000000000"))
            data = frame["data"] if channel == "bbo" else frame["data"][0]
            assert data["time"] == 1_790_000_000_000
            assert (data["bbo"][0]["n"] if channel == "bbo" else data["tid"]) == 900_000_000_000_001


def test_recorded_frames_and_listings_are_told_by_their_form() -> None:
    for frame, family in (
        ({"channel": "bbo", "data": {"coin": "xyz:TSLA"}}, "bbo:xyz:TSLA"),
        ({"channel": "trades", "data": [{"coin": "@107"}]}, "trades:@107"),
        ({"channel": "activeSpotAssetCtx", "data": {"coin": "@107"}}, "activeAssetCtx:@107"),
        ({"channel": "fastAssetCtxs", "data": "x"}, "fastAssetCtxs"),
    ):
        text = msgspec.json.encode(frame)
        assert RECORDED.looks(text)
        assert RECORDED.family("", text) == (family, text)
    for nothing in (b'{"channel":"pong"}', b'{"channel":"trades","data":[]}', b"pong", b'{"channel":"bbo","data":5}'):
        assert RECORDED.family("", nothing) is None
    metas = b'[{"universe":[{"name":"BTC"}]},{"universe":[{"name":"xyz:TSLA"}]}]'

    def answer(kind: str, body: bytes) -> Answer:
        return Answer(0.0, NAME, "", "/info", frozenset({("type", kind)}), body)

    assert [row.native for row in RECORDED.listed(answer("allPerpMetas", metas))] == ["BTC", "xyz:TSLA"]
    (pair,) = RECORDED.listed(answer("spotMeta", b'{"universe":[{"name":"@107"}]}'))
    assert (pair.native, pair.market) == ("@107", "spot")
    assert RECORDED.listed(answer("l2Book", metas)) == []
    assert RECORDED.listed(answer("meta", b"x")) == []
    assert [row.market for row in RECORDED.instruments("bbo:@107")] == ["spot"]
    assert [row.market for row in RECORDED.instruments("bbo:xyz:TSLA")] == ["perp"]

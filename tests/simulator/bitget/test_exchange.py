"""Bitget's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import json
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.bitget.recorded import RECORDED
from services.simulator.options import Options, Rules
from services.simulator.recorded import Answer
from services.simulator.server import Simulator
from tests.simulator.client import asked, closed, next_that, rest, say, socket, spares

V2, V3 = "ws.bitget.com/v2/ws/public", "ws.bitget.com/v3/ws/public"
SPOT, MIX, UNIFIED = "api.bitget.com/api/v2/spot", "api.bitget.com/api/v2/mix/market", "api.bitget.com/api/v3/market"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("bitget",), instruments=60, rate=400)) as sim:
        yield sim


def classic(channel: str, product: str = "USDT-FUTURES", native: str = "BTCUSDT") -> dict[str, str]:
    return {"instType": product, "channel": channel, "instId": native}


def unified(topic: str, product: str = "usdt-futures", native: str = "BTCUSDT") -> dict[str, str]:
    return {"instType": product, "topic": topic, "symbol": native}


def ask(*args: dict[str, str], op: str = "subscribe") -> dict[str, object]:
    return {"op": op, "args": args}


def of(arg: dict[str, str], action: str = "") -> Any:
    return lambda message: "data" in message and message["arg"] == arg and action in ("", message["action"])


async def answered(ws: Any, message: object) -> Any:
    await say(ws, message)
    return await next_that(ws, lambda m: "event" in m)


async def test_each_argument_is_acknowledged_by_itself(sim: Simulator) -> None:
    async with socket(sim, V2) as ws:
        assert await answered(ws, ask(classic("books1"))) == {"event": "subscribe", "arg": classic("books1")}
        await say(ws, ask(classic("ticker"), classic("trade", "SPOT"), classic("trade", "USDC-FUTURES", "BTCPERP")))
        events = [await next_that(ws, lambda m: "event" in m) for _ in range(3)]
        assert [event["arg"]["instType"] for event in events] == ["USDT-FUTURES", "SPOT", "USDC-FUTURES"]
        answer = await answered(ws, ask(classic("books1"), op="unsubscribe"))
        assert answer == {"event": "unsubscribe", "arg": classic("books1")}
    async with socket(sim, V3) as ws:
        answer = await answered(ws, ask(unified("ticker")))
        assert (answer["event"], answer["arg"], len(answer["connId"])) == ("subscribe", unified("ticker"), 8)


@pytest.mark.parametrize(
    "arg",
    [
        classic("books1", native="NOPEUSDT"),
        classic("books2"),
        classic("books1", "usdt-futures"),
        classic("books1", "SPOT", "BTCPERP"),
        classic("ticker", "USDC-FUTURES", "BTCUSDT"),
        classic("ticker", "SPOT", "NEWCOUSDT"),
    ],
)
async def test_an_argument_that_is_wrong_is_refused_and_the_others_stand(sim: Simulator, arg: dict[str, str]) -> None:
    async with socket(sim, V2) as ws:
        await say(ws, ask(classic("trade"), arg))
        await next_that(ws, lambda m: m.get("event") == "subscribe")
        refused = await next_that(ws, lambda m: m.get("event") == "error")
        assert (refused["code"], refused["arg"]) == (30001, arg)
        assert refused["msg"].endswith("doesn't exist")
        assert f"instId:{arg['instId']}" in refused["msg"]


async def test_v3_has_no_small_books_and_says_its_codes_as_texts(sim: Simulator) -> None:
    async with socket(sim, V3) as ws:
        assert (await answered(ws, ask(unified("books5"))))["code"] == "30001"
        assert (await answered(ws, ask(unified("ticker", "USDT-FUTURES"))))["code"] == "30001"


@pytest.mark.parametrize(("text", "code"), [("[]", 30016), ("{", 30016), ('{"op":"login","args":[{}]}', 30003)])
async def test_what_is_no_request_is_refused(sim: Simulator, text: str, code: int) -> None:
    async with socket(sim, V2) as ws:
        assert (await answered(ws, text))["code"] == code


async def test_books1_is_a_whole_picture_each_time(sim: Simulator) -> None:
    async with socket(sim, V2) as ws:
        await say(ws, ask(classic("books1")))
        pushes = [await next_that(ws, of(classic("books1"), "snapshot")) for _ in range(5)]
        assert {(len(push["data"][0]["asks"]), len(push["data"][0]["bids"])) for push in pushes} == {(1, 1)}
        assert all(late["data"][0]["seq"] > early["data"][0]["seq"] for early, late in pairwise(pushes))
        assert all(push["data"][0]["pseq"] == 0 for push in pushes)


@pytest.mark.parametrize(("path", "arg"), [(V2, classic("books")), (V3, unified("books"))])
async def test_each_change_of_a_book_names_the_number_before(sim: Simulator, path: str, arg: dict[str, str]) -> None:
    async with socket(sim, path) as ws:
        await say(ws, ask(arg))
        first = await next_that(ws, of(arg))
        assert (first["action"], first["data"][0]["pseq"]) == ("snapshot", 0)
        rows = [first["data"][0], *[(await next_that(ws, of(arg, "update")))["data"][0] for _ in range(4)]]
        assert all(late["pseq"] == early["seq"] for early, late in pairwise(rows))
        assert all(("checksum" in row) == (path == V3) for row in rows)
        assert path == V2 or (rows[0]["checksum"] == 0 and all(row["checksum"] for row in rows[1:]))


async def test_trades_begin_with_the_last_ones_and_go_on_one_by_one(sim: Simulator) -> None:
    arg = classic("trade")
    async with socket(sim, V2) as ws:
        await say(ws, ask(arg))
        first = await next_that(ws, of(arg))
        assert first["action"] == "snapshot"
        stamps = [int(row["ts"]) for row in first["data"]]
        assert stamps == sorted(stamps, reverse=True)
        made = await next_that(ws, of(arg, "update"))
        assert len(made["data"]) == 1
        assert int(made["data"][0]["tradeId"]) > int(first["data"][0]["tradeId"])


async def test_a_ticker_says_everything_and_moves_although_nobody_quotes() -> None:
    async with Simulator(Options(venues=("bitget",), instruments=60, rate=0)) as sim, socket(sim, V2) as ws:
        await say(ws, ask(classic("ticker"), classic("ticker", "SPOT")))
        perp = (await next_that(ws, of(classic("ticker"))))["data"][0]
        spot = (await next_that(ws, of(classic("ticker", "SPOT"))))["data"][0]
        assert set(perp) - set(spot) >= {"fundingRate", "nextFundingTime", "markPrice", "indexPrice", "holdingAmount"}
        again = (await next_that(ws, of(classic("ticker"))))["data"][0]
        assert set(again) == set(perp)
        assert int(again["ts"]) > int(perp["ts"])


async def test_liquidations_come_for_a_whole_product_with_their_worth() -> None:
    async with Simulator(Options(venues=("bitget",), instruments=60, rate=400)) as sim, socket(sim, V3) as ws:
        arg = {"instType": "usdt-futures", "topic": "liquidation"}
        assert (await answered(ws, ask(arg)))["arg"] == arg
        row = (await next_that(ws, of(arg, "update")))["data"][0]
        assert set(row) == {"symbol", "side", "price", "amount", "ts"}
        assert float(row["amount"]) > 0


async def test_a_ping_is_answered_and_without_one_the_connection_ends(sim: Simulator) -> None:
    async with socket(sim, V2) as ws:
        (one,) = sim.exchanges["bitget"].feed.sockets
        await ws.send("ping")
        assert await ws.recv() == "pong"
        assert one.pinged > one.opened
        await say(ws, ask(classic("books1")))
        await next_that(ws, of(classic("books1")))
        assert spares(sim, one.opened + 120.0)
        assert not spares(sim, one.pinged + 120.0)
        assert await closed(ws) == (1000, "no ping")


async def test_too_many_messages_in_a_second_end_the_connection(sim: Simulator) -> None:
    async with socket(sim, V2) as ws:
        for _ in range(11):
            await ws.send("ping")
        assert (await closed(ws))[0] == 1008


async def test_too_many_requests_in_an_hour_end_the_connection() -> None:
    rules = Rules(own={"bitget.requests_per_hour": 2})
    async with Simulator(Options(venues=("bitget",), instruments=60, rules=rules)) as sim, socket(sim, V2) as ws:
        for channel in ("books1", "ticker"):
            assert (await answered(ws, ask(classic(channel))))["event"] == "subscribe"
        refused = await answered(ws, ask(classic("trade")))
        assert (refused["code"], refused["msg"]) == (30007, "request over limit,connection close")
        assert (await closed(ws))[0] == 1008


async def test_more_connections_than_an_address_may_have_are_refused() -> None:
    rules = Rules(own={"bitget.connections": 2})
    async with Simulator(Options(venues=("bitget",), instruments=60, rules=rules)) as sim:
        async with socket(sim, V2), socket(sim, V3):
            with pytest.raises(InvalidStatus):
                await socket(sim, V2)
        with pytest.raises(InvalidStatus):
            await socket(sim, "ws.bitget.com/spot/v1/stream")  # v1 is gone


async def test_a_connection_ends_at_its_age() -> None:
    rules = Rules(lifetime_s=1.0)
    async with Simulator(Options(venues=("bitget",), instruments=60, rules=rules)) as sim, socket(sim, V2) as ws:
        assert await closed(ws) == (1000, "24 hours")


async def test_listings_name_what_trades_and_the_odd_rows(sim: Simulator) -> None:
    _, spot, _ = await rest(sim, f"{SPOT}/public/symbols")
    _, usdt, _ = await rest(sim, f"{MIX}/contracts?productType=USDT-FUTURES")
    _, coin, _ = await rest(sim, f"{MIX}/contracts?productType=coin-futures")
    assert {row["status"] for row in spot["data"]} == {"online", "gray", "halt"}
    assert {row["symbolStatus"] for row in usdt["data"]} == {"normal", "maintain", "off"}
    assert {row["symbolType"] for row in usdt["data"]} == {"perpetual", "delivery"}
    assert {row["quoteCoin"] for row in coin["data"]} == {"USD"}
    _, kinds, _ = await rest(sim, f"{UNIFIED}/instruments?category=USDT-FUTURES")
    assert {row["symbolType"] for row in kinds["data"]} == {"crypto", "stock", "commodity"}


async def test_books_are_texts_on_spot_and_numbers_on_contracts(sim: Simulator) -> None:
    _, spot, _ = await rest(sim, f"{SPOT}/market/orderbook?symbol=BTCUSDT&type=step0&limit=5")
    _, perp, _ = await rest(sim, f"{MIX}/merge-depth?productType=USDT-FUTURES&symbol=BTCUSDT&limit=5")
    assert [len(body["data"]["asks"]) for body in (spot, perp)] == [5, 5]
    assert isinstance(spot["data"]["asks"][0][0], str)
    assert isinstance(perp["data"]["asks"][0][0], float)


async def test_rates_of_a_product_come_at_once_and_payments_in_pages(sim: Simulator) -> None:
    _, rates, _ = await rest(sim, f"{MIX}/current-fund-rate?productType=USDC-FUTURES")
    assert {row["fundingRateInterval"] for row in rates["data"]} <= {"1", "4", "8"}
    path = f"{MIX}/history-fund-rate?productType=USDT-FUTURES&symbol=BTCUSDT&pageSize=10"
    pages = [(await rest(sim, f"{path}&pageNo={page}"))[1]["data"] for page in (1, 2)]
    stamps = [int(row["fundingTime"]) for page in pages for row in page]
    assert len(stamps) == 20
    assert stamps == sorted(set(stamps), reverse=True)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{MIX}/contracts", 400, "400172"),
        (f"{MIX}/contracts?productType=NOPE", 400, "40020"),
        (f"{MIX}/history-fund-rate?productType=USDT-FUTURES", 400, "400172"),
        (f"{MIX}/ticker?productType=USDT-FUTURES&symbol=NOPE", 400, "40034"),
        (f"{MIX}/merge-depth?productType=USDT-FUTURES&symbol=BTCUSDT&limit=x", 400, "400172"),
        (f"{MIX}/nothing", 404, "40404"),
    ],
)
async def test_a_wrong_question_has_its_code(sim: Simulator, path: str, status: int, code: str) -> None:
    got, body, _ = await rest(sim, path)
    assert (got, body["code"]) == (status, code)


async def test_a_path_asked_too_often_answers_429() -> None:
    rules = Rules(own={"bitget.requests_per_s": 2})
    async with Simulator(Options(venues=("bitget",), instruments=60, rules=rules)) as sim:
        answer, t = sim.exchanges["bitget"].answer, 1_795_000_000.0
        answers = [answer(asked(f"{SPOT}/public/symbols"), t + after) for after in (0.0, 0.5, 0.9, 1.0)]
        assert [reply.status for reply in answers] == [200, 200, 429, 200]
        assert json.loads(answers[2].body)["code"] == "429"
        assert answer(asked(f"{MIX}/contracts?productType=USDT-FUTURES"), t + 0.9).status == 200


def test_a_recorded_frame_belongs_to_its_version_channel_and_product() -> None:
    def family(frame: Mapping[str, object]) -> str | None:
        found = RECORDED.family("", json.dumps(frame).encode())
        return found and found[0]

    assert family({"arg": classic("books1"), "data": []}) == "v2/books1:USDT-FUTURES:BTCUSDT"
    assert family({"arg": unified("books1"), "data": []}) == "v3/books1:USDT-FUTURES:BTCUSDT"
    liquidations = {"arg": {"instType": "usdt-futures", "topic": "liquidation"}, "data": []}
    assert family(liquidations) == "v3/liquidation:USDT-FUTURES:"
    assert family({"event": "subscribe", "arg": classic("books1")}) is None


def test_a_recorded_listing_names_its_instruments() -> None:
    rows = [{"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "symbolType": "perpetual"}]
    params = frozenset({("productType", "USDT-FUTURES")})
    body = msgspec.json.encode({"code": "00000", "data": rows})
    [row] = RECORDED.listed(Answer(0.0, "bitget", "api.bitget.com", "/api/v2/mix/market/contracts", params, body))
    assert (row.market, row.native, row.base) == ("perp", "BTCUSDT", "BTC")
    assert [one.market for one in RECORDED.instruments("v2/books1:SPOT:BTCUSDT")] == ["spot"]

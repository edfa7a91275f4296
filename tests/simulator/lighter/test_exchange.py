"""Lighter's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.lighter.recorded import RECORDED
from services.simulator.options import Options, Rules
from services.simulator.recorded import Answer
from services.simulator.server import Simulator
from tests.simulator.client import closed, next_that, rest, say, socket, spares, until

PATH = "mainnet.zklighter.elliot.ai/stream?readonly=true"
API = "mainnet.zklighter.elliot.ai/api/v1"
NAME = "lighter"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=(NAME,), instruments=60, rate=400)) as sim:
        yield sim


def asking(channel: str, kind: str = "subscribe") -> dict[str, str]:
    return {"type": kind, "channel": channel}


def of(kind: str) -> Any:
    return lambda message: message.get("type") == kind


async def answered(ws: Any, message: object) -> Any:
    """The next frame that is an answer."""
    await say(ws, message)
    return await next_that(
        ws, lambda m: "error" in m or m.get("type", "").startswith(("subscribed/", "unsubscribed", "pong"))
    )


async def test_a_socket_is_greeted_and_the_first_frame_of_a_channel_answers_with_its_state(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        assert (await next_that(ws, of("connected")))["session_id"]
        first = await answered(ws, asking("ticker/1"))
        assert (first["type"], first["channel"], first["ticker"]["s"]) == ("subscribed/ticker", "ticker:1", "BTC")
        update = await next_that(ws, of("update/ticker"))
        assert update["nonce"] > first["nonce"]
        assert float(update["ticker"]["b"]["price"]) < float(update["ticker"]["a"]["price"])
        assert update["last_updated_at"] // 1000 == update["timestamp"]


async def test_twice_the_same_the_end_of_none_and_what_is_no_channel_are_refused(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        await answered(ws, asking("order_book/1"))
        again = await answered(ws, asking("order_book/1"))
        assert again == {"error": {"code": 30003, "message": "Already Subscribed to : order_book:1"}}
        assert (await answered(ws, asking("order_book/1", "unsubscribe"))) == {
            "type": "unsubscribed",
            "channel": "order_book:1",
        }
        none = await answered(ws, asking("order_book/1", "unsubscribe"))
        assert none == {"error": {"code": 30002, "message": "Not Subscribed to : order_book:1"}}
        for channel in ("ticker/999", "nothing/1", "ticker/BTC", "ticker/all", "market_stats/2048", "hello"):
            refusal = await answered(ws, asking(channel))
            assert refusal["error"]["code"] == 30005
            assert channel not in refusal["error"]["message"]
        assert (await answered(ws, {"type": "ping"})) == {"type": "pong"}


async def test_an_address_has_so_many_messages_and_a_connection_so_many_subscriptions() -> None:
    own = {"lighter.messages": 4, "lighter.subscriptions": 2}
    async with (
        Simulator(Options(venues=(NAME,), instruments=20, rules=Rules(own=own))) as sim,
        socket(sim, PATH) as ws,
        socket(sim, PATH) as other,
    ):
        for channel in ("ticker/1", "ticker/0"):
            assert (await answered(ws, asking(channel)))["type"] == "subscribed/ticker"
        assert "error" in await answered(ws, asking("ticker/2"))
        assert (await answered(other, asking("ticker/2")))["type"] == "subscribed/ticker"
        assert (await answered(other, {"type": "ping"}))["error"]["code"] == 30009


async def test_connections_are_counted() -> None:
    for own in ({"lighter.connections": 1}, {"lighter.connects": 1}):
        async with (
            Simulator(Options(venues=(NAME,), instruments=20, rules=Rules(own=own))) as sim,
            socket(sim, PATH),
        ):
            with pytest.raises(InvalidStatus):
                await socket(sim, PATH)


async def test_a_client_that_says_nothing_is_cut_off_and_pings_keep_it() -> None:
    rules = Rules(own={"lighter.silent_s": 0.6})
    async with Simulator(Options(venues=(NAME,), instruments=20, rules=rules)) as sim, socket(sim, PATH) as ws:
        assert (await closed(ws))[0] == 1000
    async with Simulator(Options(venues=(NAME,), instruments=20)) as sim, socket(sim, PATH) as ws:
        (one,) = sim.exchanges[NAME].feed.sockets
        assert await answered(ws, {"type": "ping"}) == {"type": "pong"}
        assert one.heard > one.opened
        assert spares(sim, one.opened + 120.0)
        assert not spares(sim, one.heard + 120.0)
        assert (await closed(ws))[0] == 1000


async def test_where_the_exchange_pings_it_wants_to_be_answered() -> None:
    rules = Rules(own={"lighter.ping_s": 10.0})
    async with (
        Simulator(Options(venues=(NAME,), instruments=20, rules=rules)) as sim,
        socket(sim, f"{PATH}&server_pings=true") as ws,
    ):
        (one,) = sim.exchanges[NAME].feed.sockets
        assert spares(sim, one.opened + 10.0)
        await next_that(ws, of("ping"))
        await say(ws, {"type": "pong"})
        await until(lambda: one.ponged > one.opened)
        assert spares(sim, one.opened + 20.0)
        await next_that(ws, of("ping"))
        assert not spares(sim, one.opened + 30.0)
        assert await closed(ws) == (1000, "no pong")


async def test_a_book_begins_whole_and_each_change_names_the_number_before(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        first = await answered(ws, asking("order_book/1"))
        assert len(first["order_book"]["bids"]) == len(first["order_book"]["asks"]) == 100
        assert first["order_book"]["begin_nonce"] == 0
        nonce = first["order_book"]["nonce"]
        for _ in range(3):
            change = (await next_that(ws, of("update/order_book")))["order_book"]
            assert change["begin_nonce"] == nonce
            nonce = change["nonce"]


async def test_trades_begin_with_the_newest_and_forced_ones_stand_apart(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        await answered(ws, asking("trade/1"))
        forced: list[Any] = []
        plain: list[Any] = []
        while not forced or len(plain) < 5:
            push = await next_that(ws, of("update/trade"))
            assert all(one["type"] == "trade" for one in push["trades"])
            forced += push["liquidation_trades"]
            plain += push["trades"]
        assert {one["type"] for one in forced} == {"liquidation"}
    async with socket(sim, PATH) as ws:
        first = await answered(ws, asking("trade/1"))
        numbers = [one["trade_id"] for one in first["trades"]]
        assert numbers == sorted(numbers, reverse=True) != []
        status, body, _ = await rest(sim, f"{API}/recentTrades?market_id=1&limit=5")
        assert (status, len(body["trades"])) == (200, 5)


async def test_figures_come_of_one_market_and_of_all(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        one = (await answered(ws, asking("market_stats/0")))["market_stats"]
        assert (one["symbol"], one["market_id"]) == ("ETH", 0)
        every = (await answered(ws, asking("market_stats/all")))["market_stats"]
        # the rate moves from second to second
        assert abs(float(every["0"]["current_funding_rate"]) - float(one["current_funding_rate"])) < 0.001
        assert "2048" not in every
        spot = (await answered(ws, asking("spot_market_stats/all")))["spot_market_stats"]
        assert "mark_price" not in spot["2048"]
        update = await next_that(ws, lambda m: m.get("channel") == "market_stats:all" and m["type"].startswith("up"))
        assert 0 < len(update["market_stats"]) <= len(every)


async def test_the_listing_tells_kinds_states_and_multiples(sim: Simulator) -> None:
    status, body, _ = await rest(sim, f"{API}/orderBookDetails")
    assert status == 200
    perps = {row["market_id"]: row for row in body["order_book_details"]}
    assert (perps[0]["symbol"], perps[1]["symbol"]) == ("ETH", "BTC")
    assert any(row["symbol"] == "1000PEPE" for row in perps.values())
    assert (perps[1141]["status"], perps[1200]["market_type"]) == ("inactive", "binary_options")
    assert perps[1150]["market_config"]["hidden"]
    assert {row["market_type"] for row in body["spot_order_book_details"]} == {"spot"}
    status, one, _ = await rest(sim, f"{API}/orderBookDetails?market_id=0")
    assert [row["symbol"] for row in one["order_book_details"]] == ["ETH"]


async def test_payments_have_no_sign_but_a_direction_and_are_those_that_figures_tell(sim: Simulator) -> None:
    async with socket(sim, PATH) as ws:
        told = (await answered(ws, asking("market_stats/1")))["market_stats"]
    end = told["funding_timestamp"] // 1000
    query = f"market_id=1&resolution=1h&start_timestamp={end - 7200}&end_timestamp={end + 60}&count_back=3"
    _, body, _ = await rest(sim, f"{API}/fundings?{query}")
    rows = body["fundings"]
    assert [row["timestamp"] for row in rows] == [end - 7200, end - 3600, end]
    sign = "" if rows[-1]["direction"] == "long" else "-"
    assert sign + rows[-1]["rate"] == told["funding_rate"]
    _, table, _ = await rest(sim, f"{API}/funding-rates")
    ours = next(r for r in table["funding_rates"] if r["market_id"] == 1 and r["exchange"] == "lighter")
    assert abs(ours["rate"] / 8 * 100 - float(told["current_funding_rate"])) < 0.001


@pytest.mark.parametrize(
    "path",
    ["orderBookOrders?market_id=1", "orderBookOrders?market_id=x&limit=5", "fundings?market_id=1", "recentTrades"],
)
async def test_a_question_without_its_parameters_is_refused(sim: Simulator, path: str) -> None:
    status, body, _ = await rest(sim, f"{API}/{path}")
    assert (status, body["code"]) == (400, 20001)


async def test_requests_are_counted_by_the_minute() -> None:
    async with Simulator(Options(venues=(NAME,), instruments=20, rules=Rules(own={"lighter.requests": 1}))) as sim:
        status, body, _ = await rest(sim, f"{API}/orderBookOrders?market_id=1&limit=20")
        assert (status, len(body["asks"])) == (200, 20)
        status, body, _ = await rest(sim, f"{API}/orderBooks")
        assert (status, body["code"]) == (429, 23000)


def test_recorded_frames_belong_to_their_channel_and_answers_list_markets() -> None:
    frame = b'{"channel":"ticker:1","nonce":1,"type":"update/ticker"}'
    assert RECORDED.family("", frame) == ("ticker:1", frame)
    assert RECORDED.family("", b'{"type":"pong"}') is None
    assert RECORDED.family("", b'{"channel":"ticker/1","type":"subscribe"}') is None
    assert RECORDED.looks(frame)
    assert [(row.market, row.native) for row in RECORDED.instruments("order_book:2048")] == [("spot", "2048")]
    assert RECORDED.instruments("market_stats:all") == []
    body = json.dumps({"code": 200, "order_books": [{"market_id": 5, "symbol": "X"}, {"symbol": "Y"}]}).encode()
    answer = Answer(0.0, NAME, "", "/api/v1/orderBooks", frozenset(), body)
    assert [(row.native, row.base) for row in RECORDED.listed(answer)] == [("5", "X")]

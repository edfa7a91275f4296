"""A gap, an outage and a terminal: from the exchange's frame to what a user is told."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import asyncpg
import pytest

from shared import streams
from shared.bus import connect
from tests.pipeline.stack import VENUES, Exchange, Socket, Stack, socket

System = tuple[Stack, Exchange]
#: what each exchange quotes, by (market, native)
Truth = dict[str, dict[tuple[str, str], dict[str, Any]]]
BPS = 95


def of_coin(coin: str, state: str) -> Callable[[Any], Any]:
    """A /push frame that tells of the signal between a coin's two USDT perpetuals in a state."""
    pair = (f"{coin}/USDT:USDT", f"{coin}/USDT:USDT")

    def wanted(frame: Any) -> Any:
        rows = [*frame.get("rows", ()), *frame.get("changed", ())]
        return [row for row in rows if (row["long_symbol"], row["short_symbol"]) == pair and row["state"] == state]

    return wanted


async def every_leg_is(stack: Stack, coin: str, *states: str) -> Any:
    """The coin's legs once all four are in one of these states."""
    found = (await stack.get("/api/data", symbol=coin))["realtime_data"]
    legs = [both[market] for both in found.values() for market in ("spot", "futures")]
    return found if len(legs) == 4 and all(leg and leg["state"] in states for leg in legs) else None


async def every_leg_is_good(stack: Stack, coin: str) -> Any:
    return await every_leg_is(stack, coin, "ok", "quiet")


async def signal_of(stack: Stack, coin: str, state: str, signal_id: str | None = None) -> Any:
    """One signal of a coin; a gap opens one for each pair of markets."""
    found = (await stack.get("/api/arbitrage/signals", limit="1000"))["signals"]
    mine = [one for one in of_coin(coin, state)({"rows": found}) if signal_id in (None, one["id"])]
    return mine[0] if mine else None


@pytest.fixture
async def ready(system: System) -> System:
    stack, _ = system
    for coin in ("BTC", "SOL", "DOGE", "PEPE"):
        await stack.until(partial(every_leg_is_good, stack, coin), f"all legs of {coin}")
    return system


def quote_of(symbol: str) -> str:
    return symbol.partition("/")[2].partition(":")[0]


def edge_of(row: Any) -> Decimal:
    buy, sell = Decimal(str(row["price_long"])), Decimal(str(row["price_short"]))
    return (sell - buy) / buy * 10_000


async def test_a_gap_becomes_a_row_a_signal_a_record_and_a_message_with_the_true_edge(
    ready: System, database: tuple[str, str]
) -> None:
    stack, exchange = ready
    async with socket(stack, "/push") as push:
        await push.say(op="subscribe", id=1, channel="signals")
        truth = await parted(stack, exchange, "DOGE")
        pushed = of_coin("DOGE", "open")(await push.take(of_coin("DOGE", "open"), "a signal is pushed"))[0]
        answered = await stack.until(lambda: signal_of(stack, "DOGE", "open", pushed["id"]), "the signal is answered")
        await board_shows(stack, answered["id"], truth)
        await exchange.clear("freeze")
        await stack.until(partial(every_leg_is, stack, "DOGE", "ok"), "the market moves again")
        await exchange.clear()

        def ended(frame: Any) -> Any:
            return [one for one in of_coin("DOGE", "closed")(frame) if one["id"] == pushed["id"]]

        closed = ended(await push.take(ended, "its close is pushed"))[0]
    assert pushed["id"] == answered["id"] == closed["id"]
    assert (pushed["long_exchange"], pushed["short_exchange"]) == ("okx", "binance")
    true_edge = edge_between(truth, ("perp", "DOGE-USDT-SWAP"), ("perp", "DOGEUSDT"))
    assert abs(Decimal(str(pushed["open_edge_bps"])) - true_edge) <= Decimal("0.01")
    assert abs(Decimal(str(pushed["edge_bps"])) - edge_of(pushed)) <= Decimal("0.01")
    assert (closed["state"], closed["close_reason"]) == ("closed", "converged")
    await stored(stack, database, closed)


async def frozen(exchange: Exchange) -> Truth:
    """The exchanges quote no more: what they quoted last."""
    for venue in VENUES:
        await exchange.strike("freeze", venue=venue)
    return {venue: await exchange.quotes(venue) for venue in VENUES}


async def parted(stack: Stack, exchange: Exchange, coin: str) -> Truth:
    """The exchanges part over a coin and stand still. It is excluded until these prices have arrived: whatever comes of
    it comes of them, however long the way takes."""
    await stack.configure(exclusions=[{"asset": coin, "reason": "its prices move"}])
    await stack.until(partial(every_leg_is, stack, coin, "excluded"), f"{coin} is excluded")
    await exchange.strike("gap", coin=coin, venue="binance", against="okx", bps=BPS)
    truth = await frozen(exchange)
    await stack.until(lambda: all_equal(stack, truth), "every price is the exchange's own")
    await stack.configure(exclusions=[])
    return truth


def edge_between(truth: Truth, cheap: tuple[str, str], dear: tuple[str, str]) -> Decimal:
    """Bought at okx's ask and sold at binance's bid, bps."""
    return (Decimal(truth["binance"][dear]["bid"]) / Decimal(truth["okx"][cheap]["ask"]) - 1) * 10_000


async def board_shows(stack: Stack, signal: str, truth: Truth) -> None:
    async def shown() -> Any:
        rows = (await stack.get("/api/board"))["rows"]
        return [row for row in rows if row["asset"] == "DOGE" and signal in row["signals"]]

    row = (await stack.until(shown, "the board's row names the signal"))[0]
    assert (row["buy_venue"], row["sell_venue"]) == ("okx", "binance")
    cheap, dear = ((row[f"{side}_market"], row[f"{side}_native"]) for side in ("buy", "sell"))
    # the best route may cross from USDT to USDC, at the rate
    slack = Decimal("0.01") if quote_of(row["buy_symbol"]) == quote_of(row["sell_symbol"]) else 10
    assert abs(Decimal(str(row["edge_bps"])) - edge_between(truth, cheap, dear)) <= slack


async def stored(stack: Stack, database: tuple[str, str], closed: Any) -> None:
    """The recorder's row is the closed signal, and every revision is there once."""
    connection = await asyncpg.connect(database[1])
    try:

        async def row() -> Any:
            query = "SELECT * FROM signals WHERE id = $1 AND state = 'closed'"
            return await connection.fetchrow(query, closed["id"])

        found = await stack.until(row, "the closed signal is stored")
        revisions = await connection.fetch("SELECT rev FROM signal_events WHERE id = $1 ORDER BY rev", closed["id"])
    finally:
        await connection.close()
    assert (found["asset"], found["buy_venue"], found["sell_venue"]) == (closed["symbol"], "okx", "binance")
    assert (found["close_reason"], found["rev"]) == ("converged", closed["rev"])
    assert [one["rev"] for one in revisions] == list(range(1, closed["rev"] + 1))


async def test_what_the_api_answers_is_what_the_exchanges_quote(ready: System) -> None:
    stack, exchange = ready

    async def most_quote() -> bool:
        found = (await stack.get("/api/data/all"))["all_realtime_data"].values()
        legs = [both[market] for coin in found for both in coin.values() for market in ("spot", "futures")]
        return sum(leg.get("bid") is not None for leg in legs) > 50

    await stack.until(most_quote, "most markets are quoted")
    truth = await frozen(exchange)
    compared = await stack.until(lambda: all_equal(stack, truth), "every price is the exchange's own")
    await exchange.clear()
    assert len(compared) > 50
    assert ("perp", "1000PEPEUSDT") in truth["binance"]


async def all_equal(stack: Stack, truth: Truth) -> Any:
    found = (await stack.get("/api/data/all"))["all_realtime_data"]
    compared = [
        same(truth[venue]["spot" if market == "spot" else "perp", leg["symbol"]], leg)
        for coin in found.values()
        for venue, both in coin.items()
        for market in ("spot", "futures")
        if (leg := both[market]) and leg.get("bid") is not None
    ]
    return compared if all(compared) else None


async def test_a_route_that_a_filter_chooses_comes_with_its_funding(ready: System) -> None:
    stack, _ = ready

    async def hedged() -> Any:
        rows = (await stack.get("/api/board", kind="spot-perp"))["rows"]
        known = [row for row in rows if row["sell_funding_rate"] is not None]
        return known if {"BTC", "SOL"} <= {row["asset"] for row in known} else None

    for row in await stack.until(hedged, "spot against perpetuals, with their rates"):
        rate, hours = Decimal(str(row["sell_funding_rate"])), Decimal(str(row["sell_funding_interval_h"]))
        assert (row["kind"], row["buy_funding_rate"]) == ("spot-perp", None)
        assert abs(Decimal(str(row["carry_8h_bps"])) - rate / hours * 80_000) <= Decimal("0.005")
        assert abs(Decimal(str(row["next_cash_bps"])) - rate * 10_000) <= Decimal("0.005")
        assert row["next_cash_ms"] >= row["sell_next_funding_ms"] > 0
        assert (row["even_ms"] is not None) <= (rate > 0)


def same(truth: Any, leg: Any) -> bool:
    """Equal prices: a native symbol of a thousand coins is quoted a thousandfold."""
    units = 1000 if truth["native"].startswith("1000") else 1
    bid, ask = Decimal(str(leg["bid"])) * units, Decimal(str(leg["ask"])) * units
    return (bid, ask) == (Decimal(truth["bid"]), Decimal(truth["ask"]))


async def test_an_outage_takes_the_legs_down_closes_the_signal_and_passes(ready: System) -> None:
    stack, exchange = ready
    await exchange.strike("gap", coin="PEPE", venue="okx", against="binance", bps=BPS)
    opened = await stack.until(lambda: signal_of(stack, "PEPE", "open"), "the signal opens")
    await exchange.strike("outage", venue="okx")

    async def down() -> Any:
        legs = (await stack.get("/api/data", symbol="PEPE"))["realtime_data"]["okx"]
        return {legs[market].get("state") for market in ("spot", "futures")} <= {"down", "stale", "unconfirmed"}

    await stack.until(down, "the venue's legs are not good")
    closed = await stack.until(lambda: signal_of(stack, "PEPE", "closed"), "the signal closes")
    assert closed["id"] == opened["id"]
    assert closed["close_reason"] in ("feed", "stale")

    async def known() -> Any:
        return (await stack.get("/readyz"))["venues"]["okx"]["state"] != "live"

    await stack.until(known, "the venue is not called live")
    await exchange.clear()
    found = await stack.until(lambda: every_leg_is_good(stack, "PEPE"), "the venue is back")
    assert found["binance"]["spot"]["state"] in ("ok", "quiet")


async def test_a_terminal_gets_trades_and_cvd_of_both_venues_and_lets_go(
    ready: System, database: tuple[str, str]
) -> None:
    stack, _ = ready
    async with socket(stack, "/ws") as terminal, connect(database[0]) as client:
        subscriptions: list[dict[str, Any]] = [
            {"stream": "trade", "instanceId": name, "config": {"symbol": "SOLUSDT", "exchanges": [name]}}
            for name in ("binance", "binancef", "okx", "okxf")
        ]
        cvd: list[dict[str, Any]] = [
            {"stream": "cvd", "instanceId": f"cvd-{name}", "config": {"symbol": "SOLUSDT", "exchanges": [name]}}
            for name in ("binancef", "okxf")
        ]
        await terminal.say(type="stream_subscribe_batch", subscriptions=[*subscriptions, *cvd])
        await all_speak(terminal, {"binance", "binancef", "okx", "okxf"}, {"cvd-binancef", "cvd-okxf"})
        for venue in ("binance", "okx"):
            wanted: Any = await client.zrange(streams.demand(venue, "trade"), 0, -1)
            assert sorted(wanted) == [b"SOL/USDT", b"SOL/USDT:USDT"]
        for one in (*subscriptions, *cvd):
            await terminal.say(type="stream_unsubscribe", stream=one["stream"], instanceId=one["instanceId"])

        async def let_go() -> bool:
            kinds = [streams.demand(venue, "trade") for venue in ("binance", "okx")]
            return not sum([await client.zcard(kind) for kind in kinds])

        await stack.until(let_go, "nobody asks for trades any more")


async def all_speak(terminal: Socket, trades: set[str], bars: set[str]) -> None:
    """Each subscription is acknowledged, then has sent a frame of its own."""
    heard: set[str] = set()

    def complete(frame: Any) -> bool:
        assert frame["type"] != "error", frame
        if frame["type"] == "trade":
            assert frame["data"]["exchange"] == frame["instanceId"]
            assert frame["data"]["quantity"] == frame["data"]["qty"] > 0
            assert frame["data"]["symbol"] == "SOLUSDT"
        if frame["type"] in ("trade", "cvd"):
            heard.add(frame["instanceId"])
        return heard == trades | bars

    await terminal.take(complete, f"frames of {trades | bars}")
    acknowledged = {frame["instanceId"] for frame in terminal.frames if frame["type"] == "subscribed"}
    history = {frame["instanceId"] for frame in terminal.frames if frame["type"] == "cvd_historical"}
    assert (acknowledged, history) == (trades | bars, bars)

"""The whole engine against the simulated exchange: its limits kept, its books in step, nothing lost at a rollover."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from services.collector import jobs
from services.collector.standing import standing
from services.collector.venue import Venue
from services.collector.venues import VENUES
from services.simulator import wire
from shared.events import Book, Depth, Funding, Liquidation, Mark, Quote, Settlement, Stats, Trade
from tests.collector.live import Stage, hurried, stage

NAME = "bitget"


def polled_often() -> Venue:
    calls = tuple(replace(call, every_s=0.5) if call.job == "poll" else call for call in VENUES[NAME].calls)
    return replace(VENUES[NAME], calls=calls)


def perpetual(found: Stage) -> str:
    return next(one.symbol for one in found.engine.selected if one.asset == "BTC" and one.market == "perp")


async def test_everything_that_is_selected_lives_and_says_all_kinds(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, venue=polled_often(), instruments=60) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert {"BTC/USDT", "BTC/USDC", "BTC/USDT:USDT", "BTC/USDC:USDC"} <= symbols
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote) if one.source == "ws"} == symbols)
        await found.until(lambda: {one.symbol for one in found.kept.of(Mark)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Funding)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Stats)} == symbols)
        assert all(one.interval_h and one.next_ts for one in found.kept.of(Funding))
        assert all(one.category != "unknown" for one in found.engine.selected)
        assert standing(found.engine) == ("live", "")
        assert not found.engine.plan.unplaced
        assert found.engine.counts["ended"] == 0


async def test_the_published_quotes_are_the_exchanges_own_once_the_market_holds_still(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, instruments=60) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 300)
        found.strike("freeze")
        await found.quotes_equal()


async def test_a_book_that_loses_a_change_says_so_and_comes_back_into_step(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, assets=frozenset({"BTC"}), rate=100.0) as found:
        await found.all_live()
        symbol = perpetual(found)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset({symbol})})
        await found.until(lambda: len(found.kept.of(Book, symbol)) > 5 and found.kept.of(Depth, symbol))
        top = found.kept.of(Book, symbol)[-1]
        assert len(top.bids) == 50
        assert float(top.bids[0][0]) < float(top.asks[0][0])
        found.strike("drop", topic="*books:*", count=1)
        await found.until(lambda: "gap" in found.kept.states("book", symbol))
        await found.until(lambda: found.kept.states("book", symbol)[-1] == "up")


async def test_the_books_of_v3_are_in_step_and_their_checksums_agree(tmp_path: Path) -> None:
    """The same books under the names of v3, whose changes carry a checksum."""

    def subscribe(op: str, names: tuple[str, ...]) -> bytes:
        args = [
            {"instType": product.lower(), "topic": channel, "symbol": native}
            for channel, product, native in (name.split(":") for name in names)
        ]
        return msgspec.json.encode({"op": op, "args": args})

    venue = VENUES[NAME]
    unified = replace(
        venue,
        channels=tuple(replace(one, endpoint="v3") for one in venue.channels if one.name in ("books1", "books")),
        subscribe=lambda names, number: subscribe("subscribe", tuple(names)),
        unsubscribe=lambda names, number: subscribe("unsubscribe", tuple(names)),
    )
    async with stage(NAME, tmp_path, venue=unified, assets=frozenset({"BTC"}), rate=200.0) as found:
        await found.all_live()
        symbol = perpetual(found)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset({symbol})})
        await found.until(lambda: len(found.kept.of(Book, symbol)) > 20)
        assert "gap" not in found.kept.states("book", symbol)
        proofs = [payload for key, _, framed in found.feed.kept if "v3/books:" in key for payload in (framed,)]
        assert any(b'"checksum":0,' not in wire.payload_of(framed) for framed in proofs)


def sent_trades(found: Stage) -> set[str]:
    """The live trades that the exchange sent of the subscribed instruments."""
    made = set()
    for key, _, framed in found.feed.kept:
        if "/trade:" in key:
            frame = msgspec.json.decode(wire.payload_of(framed))
            if frame["action"] == "update":
                made |= {row["tradeId"] for row in frame["data"]}
    return made


async def test_a_rollover_loses_and_doubles_no_trade(tmp_path: Path) -> None:
    venue = hurried(VENUES[NAME], lifetime_s=5.0)
    assets = frozenset({"BTC"})
    async with stage(NAME, tmp_path, venue=venue, watch=assets, assets=assets, rate=1500.0) as found:
        await found.all_live()
        symbol = perpetual(found)
        await found.until(lambda: found.engine.counts["ended"] >= 4)
        await found.until(lambda: len(sent_trades(found)) > 50)
        found.strike("freeze")
        await found.until(lambda: sent_trades(found) <= {trade.id for trade in found.kept.of(Trade)})
        published = Counter((trade.symbol, trade.id) for trade in found.kept.of(Trade))
        assert max(published.values()) == 1
        assert "down" not in found.kept.states("quote", symbol)[1:]
        quotes = [quote for quote in found.kept.of(Quote, symbol) if quote.source == "ws"]
        assert all((late.seq or 0) >= (early.seq or 0) for early, late in pairwise(quotes))


async def test_a_connection_is_pinged_in_time_although_data_flows(tmp_path: Path) -> None:
    venue = VENUES[NAME]
    endpoints = tuple(replace(one, ping=replace(one.ping, idle_s=0.5)) for one in venue.endpoints)
    async with stage(NAME, tmp_path, venue=replace(venue, endpoints=endpoints), rate=1000.0) as found:
        await found.all_live()
        quotes = len(found.kept.of(Quote))
        for _ in range(3):
            before = {socket: socket.pinged for socket in found.feed.sockets}
            await found.until(lambda before=before: all(one.pinged > at for one, at in before.items()))  # type: ignore[misc]
        assert len(found.kept.of(Quote)) > quotes
        assert found.engine.counts["ended"] == 0
        assert not any(name.startswith("closed") for name in found.feed.counts)


async def test_a_refused_topic_is_left_out_and_all_others_live(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, before=lambda sim: None) as found:
        found.strike("refuse_topic", topic="*books1:USDT-FUTURES:BTCUSDT")
        await found.until(lambda: found.engine.counts["quarantined"] == 1)
        await found.all_live()
        assert found.engine.counts["ended"] == 0


async def test_payments_and_liquidations_of_both_products_are_published_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SETTLE_LOOK_S", 0.2)
    async with stage(NAME, tmp_path, assets=frozenset({"BTC", "ETH"}), rate=1000.0) as found:
        await found.all_live()
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert {"BTC/USDT:USDT", "BTC/USDC:USDC"} <= perps
        await found.until(lambda: {one.symbol for one in found.kept.of(Settlement)} == perps)
        paid = Counter((one.symbol, one.settle_ts) for one in found.kept.of(Settlement))
        assert max(paid.values()) == 1
        await found.until(lambda: found.kept.of(Liquidation))
        seen = Counter((one.symbol, one.ts, one.price, one.size) for one in found.kept.of(Liquidation))
        assert max(seen.values()) == 1


async def test_a_new_funding_interval_is_taken_over_without_waiting_for_the_next_listing(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, venue=polled_often(), assets=frozenset({"BTC"})) as found:
        await found.all_live()
        symbol = perpetual(found)
        await found.until(lambda: found.kept.of(Funding, symbol))
        native = next(one.native for one in found.engine.selected if one.symbol == symbol)
        row = next(row for row in found.sim.market.listed if row.market == "perp" and row.native == native)
        row.interval_h = 1
        await found.until(lambda: found.kept.of(Funding, symbol)[-1].interval_h == "1")
        await found.until(
            lambda: next(one for one in found.engine.selected if one.symbol == symbol).funding_interval_h == "1"
        )
        assert found.engine.counts["ended"] == 0

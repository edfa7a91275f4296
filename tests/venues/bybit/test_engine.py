"""A whole engine against the simulated exchange: every kind of data, its refusals, its gaps, its rollovers."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from services.collector import jobs
from services.collector.standing import standing
from services.collector.venues.bybit import VENUE
from services.simulator import wire
from shared.events import Book, Depth, Funding, Liquidation, Mark, Quote, Settlement, Stats, Trade
from tests.collector.live import Stage, hurried, stage


def perpetual(found: Stage, asset: str = "BTC") -> str:
    symbol = f"{asset}/USDT:USDT"
    assert symbol in {one.symbol for one in found.engine.selected}
    return symbol


async def test_every_instrument_gets_every_kind_of_data_and_nothing_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SETTLE_LOOK_S", 0.5)
    async with stage("bybit", tmp_path, instruments=40, rate=600.0) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert len(symbols) >= 40
        assert 0 < len(perps) < len(symbols)
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote) if one.source == "ws"} == symbols)
        await found.until(lambda: {one.symbol for one in found.kept.of(Mark)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Funding)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Settlement)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Stats)} == symbols, what="24 h figures of all")
        await found.until(lambda: found.kept.of(Liquidation))
        assert standing(found.engine) == ("live", "")
        assert not found.engine.plan.unplaced
        # dated contracts, where a start is so slow that quotes are asked for meanwhile
        assert set(found.engine.samples.counts) <= {"out_of_scope"}
        assert all(mark.mark is not None and mark.index is not None for mark in found.kept.of(Mark))
        for one in found.kept.of(Stats):
            assert (one.open_interest is not None) == (one.symbol in perps)
        for paid in found.kept.of(Settlement):
            assert paid.interval_h in ("1", "4", "8")


async def test_the_quotes_are_the_exchanges_own_in_coins_once_the_market_holds_still(tmp_path: Path) -> None:
    async with stage("bybit", tmp_path, instruments=60) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 300)
        found.strike("freeze")
        assert any(row.multiplier > 1 for row in found.rows().values())
        await found.quotes_equal()


async def test_a_quiet_quote_is_renewed_without_an_engine_time(tmp_path: Path) -> None:
    async with stage("bybit", tmp_path, instruments=4, rate=0.0) as found:
        await found.all_live()
        symbol = perpetual(found)

        def streamed() -> list[Quote]:  # a slow start may have taken the first from the snapshot by request
            return [one for one in found.kept.of(Quote, symbol) if one.source == "ws"]

        await found.until(lambda: len(streamed()) >= 2)
        first, second = streamed()[:2]
        assert (first.bid, first.ask, first.seq) == (second.bid, second.ask, second.seq)
        assert first.ts is not None
        assert second.ts is None
        assert second.recv > first.recv


async def test_a_refused_topic_costs_only_itself_and_at_once(tmp_path: Path) -> None:
    async with stage("bybit", tmp_path) as found:
        found.strike("refuse_topic", topic="*linear/orderbook.1.BTCUSDT")
        await found.until(lambda: found.engine.counts["quarantined"] >= 1)
        await found.all_live()
        assert found.engine.counts["quarantined"] == 1
        assert found.engine.counts["ack_timeout"] == 0
        symbols = {one.symbol for one in found.engine.selected} - {"BTC/USDT:USDT"}
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote) if one.source == "ws"} >= symbols)


async def test_a_lost_acknowledgement_ends_well_because_data_came_or_it_is_there_already(tmp_path: Path) -> None:
    async with stage("bybit", tmp_path, rate=50.0) as found:
        found.strike("no_ack", count=3)
        await found.all_live()
        assert found.engine.counts["quarantined"] == 0


async def test_books_and_trades_come_on_demand_and_a_gap_touches_one_book(tmp_path: Path) -> None:
    assets = frozenset({"BTC", "ETH"})
    async with stage("bybit", tmp_path, assets=assets, rate=200.0) as found:
        await found.all_live()
        bitcoin, ether = perpetual(found), perpetual(found, "ETH")
        assert not found.kept.of(Trade)
        found.engine.ask_for({"trade": frozenset({bitcoin}), "book": frozenset({bitcoin, ether})})
        await found.until(lambda: found.kept.of(Trade, bitcoin))
        await found.until(lambda: all(len(found.kept.of(Book, symbol)) > 5 for symbol in (bitcoin, ether)))
        await found.until(lambda: found.kept.of(Depth, bitcoin))
        top = found.kept.of(Book, bitcoin)[-1]
        assert len(top.bids) == 50
        assert Decimal(top.bids[0][0]) < Decimal(top.asks[0][0])
        found.strike("drop", topic="*linear/orderbook.200.BTCUSDT", count=1)
        await found.until(lambda: "gap" in found.kept.states("book", bitcoin))
        await found.until(lambda: found.kept.states("book", bitcoin)[-1] == "up")
        assert "gap" not in found.kept.states("book", ether)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset()})
        await found.until(lambda: not found.engine.desk.serves("book", bitcoin))


async def test_a_planned_rollover_loses_and_doubles_no_trade_and_no_state(tmp_path: Path) -> None:
    venue, assets = hurried(VENUE, lifetime_s=4.0), frozenset({"BTC"})
    async with stage("bybit", tmp_path, venue=venue, watch=assets, assets=assets, rate=800.0) as found:
        await found.all_live()
        symbol = perpetual(found)
        await found.until(lambda: found.engine.counts["ended"] >= 4)

        def sent() -> set[str]:
            frames = [wire.payload_of(framed) for key, _, framed in list(found.feed.kept) if "publicTrade" in key]
            return {row["i"] for frame in frames for row in json.loads(frame)["data"]}

        await found.until(lambda: len(sent()) > 50)
        found.strike("freeze")
        await found.until(lambda: sent() <= {trade.id for trade in found.kept.of(Trade)})
        assert max(Counter((trade.symbol, trade.id) for trade in found.kept.of(Trade)).values()) == 1
        assert "down" not in found.kept.states("quote", symbol)[1:]
        numbers = [quote.seq or 0 for quote in found.kept.of(Quote, symbol) if quote.source == "ws"]
        assert all(late >= early for early, late in pairwise(numbers))


async def test_rest_fills_in_while_sockets_are_refused(tmp_path: Path) -> None:
    async with stage("bybit", tmp_path) as found:
        found.strike("refuse", status=503)
        await found.until(lambda: found.engine.selected)
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote)} == symbols)
        assert {one.source for one in found.kept.of(Quote)} == {"rest"}
        found.clear("refuse")
        await found.all_live()
        await found.until(lambda: any(one.source == "ws" for one in found.kept.of(Quote)))


async def test_all_pages_of_the_listing_are_read(tmp_path: Path) -> None:
    small = [replace(c, params={**c.params, "limit": "7"}) if c.next_page else c for c in VENUE.calls]
    async with stage("bybit", tmp_path, venue=replace(VENUE, calls=tuple(small)), instruments=60) as found:
        await found.all_live()
        listed = {row.native for row in found.sim.market.listed if row.market == "perp" and row.collectable}
        assert {one.native for one in found.engine.selected if one.market == "perp"} == listed
        assert len(listed) > 14


async def test_a_client_that_hears_enough_pings_all_the_same(tmp_path: Path) -> None:
    venue = replace(VENUE, endpoints=tuple(replace(one, ping=replace(one.ping, idle_s=1.0)) for one in VENUE.endpoints))
    async with stage("bybit", tmp_path, venue=venue) as found:
        await found.all_live()
        quotes = len(found.kept.of(Quote))
        for _ in range(3):
            before = {socket: socket.heard for socket in found.feed.sockets}
            await found.until(lambda before=before: all(one.heard > at for one, at in before.items()))  # type: ignore[misc]
        assert len(found.kept.of(Quote)) > quotes
        assert found.engine.counts["ended"] == 0

"""A whole engine against the simulated exchange: every kind of data, closes without a word, rollovers, fallbacks."""

import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from services.collector import jobs
from services.collector.standing import standing
from services.collector.venues.hyperliquid import VENUE
from services.simulator import wire
from services.simulator.options import Rules
from shared.events import Book, Depth, Funding, Mark, Quote, Settlement, Stats, Trade
from tests.collector.live import NEVER, Stage, hurried, stage

NAME = "hyperliquid"
HOUR_NS = 3_600_000_000_000
QUICK = Rules(own={"hyperliquid.contexts_s": 1.0})


def perpetual(found: Stage, asset: str = "BTC") -> str:
    symbol = f"{asset}/USDC:USDC"
    assert symbol in {one.symbol for one in found.engine.selected}
    return symbol


async def test_every_instrument_gets_every_kind_of_data_and_nothing_unexpected_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SETTLE_LOOK_S", 0.5)
    rules = Rules(own={"hyperliquid.contexts_s": 1.0, "hyperliquid.weight": 12_000})
    venue = hurried(VENUE)
    async with stage(NAME, tmp_path, venue=venue, instruments=24, rate=600.0, rules=rules) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert {"BTC/USDC:USDC", "PEPE/USDC:USDC", "TSLA/USDC:USDC", "PURR/USDC", "BTC/USDC"} <= symbols
        assert not any(one.quote == "USDH" or one.native == "flx:GOLD" for one in found.engine.selected)
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote) if one.source == "ws"} == symbols)
        await found.until(lambda: {one.symbol for one in found.kept.of(Mark)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Funding)} == perps)
        await found.until(lambda: {one.symbol for one in found.kept.of(Stats)} == symbols, what="24 h figures of all")
        await found.until(lambda: len({one.symbol for one in found.kept.of(Settlement)}) > 3)
        assert standing(found.engine) == ("live", "")
        assert not found.engine.plan.unplaced
        await found.until(lambda: any(one.mark is not None and one.index is not None for one in found.kept.of(Mark)))
        for rate in found.kept.of(Funding):
            assert (rate.interval_h, (rate.next_ts or 1) % HOUR_NS) == ("1", 0)
        for figures in found.kept.of(Stats):
            assert (figures.open_interest is not None) == (figures.symbol in perps)
        # the same coin on a builder's exchange, and a coin delisted on one and listed on another
        odd = {"quarantined", "out_of_scope"}
        await found.until(lambda: odd <= set(found.engine.samples.counts))
        assert set(found.engine.samples.counts) == odd


async def test_the_quotes_are_the_exchanges_own_in_coins_once_the_market_holds_still(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, instruments=60, rate=900.0) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote) if one.source == "ws"} == symbols)
        found.strike("freeze")
        assert any(row.multiplier > 1 for row in found.rows().values())
        await found.quotes_equal()


async def test_what_has_not_changed_yet_is_asked_for_singly(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, instruments=12, rate=0.0) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote)} == symbols)
        assert {one.source for one in found.kept.of(Quote)} == {"rest"}
        assert set(found.kept.states("quote")) == {"down"}


async def test_a_coin_that_closes_the_socket_costs_only_itself(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, instruments=12, rate=300.0) as found:
        found.strike("refuse_topic", topic="*/bbo:ETH")
        await found.until(lambda: found.engine.counts["quarantined"] >= 1)
        await found.all_live()
        assert found.engine.counts["quarantined"] == 1
        others = {one.symbol for one in found.engine.selected} - {"ETH/USDC:USDC"}
        await found.until(lambda: {one.symbol for one in found.kept.of(Quote) if one.source == "ws"} >= others)


async def test_books_and_trades_come_on_demand(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, assets=frozenset({"BTC", "PEPE"}), rate=200.0) as found:
        await found.all_live()
        bitcoin, pepe = perpetual(found), perpetual(found, "PEPE")
        assert not found.kept.of(Trade)
        found.engine.ask_for({"trade": frozenset({bitcoin}), "book": frozenset({bitcoin, pepe})})
        await found.until(lambda: found.kept.of(Trade, bitcoin))
        await found.until(lambda: all(len(found.kept.of(Book, symbol)) > 3 for symbol in (bitcoin, pepe)))
        await found.until(lambda: found.kept.of(Depth, bitcoin))
        top = found.kept.of(Book, bitcoin)[-1]
        assert (len(top.bids), len(top.asks)) == (5, 5)
        assert Decimal(top.bids[0][0]) < Decimal(top.asks[0][0])
        found.strike("drop", topic="*/l2Book:BTC", share=0.5, count=3)
        seen = len(found.kept.of(Book, bitcoin))
        await found.until(lambda: len(found.kept.of(Book, bitcoin)) > seen + 4)
        assert not {"gap", "down"} & set(found.kept.states("book", bitcoin))  # every picture is whole: none is missed
        found.engine.ask_for({"trade": frozenset(), "book": frozenset()})
        await found.until(lambda: not found.engine.desk.serves("book", bitcoin))


async def test_a_planned_rollover_loses_and_doubles_no_trade_and_no_state(tmp_path: Path) -> None:
    venue, assets = hurried(VENUE, lifetime_s=4.0), frozenset({"BTC"})
    async with stage(NAME, tmp_path, venue=venue, watch=assets, assets=assets, rate=600.0) as found:
        await found.all_live()
        symbol = perpetual(found)
        await found.until(lambda: found.engine.counts["ended"] >= 3)

        def first(coin: str) -> int:
            """The time of a coin's first trade: what a slow start found already there is of no rollover."""
            symbol = next(one.symbol for one in found.engine.selected if one.native == coin)
            return min((trade.ts or 0 for trade in found.kept.of(Trade, symbol)), default=NEVER) // 1_000_000

        def sent() -> set[str]:
            frames = [wire.payload_of(framed) for key, _, framed in list(found.feed.kept) if "/trades:" in key]
            rows = [row for frame in frames for row in json.loads(frame)["data"]]
            begun = {coin: first(coin) for coin in {row["coin"] for row in rows}}
            return {f"{row['time']}-{row['tid']}" for row in rows if row["time"] >= begun[row["coin"]]}

        await found.until(lambda: len(sent()) > 50)
        found.strike("freeze")
        await found.until(lambda: sent() <= {trade.id for trade in found.kept.of(Trade)})
        assert max(Counter((trade.symbol, trade.id) for trade in found.kept.of(Trade)).values()) == 1
        assert "down" not in found.kept.states("quote", symbol)[1:]
        times = [quote.ts or 0 for quote in found.kept.of(Quote, symbol) if quote.source == "ws"]
        assert all(late >= early for early, late in pairwise(times))


async def test_a_new_perpetual_is_noticed_where_contexts_grow(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, instruments=12, rate=300.0, rules=QUICK) as found:
        await found.all_live()
        rows = found.sim.exchanges[NAME]._rows  # type: ignore[attr-defined]
        newest = next(row for row in rows if row.native == "OLDPERP")
        before = len(found.engine.table)
        other = type(newest)(
            **{name: getattr(newest, name) for name in type(newest).__dataclass_fields__ if name != "topics"}
        )
        other.native, other.status = "NEWPERP", "trading"
        found.sim.market.by_coin.setdefault(other.coin, []).append(other)
        found.sim.exchanges[NAME]._by_name[other.native] = other  # type: ignore[attr-defined]
        found.sim.exchanges[NAME]._bodies._by_name[other.native] = other  # type: ignore[attr-defined]
        rows.append(other)
        found.sim.exchanges[NAME]._bodies.rows = rows  # type: ignore[attr-defined]
        await found.until(lambda: len(found.engine.table) == before + 1)
        await found.until(lambda: "NEWPERP" in {one.native for one in found.engine.selected})


async def test_a_silent_exchange_is_pinged_and_does_not_hang_up(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, instruments=4, assets=frozenset({"BTC"})) as found:
        await found.all_live()
        found.strike("freeze")
        for _ in range(2):
            silent = {socket: socket.spoke for socket in found.feed.sockets}
            await found.until(lambda silent=silent: all(one.spoke > at for one, at in silent.items()))  # type: ignore[misc]
        for socket, at in silent.items():
            found.sim.exchanges[NAME].watch(socket, at + 60.0)
            assert not socket.closing
        assert found.engine.counts["ended"] == 0
        assert standing(found.engine) == ("live", "")

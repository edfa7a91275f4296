"""The whole engine against the simulated exchange: everything arrives, and comes back after what goes wrong."""

import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from services.collector import jobs
from services.collector.standing import standing
from services.collector.venues import VENUES
from services.simulator import wire
from services.simulator.options import Rules
from services.simulator.scenario import Event as Fault
from services.simulator.server import Simulator
from shared.events import Book, Depth, Funding, Liquidation, Mark, Quote, Settlement, Stats, Trade
from tests.collector.live import Stage, hurried, stage

NAME = "lighter"
HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
#: rollovers subscribe everything anew, which the real exchange spreads over minutes
MANY = Rules(own={"lighter.messages": 100_000})


def watched(found: Stage) -> str:
    return next(one.symbol for one in found.engine.selected if one.asset == "BTC" and one.market == "perp")


async def test_everything_that_is_selected_gets_everything_that_the_venue_has(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert perps < symbols
        await found.until(lambda: {quote.symbol for quote in found.kept.of(Quote) if quote.source == "ws"} == symbols)
        await found.until(lambda: {mark.symbol for mark in found.kept.of(Mark) if mark.mark and mark.index} == perps)
        await found.until(lambda: {funding.symbol for funding in found.kept.of(Funding)} == perps)
        await found.until(lambda: {stats.symbol for stats in found.kept.of(Stats)} == symbols)
        await found.until(
            lambda: (
                {one.symbol for one in found.kept.of(Stats) if one.open_interest and one.open_interest_value} == perps
            )
        )
        assert standing(found.engine) == ("live", "")
        assert not found.engine.plan.unplaced
        assert set(found.engine.samples.counts) <= {"out_of_scope"}  # of the list that is polled


async def test_the_published_quotes_and_rates_are_the_exchanges_own(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 300)
        found.strike("freeze")
        rows = {row.native: row for row in found.sim.market.listed}

        await found.quotes_equal()
        assert any(rows[one.native].multiplier == 1000 for one in found.engine.selected)
        for funding in found.kept.of(Funding):
            row = rows[found.engine.table.by_symbol[funding.symbol].native]
            assert funding.ts is not None
            assert abs(float(funding.rate) - found.sim.market.funding_rate(row, funding.ts / 1e9)) < 2e-6
            assert funding.interval_h == "1"
            assert funding.next_ts is not None
            assert 0 < funding.next_ts - funding.ts <= HOUR_NS


async def test_payments_of_the_last_week_are_published_once_and_agree_with_what_figures_tell(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, assets=frozenset({"BTC", "ETH"})) as found:
        await found.all_live()
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        await found.until(lambda: len(found.kept.of(Settlement)) >= 160 * len(perps))
        paid = Counter((one.symbol, one.settle_ts) for one in found.kept.of(Settlement))
        assert max(paid.values()) == 1
        assert {symbol for symbol, _ in paid} == perps
        assert min(at for _, at in paid) > time.time_ns() - 8 * DAY_NS
        assert all(at % HOUR_NS == 0 for _, at in paid)


async def test_a_lost_connection_says_down_and_up_again(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.kept.states("quote", symbol)[-1:] == ["up"])
        found.strike("abort")
        await found.until(lambda: "down" in found.kept.states("quote", symbol))
        await found.until(lambda: found.kept.states("quote", symbol)[-1] == "up")
        quotes = found.kept.of(Quote, symbol)
        assert all(late.recv >= early.recv for early, late in pairwise(quotes))


async def test_quotes_come_over_rest_one_by_one_while_sockets_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "QUOTES_S", 0.2)

    def refuse(sim: Simulator) -> None:
        sim.strike(Fault(kind="refuse", venue=NAME, status=503))

    # payments are asked for meanwhile: on the real budget quotes may have to wait a minute for their turn
    venue = replace(VENUES[NAME], hosts=tuple(replace(one, weight=6000) for one in VENUES[NAME].hosts))
    rules = Rules(own={"lighter.requests": 6000})
    async with stage(NAME, tmp_path, venue=venue, instruments=6, before=refuse, rules=rules) as found:
        await found.until(lambda: found.engine.selected)
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {quote.symbol for quote in found.kept.of(Quote)} == symbols)
        assert {quote.source for quote in found.kept.of(Quote)} == {"rest"}
        assert all(quote.bid and quote.ask for quote in found.kept.of(Quote))


async def test_a_refused_topic_is_found_among_those_of_its_second_and_left_out_alone(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path) as found:
        found.strike("refuse_topic", topic="*/ticker:1")
        await found.until(lambda: found.engine.counts["quarantined"] >= 1)
        await found.all_live()
        assert found.engine.counts["quarantined"] == 1
        assert standing(found.engine)[0] == "live"


async def test_a_book_stays_in_step_and_comes_back_into_step(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, assets=frozenset({"BTC"}), rate=100.0) as found:
        await found.all_live()
        symbol = watched(found)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset({symbol})})
        await found.until(lambda: len(found.kept.of(Book, symbol)) > 5 and found.kept.of(Depth, symbol))
        assert len(found.kept.of(Book, symbol)[-1].bids) == 50
        assert "gap" not in found.kept.states("book", symbol)
        found.strike("drop", topic="*/order_book:1", count=1)
        await found.until(lambda: "gap" in found.kept.states("book", symbol))
        await found.until(lambda: found.kept.states("book", symbol)[-1] == "up")
        found.strike("freeze")
        row = next(row for row in found.sim.market.listed if row.native == "1")

        def equal() -> bool:
            top = found.kept.of(Book, symbol)[-1]
            told = (top.bids[0], top.asks[0])
            return (
                told
                == (
                    (row.price_text(row.bid), row.size_text(row.bid_size)),
                    (row.price_text(row.ask), row.size_text(row.ask_size)),
                )
                or row.u != top.seq
            )

        await found.until(equal)


def forced(found: Stage) -> set[tuple[str, str]]:
    """(market, id) of the forced trades that the simulator delivered as they were made."""
    made: set[tuple[str, str]] = set()
    for key, _, framed in list(found.feed.kept):
        if "/trade:" in key:
            push = msgspec.json.decode(wire.payload_of(framed))
            made |= {(str(row["market_id"]), str(row["trade_id"])) for row in push["liquidation_trades"]}
    return made


async def test_forced_trades_of_all_perpetuals_are_liquidations_though_nobody_asks_for_trades(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path, rate=1500.0) as found:
        await found.until(lambda: len(found.kept.of(Liquidation)) >= 20)
        assert not found.kept.of(Trade)
        found.strike("freeze")
        natives = {one.symbol: one.native for one in found.engine.selected}

        def told() -> set[tuple[str, str]]:
            return {(natives[one.symbol], one.id or "") for one in found.kept.of(Liquidation)}

        perps = {one.native for one in found.engine.selected if one.market == "perp"}
        await found.until(lambda: {one for one in forced(found) if one[0] in perps} == told())
        assert len(found.kept.of(Liquidation)) == len(told())


async def test_trades_are_published_while_they_are_asked_for(tmp_path: Path) -> None:
    async with stage(NAME, tmp_path) as found:
        await found.all_live()
        symbol = watched(found)
        found.engine.ask_for({"trade": frozenset({symbol}), "book": frozenset()})
        await found.until(lambda: found.kept.of(Trade, symbol))
        found.engine.ask_for({"trade": frozenset(), "book": frozenset()})
        await found.until(lambda: not found.engine.desk.serves("trade", symbol))
        await found.until(
            lambda: not any("trade" in t.kinds for line in found.engine.lines.values() for t in line.topics)
        )


async def test_a_planned_rollover_loses_and_doubles_no_trade(tmp_path: Path) -> None:
    venue = hurried(VENUES[NAME], lifetime_s=5.0, frames=None, frames_per_second=100.0)
    assets = frozenset({"BTC"})
    async with stage(NAME, tmp_path, venue=venue, watch=assets, assets=assets, rate=1500.0, rules=MANY) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.engine.counts["ended"] >= 3)

        def sent() -> set[str]:
            made: set[str] = set()
            for key, _, framed in list(found.feed.kept):
                if key.endswith("/trade:1"):
                    push = msgspec.json.decode(wire.payload_of(framed))
                    made |= {str(row["trade_id"]) for row in push["trades"] + push["liquidation_trades"]}
            return made

        await found.until(lambda: len(sent()) > 50)
        found.strike("freeze")
        await found.until(lambda: sent() <= {trade.id for trade in found.kept.of(Trade, symbol)})
        published = Counter(trade.id for trade in found.kept.of(Trade, symbol))
        assert max(published.values()) == 1
        assert "down" not in found.kept.states("quote", symbol)[1:]
        stamps = [quote.seq for quote in found.kept.of(Quote, symbol) if quote.source == "ws"]
        assert all(late >= early for early, late in pairwise(stamps) if late and early)


async def test_pings_of_the_exchange_are_answered(tmp_path: Path) -> None:
    legacy = replace(VENUES[NAME].endpoints[0], url=VENUES[NAME].endpoints[0].url + "&server_pings=true")
    venue = replace(VENUES[NAME], endpoints=(legacy,))
    rules = Rules(own={"lighter.ping_s": 0.4})
    async with stage(NAME, tmp_path, venue=venue, rules=rules, instruments=4) as found:
        await found.all_live()
        socket = next(iter(found.feed.sockets))
        pinged = socket.pinged
        await found.until(lambda: socket.pinged > pinged + 2 and socket.ponged > pinged + 1)
        assert found.engine.counts["ended"] == 0


async def test_the_messages_of_a_minute_are_not_overstepped(tmp_path: Path) -> None:
    venue, begun = hurried(VENUES[NAME], frames=(20, 4.0)), time.time()
    async with stage(NAME, tmp_path, venue=venue) as found:
        await found.until(lambda: found.kept.of(Quote))
        symbol = watched(found)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset({symbol})})
        await found.until(lambda: found.kept.of(Book, symbol))
        await found.all_live()
        topics = list(found.feed.topics)
        book = next(place for place, key in enumerate(topics) if "/order_book:" in key)
        assert book < 25, "somebody asked for a book while topics waited"
        assert len(topics) > 40
        assert found.engine.counts["refused"] == 0
        stamps = sorted(found.sim.exchanges[NAME]._messages)  # type: ignore[attr-defined]
        assert len(stamps) > 40
        # a message may come late, and the next one then soon after it: each is held to the start
        assert all(stamp - begun >= 4.0 * (number // 20) for number, stamp in enumerate(stamps))


async def test_an_exchange_that_finds_it_too_much_is_asked_again_and_nothing_is_left_out(tmp_path: Path) -> None:
    rules = Rules(own={"lighter.messages": 30})
    async with stage(NAME, tmp_path, rules=rules) as found:
        await found.until(lambda: found.engine.counts["refused"] >= 1)
        rules.own["lighter.messages"] = 10_000  # type: ignore[index]
        await found.all_live()
        assert found.engine.counts["quarantined"] == 0
        assert found.engine.counts["ended"] == 0


async def test_a_market_that_halts_is_noticed_by_the_poll_and_let_go(tmp_path: Path) -> None:
    slow = VENUES[NAME]
    venue = replace(slow, calls=tuple(replace(one, every_s=0.5) if one.job == "poll" else one for one in slow.calls))
    async with stage(NAME, tmp_path, venue=venue, rules=Rules(own={"lighter.requests": 10_000})) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.kept.states("quote", symbol)[-1:] == ["up"])
        await found.until(lambda: found.feed.rest["/api/v1/orderBookDetails"] >= 3)
        found.strike("halt", coin="BTC", market="perp")
        await found.until(lambda: symbol not in {one.symbol for one in found.engine.selected})
        await found.until(lambda: found.kept.states("quote", symbol)[-1] == "down")

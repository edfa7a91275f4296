"""A whole engine against the simulated exchange: its numbers, refusals, login."""

import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from services.collector import jobs
from services.collector.standing import standing
from services.collector.variables import configured
from services.collector.venues.grvt import VENUE
from services.simulator import wire
from services.simulator.scenario import Event as Fault
from services.simulator.server import Simulator
from shared.events import Book, Depth, Funding, Mark, Quote, Settlement, State, Stats, Trade
from tests.collector.live import Stage, hurried, stage

BTC = "BTC/USDT:USDT"
ONE = frozenset({"BTC"})


async def test_every_instrument_gets_quotes_marks_funding_and_figures(tmp_path: Path) -> None:
    async with stage("grvt", tmp_path) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        assert "PEPE/USDT:USDT" in symbols
        for kind in (Quote, Mark, Funding, Stats):
            await found.until(lambda kind=kind: {event.symbol for event in found.kept.of(kind)} == symbols)  # type: ignore[misc]
        assert standing(found.engine) == ("live", "")
        assert not found.engine.plan.unplaced
        natives = {one.native for one in found.engine.table}
        assert {"XPD_USDT_Perp", "BTC_USDT_Fut_25Dec26", "OLDCO_USDT_Perp"} & natives == {"XPD_USDT_Perp"}
        assert "XPD/USDT:USDT" not in symbols
        assert all(event.interval_h in ("1", "4", "8") and event.next_ts for event in found.kept.of(Funding))
        await found.until(lambda: any(mark.mark is not None and mark.index is not None for mark in found.kept.of(Mark)))


async def test_quotes_and_funding_are_the_exchanges_own(tmp_path: Path) -> None:
    async with stage("grvt", tmp_path) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 300)
        found.strike("freeze")
        rows = found.rows()
        await found.quotes_equal()
        for event in found.kept.of(Funding):
            row = rows[event.symbol]
            # a wave of 0.0004 around 0.0001 for 8 hours: percent would be a hundred times that
            assert abs(Decimal(event.rate)) <= Decimal("0.0006") * row.interval_h / 8
            assert event.interval_h == str(row.interval_h)


async def test_a_lost_change_of_a_quote_says_down_and_a_new_picture_up(tmp_path: Path) -> None:
    async with stage("grvt", tmp_path, assets=ONE, rate=100.0) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote, BTC)) > 5)
        found.strike("drop", topic="*v1.mini.d*", count=1)
        await found.until(lambda: "down" in found.kept.states("quote", BTC))
        await found.until(lambda: found.kept.states("quote", BTC)[-1] == "up")
        reasons = [event.reason for event in found.kept.of(State, BTC) if event.state == "down"]
        assert any(reason.startswith("gap before ") for reason in reasons)
        assert found.engine.counts["ended"] == 0


async def test_a_book_comes_back_into_step(tmp_path: Path) -> None:
    async with stage("grvt", tmp_path, assets=ONE, rate=100.0) as found:
        await found.all_live()
        found.engine.ask_for({"book": frozenset({BTC})})
        await found.until(lambda: len(found.kept.of(Book, BTC)) > 5 and found.kept.of(Depth, BTC))
        assert len(found.kept.of(Book, BTC)[-1].bids) == 50
        found.strike("drop", topic="*v1.book.d*", count=1)
        await found.until(lambda: "gap" in found.kept.states("book", BTC))
        await found.until(lambda: found.kept.states("book", BTC)[-1] == "up")
        found.engine.ask_for({})
        await found.until(lambda: found.kept.states("book", BTC)[-1] == "down")


async def test_a_planned_rollover_loses_and_doubles_no_trade(tmp_path: Path) -> None:
    venue = hurried(VENUE, lifetime_s=4.0)
    async with stage("grvt", tmp_path, venue=venue, assets=ONE, rate=200.0, watch=ONE) as found:
        await found.all_live()
        await found.until(lambda: found.engine.counts["ended"] >= 4)

        def sent() -> set[str]:  # the first frame of a topic, number 0, has the last trade there was
            frames = [wire.payload_of(framed) for key, _, framed in list(found.feed.kept) if "/v1.trade/" in key]
            pushes = [msgspec.json.decode(frame) for frame in frames]
            return {push["feed"]["trade_id"] for push in pushes if push["sequence_number"] != "0"}

        await found.until(lambda: len(sent()) > 10)
        found.strike("freeze")
        await found.until(lambda: sent() <= {event.id for event in found.kept.of(Trade, BTC)})
        ids = [int(event.id.partition("-")[0]) for event in found.kept.of(Trade, BTC)]
        assert max(Counter(ids).values()) == 1
        assert sorted(ids) == list(range(min(ids), max(ids) + 1))
        assert "down" not in found.kept.states("quote", BTC)[1:]


async def test_a_refused_instrument_is_left_out_and_all_others_live(tmp_path: Path) -> None:
    def refuse(sim: Simulator) -> None:
        event = msgspec.convert(
            {"kind": "refuse_topic", "venue": "grvt", "topic": "ETH_USDT_Perp@0", "code": 3000}, Fault
        )
        sim.driver.timeline.add(event)
        sim.driver.play(time.time())

    async with stage("grvt", tmp_path, instruments=12, before=refuse) as found:
        await found.until(lambda: found.engine.counts["quarantined"] == 1)
        others = {one.symbol for one in found.engine.selected} - {"ETH/USDT:USDT"}
        await found.until(lambda: {q.symbol for q in found.kept.of(Quote) if q.source == "ws"} == others)


async def test_rest_tickers_fill_in_while_sockets_are_refused(tmp_path: Path) -> None:
    async with stage("grvt", tmp_path, instruments=8) as found:
        found.strike("refuse")
        await found.until(lambda: found.engine.selected)
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {q.symbol for q in found.kept.of(Quote) if q.source == "rest"} == symbols)


async def test_funding_history_is_published_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SETTLE_LOOK_S", 0.2)
    async with stage("grvt", tmp_path, assets=frozenset({"BTC", "PEPE"})) as found:
        await found.until(lambda: len({event.symbol for event in found.kept.of(Settlement)}) == 2)
        for symbol in (BTC, "PEPE/USDT:USDT"):
            made = found.kept.of(Settlement, symbol)
            # of a week each eight hours; the oldest may have grown too old on its way
            assert len({event.settle_ts for event in made}) == len(made) >= 7 * 24 // 8 - 1
            assert all(event.settle_ts % 3_600_000_000_000 == 0 for event in made)


def carried(found: Stage) -> Counter[str]:
    """The cookies of what was asked over REST."""
    return Counter(found.sim.exchanges["grvt"].cookies)  # type: ignore[attr-defined]


async def test_a_key_opens_a_session_that_calls_carry(tmp_path: Path) -> None:
    venue = configured(VENUE, {"GRVT_API_KEY": "good-key"}, addresses=False)
    async with stage("grvt", tmp_path, venue=venue, instruments=8) as found:
        await found.all_live()
        assert found.feed.rest["/auth/api_key/login"] == 1
        assert carried(found)["gravity=MTc5NTAwMDAwMA"] >= 3  # the listing and two sockets


async def test_a_wrong_key_leaves_what_is_public(tmp_path: Path) -> None:
    venue = configured(VENUE, {"GRVT_API_KEY": "wrong-key"}, addresses=False)
    async with stage("grvt", tmp_path, venue=venue, instruments=8) as found:
        await found.all_live()
        assert found.feed.rest["/auth/api_key/login"] == 1
        assert set(carried(found)) == {""}

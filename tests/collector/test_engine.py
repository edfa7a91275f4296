"""A whole engine against the simulated exchanges, with what goes wrong on a network."""

import json
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from services.collector import engine, quotes
from services.collector.messages import Message
from services.collector.pulse import STALL_NS, Pulse
from services.collector.standing import standing
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues import VENUES
from services.simulator import wire
from services.simulator.options import Rules
from services.simulator.scenario import Event as Fault
from services.simulator.server import Simulator
from shared.events import Book, Depth, Funding, Liquidation, Mark, Quote, Settlement, State, Stats, Trade
from tests.collector.live import LIMIT_S, NEVER, Stage, hurried, stage

BOTH = pytest.mark.parametrize("name", ["binance", "okx"])


def watched(found: Stage) -> str:
    """A perpetual whose trades are collected."""
    return next(one.symbol for one in found.engine.selected if one.asset == "BTC" and one.market == "perp")


@BOTH
async def test_every_selected_instrument_gets_quotes_and_perpetuals_their_marks_and_funding(
    name: str, tmp_path: Path
) -> None:
    async with stage(name, tmp_path) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert symbols
        assert perps
        await found.until(lambda: {quote.symbol for quote in found.kept.of(Quote) if quote.source == "ws"} == symbols)
        await found.until(lambda: {mark.symbol for mark in found.kept.of(Mark)} == perps)
        await found.until(lambda: {funding.symbol for funding in found.kept.of(Funding)} == perps)
        await found.until(lambda: {stats.symbol for stats in found.kept.of(Stats)} == symbols)
        await found.until(lambda: standing(found.engine) == ("live", ""))
        assert not found.engine.plan.unplaced
        await found.until(lambda: any(mark.mark is not None and mark.index is not None for mark in found.kept.of(Mark)))


@BOTH
async def test_the_published_quotes_are_the_exchanges_own_once_the_market_holds_still(
    name: str, tmp_path: Path
) -> None:
    async with stage(name, tmp_path) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 300)
        found.strike("freeze")
        await found.quotes_equal()


@BOTH
async def test_a_first_quote_says_up_and_a_lost_connection_down_and_up_again(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.kept.states("quote", symbol) == ["up"])
        found.strike("abort")
        await found.until(lambda: found.kept.states("quote", symbol) == ["up", "down", "up"])
        quotes = found.kept.of(Quote, symbol)
        assert all(late.recv >= early.recv for early, late in pairwise(quotes))


@BOTH
async def test_garbage_is_counted_kept_as_one_sample_and_costs_nothing_else(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path) as found:
        await found.all_live()
        before = found.engine.counts["ended"]
        for _ in range(3):
            found.strike("garbage", text='{"half')
        await found.until(lambda: found.engine.samples.counts.total() >= 3)
        assert found.engine.counts["ended"] == before
        files = sorted((tmp_path / "samples" / name).iterdir())
        assert len(files) == len(found.engine.samples.counts)
        assert json.loads(files[0].read_text())["bytes"] > 0


async def test_a_stalled_exchange_makes_symbols_stale_and_up_again_when_it_answers(tmp_path: Path) -> None:
    async with stage("okx", tmp_path) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.kept.states("quote", symbol) == ["up"])
        found.strike("stall")
        await found.until(lambda: found.kept.states("quote", symbol) == ["up", "stale"])
        found.clear("stall")
        await found.until(lambda: found.kept.states("quote", symbol)[-1] == "up")


@BOTH
async def test_a_refused_topic_is_left_out_and_all_others_live(name: str, tmp_path: Path) -> None:
    topic = "*btcusdt@bookTicker" if name == "binance" else "*bbo-tbt*BTC-USDT-SWAP*"
    async with stage(name, tmp_path, before=lambda sim: None) as found:
        found.strike("refuse_topic", topic=topic)
        await found.until(lambda: found.engine.counts["quarantined"] >= 1)
        await found.all_live()
        refused = found.engine.counts["quarantined"]
        assert refused <= 2
        await found.until(lambda: standing(found.engine)[0] == "live")


@BOTH
async def test_slow_acknowledgements_are_waited_for(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path) as found:
        found.strike("slow_ack", delay_ms=1500)
        await found.all_live()
        assert found.engine.counts["ack_timeout"] == 0
        assert found.engine.counts["ended"] == 0


@pytest.mark.parametrize(
    ("status", "word", "sentence"),
    [
        (451, "blocked", "HTTP 451: not served from this region. Set HTTPS_PROXY or leave it out of VENUES=."),
        (403, "blocked", "HTTP 403: the exchange refuses this address."),
    ],
)
async def test_a_blocked_exchange_says_so_and_is_tried_again(
    status: int, word: str, sentence: str, tmp_path: Path
) -> None:
    async with stage("binance", tmp_path) as found:
        found.strike("block", status=status)
        await found.until(lambda: standing(found.engine) == (word, sentence))
        found.clear("block")
        await found.all_live()
        await found.until(lambda: standing(found.engine) == ("live", ""))


async def test_rest_quotes_fill_in_while_sockets_are_refused(tmp_path: Path) -> None:
    async with stage("binance", tmp_path) as found:
        found.strike("refuse", status=503)
        symbols = {one.symbol for one in found.engine.selected} if found.engine.selected else set()
        await found.until(lambda: found.kept.of(Quote))
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {quote.symbol for quote in found.kept.of(Quote)} == symbols)
        assert {quote.source for quote in found.kept.of(Quote)} == {"rest"}
        assert set(found.kept.states("quote")) == {"down"}
        found.clear("refuse")
        await found.all_live()
        await found.until(lambda: any(quote.source == "ws" for quote in found.kept.of(Quote)))


def sent_trades(found: Stage, topic_part: str, field: str) -> Counter[str]:
    """Ids of the trades that the simulator delivered, by how many sockets each went over."""
    ids: Counter[str] = Counter()
    for key, _, framed in list(found.feed.kept):
        if topic_part in key:
            frame = json.loads(wire.payload_of(framed))
            data = frame["data"]
            rows = data if isinstance(data, list) else [data]
            ids.update(str(row[field]) for row in rows)
    return ids


@pytest.mark.parametrize(
    ("name", "part", "field"), [("binance", "btcusdt@aggTrade", "a"), ("okx", "trades", "tradeId")]
)
async def test_a_planned_rollover_loses_and_doubles_no_trade_and_no_state(
    name: str, part: str, field: str, tmp_path: Path
) -> None:
    venue = hurried(VENUES[name], lifetime_s=5.0)
    assets = frozenset({"BTC"})
    async with stage(name, tmp_path, venue=venue, watch=assets, assets=assets, rate=1500.0) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.engine.counts["ended"] >= 6, 2 * LIMIT_S)
        await found.until(lambda: len(sent_trades(found, part, field)) > 50)
        found.strike("freeze")
        await found.until(lambda: set(sent_trades(found, part, field)) <= {trade.id for trade in found.kept.of(Trade)})
        published = Counter((trade.symbol, trade.id) for trade in found.kept.of(Trade))
        assert max(published.values()) == 1
        assert "down" not in found.kept.states("quote", symbol)[1:]
        quotes = found.kept.of(Quote, symbol)
        stamps = [quote.seq if quote.seq is not None else quote.ts for quote in quotes if quote.source == "ws"]
        assert all(late >= early for early, late in pairwise(stamps) if late and early)


@BOTH
async def test_what_is_asked_for_on_demand_is_subscribed_and_let_go(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path) as found:
        await found.all_live()
        symbol = watched(found)
        assert not found.kept.of(Trade)
        found.engine.ask_for({"trade": frozenset({symbol}), "book": frozenset()})
        await found.until(lambda: found.kept.of(Trade, symbol))
        found.engine.ask_for({"trade": frozenset(), "book": frozenset()})
        await found.until(lambda: not found.engine.desk.serves("trade", symbol))
        await found.until(
            lambda: not any("trade" in t.kinds for line in found.engine.lines.values() for t in line.topics)
        )


@BOTH
async def test_a_book_is_published_while_it_is_asked_for_and_comes_back_into_step(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path, assets=frozenset({"BTC"}), rate=100.0) as found:
        await found.all_live()
        symbol = watched(found)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset({symbol})})
        await found.until(lambda: len(found.kept.of(Book, symbol)) > 5 and found.kept.of(Depth, symbol))
        top = found.kept.of(Book, symbol)[-1]
        assert len(top.bids) == 50
        assert float(top.bids[0][0]) < float(top.asks[0][0])
        found.strike("drop", topic="*depth*" if name == "binance" else "*books*", count=1)
        await found.until(lambda: "gap" in found.kept.states("book", symbol))
        await found.until(lambda: found.kept.states("book", symbol)[-1] == "up")


async def test_new_and_delisted_instruments_follow_the_listing(tmp_path: Path) -> None:
    async with stage("okx", tmp_path) as found:
        await found.all_live()
        gone = watched(found).partition("/")[0]
        victims = {one.symbol for one in found.engine.selected if one.asset == gone}
        found.strike("delist", coin=gone)
        found.engine.relist.set()
        await found.until(lambda: not any(one.asset == gone for one in found.engine.selected))
        await found.until(lambda: all(found.kept.states("quote", symbol)[-1:] == ["down"] for symbol in victims))
        for symbol in victims:
            assert not any(field == symbol for _, field in found.kept.last)


async def test_a_process_that_stood_still_publishes_nothing_old_and_joins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [NEVER]
    monkeypatch.setattr(engine, "Pulse", partial(Pulse, now=lambda: clock[0], cpu=lambda: 0))
    async with stage("okx", tmp_path, stands_still=True) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.kept.states("quote", symbol) == ["up"])
        clock[0] = time.time_ns()
        deadline = clock[0] + STALL_NS
        await found.until(lambda: found.engine.pulse.deadline <= deadline)
        published = len(found.kept.of(Quote))
        found.sim.driver.quote([found.rows()[symbol]], time.time())
        found.feed.flush(time.time())
        while time.time_ns() <= deadline:
            time.sleep(0.1)  # noqa: ASYNC251 - the loop is to stand still, with a quote unread
        clock[0] = NEVER
        await found.until(lambda: found.engine.counts["fenced"])
        await found.until(
            lambda: found.kept.states("quote", symbol)[-1] == "up" and len(found.kept.of(Quote)) > published
        )
        assert "stale" in found.kept.states("quote", symbol)
        first = found.kept.of(Quote)[published]
        state = next(event for event in reversed(found.kept.of(State, symbol)) if event.state == "stale")
        assert first.recv > state.recv > deadline


@BOTH
async def test_liquidations_are_published_once(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path) as found:
        await found.until(lambda: len(found.kept.of(Liquidation)) >= 2, 2 * LIMIT_S)
        seen = Counter((one.symbol, one.id, one.ts, one.price, one.size) for one in found.kept.of(Liquidation))
        assert max(seen.values()) == 1


async def test_an_exchange_that_closes_old_connections_is_left_before_it_does(tmp_path: Path) -> None:
    venue = hurried(VENUES["binance"], lifetime_s=5.0)
    async with stage("binance", tmp_path, venue=venue, rules=Rules(lifetime_s=30.0), rate=100.0) as found:
        await found.all_live()
        await found.until(lambda: found.engine.counts["ended"] >= 6, 2 * LIMIT_S)
        assert set(found.kept.states("quote")) == {"down", "up"}
        assert found.kept.states("quote").count("down") == 1  # the start alone


async def test_a_fault_of_our_own_ends_the_engine_instead_of_reconnecting_for_ever(tmp_path: Path) -> None:
    def broken(table: Table, options: DecoderOptions) -> Decode:
        def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
            if request is None and frame != b"pong":
                raise ZeroDivisionError("ours")
            return list(VENUES["okx"].decoder(table, options)(frame, recv, request))

        return decode

    with pytest.raises(ExceptionGroup) as caught:
        async with stage("okx", tmp_path, venue=replace(VENUES["okx"], decoder=broken)) as found:
            await found.until(lambda: False, what="the engine's end")
    assert caught.group_contains(ZeroDivisionError)


@BOTH
async def test_funding_history_of_the_last_week_is_published_once(name: str, tmp_path: Path) -> None:
    async with stage(name, tmp_path, assets=frozenset({"BTC", "ETH"})) as found:
        await found.all_live()
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        await found.until(lambda: {one.symbol for one in found.kept.of(Settlement)} == perps)
        paid = Counter((one.symbol, one.settle_ts) for one in found.kept.of(Settlement))
        assert max(paid.values()) == 1
        assert min(at for _, at in paid) > time.time_ns() - 8 * 86_400 * 1_000_000_000


@BOTH
async def test_a_frame_that_is_never_acknowledged_is_sent_again(name: str, tmp_path: Path) -> None:
    def lose_one(sim: Simulator) -> None:
        event = msgspec.convert({"kind": "no_ack", "venue": name, "count": 1}, Fault)
        sim.driver.timeline.add(event)
        sim.driver.play(time.time())

    async with stage(name, tmp_path, before=lose_one) as found:
        await found.all_live()
        assert found.engine.counts["ended"] == 0


async def test_a_topic_that_freezes_on_a_living_connection_is_found_by_rest_and_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "EVERY_S", 0.3)
    async with stage("okx", tmp_path) as found:
        await found.all_live()
        symbol = watched(found)
        await found.until(lambda: found.kept.states("quote", symbol) == ["up"])
        native = found.engine.table.by_symbol[symbol].native
        found.strike("drop", topic=f"*bbo-tbt*{native}", share=1.0)
        for name, value in (("SILENT_NS", 500_000_000), ("APART_NS", 500_000_000), ("SAME", 0.0)):
            monkeypatch.setattr(quotes, name, value)
        await found.until(lambda: "stale" in found.kept.states("quote", symbol))
        assert found.engine.counts["frozen"] >= 1
        found.clear("drop")
        await found.until(lambda: found.kept.states("quote", symbol)[-1] == "up")

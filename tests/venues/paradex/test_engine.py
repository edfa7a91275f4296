"""A whole engine against the simulated exchange: every topic live, its own prices, books in step, rollovers."""

import json
from collections import Counter
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from struct import unpack_from

from services.collector.capture import Writer, read_files
from services.collector.recorded import Listing, Recorded
from services.collector.standing import standing
from services.collector.venues import VENUES
from services.simulator import wire
from shared.events import Book, Depth, Funding, Liquidation, Mark, Quote, Settlement, Stats, Trade
from tests.collector.live import Stage, hurried, stage
from tests.simulator.client import rest

BTC = "BTC/USD:USDC"


async def test_every_topic_is_live_and_every_kind_arrives(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path) as found:
        await found.all_live()
        symbols = {one.symbol for one in found.engine.selected}
        perps = {one.symbol for one in found.engine.selected if one.market == "perp"}
        assert {"BTC/USD", BTC, "PEPE/USD:USDC"} <= symbols
        await found.until(lambda: {quote.symbol for quote in found.kept.of(Quote) if quote.source == "ws"} == symbols)
        await found.until(lambda: {mark.symbol for mark in found.kept.of(Mark)} == perps)
        await found.until(lambda: {rate.symbol for rate in found.kept.of(Funding) if rate.funding_index} == perps)
        await found.until(lambda: {stats.symbol for stats in found.kept.of(Stats)} == symbols)
        assert standing(found.engine) == ("live", "")
        assert not found.engine.plan.unplaced
        assert not found.kept.of(Settlement)
        assert all(rate.next_ts is None and rate.interval_h for rate in found.kept.of(Funding))
        assert all(mark.mark and mark.index for mark in found.kept.of(Mark))
        assert {name for name, _ in found.engine.lines} == {"quotes", "public", "forced"}
        assert set(found.engine.samples.counts) <= {"unused_trade", "out_of_scope"}  # of all markets' trades


async def test_the_published_quotes_are_the_exchanges_own_once_the_market_holds_still(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 300)
        found.strike("freeze")
        assert any(row.multiplier == 1000 for row in found.rows().values())
        await found.quotes_equal()


async def test_trades_are_taken_on_demand_and_liquidations_always(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path, rate=2000.0) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Liquidation)) >= 2)
        assert not found.kept.of(Trade)
        found.engine.ask_for({"trade": frozenset({BTC}), "book": frozenset()})
        await found.until(lambda: len(found.kept.of(Trade, BTC)) > 5)
        found.engine.ask_for({"trade": frozenset(), "book": frozenset()})
        await found.until(lambda: not found.engine.desk.serves("trade", BTC))
        await found.until(
            lambda: not any("trade" in topic.kinds for line in found.engine.lines.values() for topic in line.topics)
        )
        assert {trade.symbol for trade in found.kept.of(Trade)} == {BTC}
        seen = Counter((one.symbol, one.id) for one in found.kept.of(Liquidation))
        assert max(seen.values()) == 1


async def test_a_book_comes_back_into_step_by_a_new_subscription(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path, assets=frozenset({"BTC"}), rate=100.0) as found:
        await found.all_live()
        found.engine.ask_for({"trade": frozenset(), "book": frozenset({BTC})})
        await found.until(lambda: len(found.kept.of(Book, BTC)) > 5 and found.kept.of(Depth, BTC))
        top = found.kept.of(Book, BTC)[-1]
        assert len(top.bids) == 50
        assert float(top.bids[0][0]) < float(top.asks[0][0])
        found.strike("drop", topic="*order_book*", count=1)
        await found.until(lambda: "gap" in found.kept.states("book", BTC))
        await found.until(lambda: found.kept.states("book", BTC)[-1] == "up")
        assert found.engine.counts["quarantined"] == 0


def ids_sent(found: Stage) -> set[str]:
    """The ids of the trades of one market that the exchange delivered."""
    kept = [(key, framed) for key, _, framed in list(found.feed.kept)]
    payloads = [wire.payload_of(framed) for key, framed in kept if key.endswith("/trades.BTC-USD-PERP")]
    return {str(unpack_from("<q", payload, 24)[0]) for payload in payloads}


async def test_a_planned_rollover_loses_and_doubles_nothing(tmp_path: Path) -> None:
    venue, assets = hurried(VENUES["paradex"], lifetime_s=5.0), frozenset({"BTC"})
    async with stage("paradex", tmp_path, venue=venue, watch=assets, assets=assets, rate=1500.0) as found:
        await found.all_live()
        await found.until(lambda: found.engine.counts["ended"] >= 6)
        await found.until(lambda: len(ids_sent(found)) > 50)
        found.strike("freeze")
        await found.until(lambda: ids_sent(found) <= {trade.id for trade in found.kept.of(Trade, BTC)})
        published = Counter(trade.id for trade in found.kept.of(Trade, BTC))
        assert max(published.values()) == 1
        assert "down" not in found.kept.states("quote", BTC)[1:]
        quotes = [quote for quote in found.kept.of(Quote, BTC) if quote.source == "ws"]
        assert all((late.seq or 0) >= (early.seq or 0) for early, late in pairwise(quotes))


async def test_a_refused_topic_is_left_out_and_all_others_live(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path) as found:
        found.strike("refuse_topic", topic="*/bbo.BTC-USD-PERP")
        await found.until(lambda: found.engine.counts["quarantined"] >= 1)
        await found.all_live()
        assert found.engine.counts["quarantined"] == 1
        assert not any(quote.source == "ws" for quote in found.kept.of(Quote, BTC))


async def test_rest_quotes_fill_in_while_sockets_are_refused(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path) as found:
        found.strike("refuse", status=503)
        await found.until(lambda: found.kept.of(Quote))
        symbols = {one.symbol for one in found.engine.selected}
        await found.until(lambda: {quote.symbol for quote in found.kept.of(Quote)} == symbols)
        assert {quote.source for quote in found.kept.of(Quote)} == {"rest"}


async def test_what_was_delivered_goes_through_a_capture_and_decodes_to_what_was_published(tmp_path: Path) -> None:
    async with stage("paradex", tmp_path, instruments=8, rate=200.0) as found:
        await found.all_live()
        await found.until(lambda: len(found.kept.of(Quote)) > 200)
        found.strike("freeze")
        sent = [(number, wire.payload_of(framed)) for key, number, framed in found.feed.kept if "/bbo." in key]
        _, body, _ = await rest(found.sim, "api.prod.paradex.trade/v1/markets")
        await found.until(lambda: len(published(found)) == len({payload for _, payload in sent}))
        shown = published(found)
    capture = tmp_path / "session.jsonl"
    writer = Writer(capture, "paradex", "v1")
    for at, (number, payload) in enumerate(sent, 1):
        writer.frame(at, f"quotes/{number}", payload)
    writer.close()
    listing = Listing(VENUES["paradex"])
    assert listing.add(json.dumps(body).encode())
    listing.refresh()
    recorded = Recorded(VENUES["paradex"], listing, None)
    lines = [line for line in read_files([str(capture)], BytesIO()) if line.skipped is None]
    assert [line.frame for line in lines] == [payload for _, payload in sent]
    recorded.choose_quotes(lines)
    decoded = [message for line in lines for message in recorded.decode(line)]
    assert {pick(quote) for quote in decoded if isinstance(quote, Quote)} == shown


def published(found: Stage) -> set[tuple[object, ...]]:
    return {pick(quote) for quote in found.kept.of(Quote) if quote.source == "ws"}


def pick(quote: Quote) -> tuple[object, ...]:
    return quote.symbol, quote.bid, quote.bid_size, quote.ask, quote.ask_size, quote.ts, quote.seq

"""What is said of single instruments, followed while an engine runs against the simulated exchange."""

import logging
from decimal import Decimal
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.collector.following import Following
from services.collector.override_file import OverrideFile
from services.collector.overrides import Override, Overrides
from services.collector.venues import VENUES
from shared.config import Settings
from shared.events import Book, Quote
from shared.instruments import UNCONFIRMED, Instrument
from tests.collector.live import Stage, stage

NATIVE = "1000PEPEUSDT"
UNREVIEWED = """
[[event]]
kind = "list"
venue = "binance"
coin = "ARB"
name = "1000ARB"
multiplier = 1000

[[event]]
kind = "delist"
venue = "binance"
coin = "ARB"
name = "ARB"
"""


def said(native: str, **fields: str | bool) -> Overrides:
    return Overrides(given=(Override(venue="binance", native=native, market="perp", **fields),))  # type: ignore[arg-type]


def listed(found: Stage, native: str) -> Instrument:
    return next(one for one in found.engine.table if one.market == "perp" and one.native == native)


def newest(found: Stage, symbol: str) -> Decimal:
    return Decimal(found.kept.of(Quote, symbol)[-1].bid or 0)


async def test_another_coin_leaves_its_old_symbol_and_comes_under_the_new_one(tmp_path: Path) -> None:
    async with stage("binance", tmp_path, instruments=60) as found:
        await found.all_live()
        old, new = "PEPE/USDT:USDT", "PEPEX/USDT:USDT"
        await found.until(lambda: found.kept.states("quote", old) == ["up"])
        others = [one.symbol for one in found.engine.selected if one.symbol != old]
        await found.until(lambda: all(found.kept.states("quote", symbol) == ["up"] for symbol in others))
        found.engine.override(said(NATIVE, asset="PEPEX"))
        await found.until(lambda: found.kept.states("quote", new) == ["up"])
        await found.all_live()
        assert found.kept.states("quote", old) == ["up", "down"]
        assert not any(field == old for _, field in found.kept.last)
        assert all(found.kept.states("quote", symbol) == ["up"] for symbol in others)
        assert found.engine.counts["ended"] == 0
        found.engine.override(Overrides())
        await found.until(lambda: found.kept.states("quote", old)[-1] == "up")
        assert found.kept.states("quote", new) == ["up", "down"]


async def test_another_multiplier_changes_prices_and_books_between_a_down_and_an_up(tmp_path: Path) -> None:
    async with stage("binance", tmp_path, instruments=60, watch=frozenset({"PEPE"})) as found:
        await found.all_live()
        symbol = listed(found, NATIVE).symbol
        found.engine.ask_for({"book": frozenset({symbol})})
        await found.until(lambda: found.kept.of(Book, symbol))
        await found.until(lambda: found.kept.of(Quote, symbol))
        before, tick = newest(found, symbol), Decimal(listed(found, NATIVE).tick_size or 0)
        found.engine.override(said(NATIVE, multiplier="1"))
        assert Decimal(listed(found, NATIVE).tick_size or 0) == tick * 1000
        await found.until(lambda: found.kept.states("quote", symbol) == ["up", "down", "up"])
        await found.until(lambda: "down" in (said := found.kept.states("book", symbol)) and said[-1] == "up")
        assert 900 < newest(found, symbol) / before < 1100
        assert 900 < Decimal(found.kept.of(Book, symbol)[-1].bids[0][0]) / before < 1100
        assert {Decimal(quote.bid or 0) / before > 900 for quote in found.kept.of(Quote, symbol)} == {False, True}
        assert found.engine.counts["ended"] == 0


async def test_a_quarantined_instrument_is_collected_no_more_and_says_so(tmp_path: Path) -> None:
    async with stage("binance", tmp_path, instruments=60) as found:
        await found.all_live()
        symbol = listed(found, NATIVE).symbol
        await found.until(lambda: found.kept.states("quote", symbol) == ["up"])
        found.engine.override(said(NATIVE, quarantine="withdrawals are closed"))
        await found.until(lambda: found.kept.states("quote", symbol) == ["up", "down"])
        assert listed(found, NATIVE).quarantine_reason == "withdrawals are closed"
        assert symbol not in {one.symbol for one in found.engine.selected}


async def test_a_reading_that_waits_is_collected_and_confirmed_by_the_price_check_in_redis(
    tmp_path: Path, redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    scenario = tmp_path / "unreviewed.toml"
    scenario.write_text(UNREVIEWED)
    path = tmp_path / "overrides.toml"
    path.write_text("[[instrument]]\nvenue = 'binance'\nnative = 'NOPE'\ntrust = true\n")
    async with stage("binance", tmp_path, instruments=120, scenario=scenario) as found:
        file = OverrideFile(Settings(overrides=str(path)), VENUES)
        following = Following(redis_client, found.engine, file)
        await following.look()
        await found.all_live()
        one = listed(found, "1000ARBUSDT")
        assert (one.symbol, one.multiplier, one.quarantine_reason) == ("ARB/USDT:USDT", "1000", UNCONFIRMED)
        await found.until(lambda: found.kept.states("quote", one.symbol) == ["up"])
        said = b'{"multiplier":"1000","asset":"ARB","by":"scanner","at":1}'
        await redis_client.hset("overrides:binance", mapping={one.native: said, "OTHER": b"{"})
        with caplog.at_level(logging.WARNING):
            await following.look()
            await following.look()
        assert caplog.text.count("an override in Redis is left out") == 1
        assert "binance: an override in Redis is left out: OTHER=b" in caplog.text
        assert (listed(found, one.native).status, listed(found, one.native).quarantine_reason) == ("trading", None)
        assert found.kept.states("quote", one.symbol) == ["up"]
        assert [each.native for each in found.engine.roster.unused()] == ["NOPE"]
        found.engine.relist.set()
        await redis_client.delete("overrides:binance")
        await following.look()
        assert listed(found, one.native).status == "quarantined"

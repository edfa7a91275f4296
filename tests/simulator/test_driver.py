"""Scenarios on a running market."""

import time
from pathlib import Path
from typing import Any

from services.simulator.options import Options
from services.simulator.scenario import Event
from services.simulator.server import Simulator
from tests.simulator.client import next_that, rest, say, socket, until

OKX = "ws.okx.com/ws/v5/public"


def bbo(*names: str) -> dict[str, object]:
    return {"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": name} for name in names]}


def quote(message: Any) -> tuple[float, float]:
    row = message["data"][0]
    return float(row["bids"][0][0]), float(row["asks"][0][0])


async def test_two_simulators_with_one_seed_quote_alike() -> None:
    options = Options(venues=("okx",), instruments=40, rate=0)
    async with Simulator(options) as first, Simulator(options) as second:
        t = 1_795_000_123.0
        for sim in (first, second):
            sim.driver.quote(sim.market.listed, t)
        one, two = (
            [(row.native, row.bid, row.ask, row.bid_size) for row in sim.market.listed if row.status == "trading"]
            for sim in (first, second)
        )
    assert one == two


async def test_a_spike_lasts_one_tick() -> None:
    async with Simulator(Options(venues=("okx",), instruments=40, rate=0)) as sim, socket(sim, OKX) as ws:
        await say(ws, bbo("DOGE-USDT"))
        before, _ = quote(await next_that(ws, lambda m: "data" in m))
        sim.strike(Event(kind="spike", venue="okx", coin="DOGE", market="spot", bps=150))
        high, _ = quote(await next_that(ws, lambda m: "data" in m))
        after, _ = quote(await next_that(ws, lambda m: "data" in m))
    assert high / before - 1 > 0.01
    assert abs(after / before - 1) < 0.003


async def test_a_gap_opens_at_once_on_a_market_that_is_otherwise_still() -> None:
    async with Simulator(Options(venues=("binance", "okx"), instruments=200, rate=0)) as sim, socket(sim, OKX) as ws:
        await say(ws, bbo("WIF-USDT-SWAP"))
        before, _ = quote(await next_that(ws, lambda m: "data" in m))
        sim.strike(Event(kind="gap", venue="okx", against="binance", coin="WIF", bps=120))
        now, _ = quote(await next_that(ws, lambda m: "data" in m))
        assert now / before - 1 > 0.009
        # it goes on quoting while it is on, and returns when it is over
        await next_that(ws, lambda m: "data" in m)
        sim.clear("gap")
        await next_that(ws, lambda m: "data" in m and abs(quote(m)[0] / before - 1) < 0.003)


async def test_crossed_quotes_are_sent_as_they_are() -> None:
    async with Simulator(Options(venues=("okx",), instruments=40, rate=0)) as sim, socket(sim, OKX) as ws:
        await say(ws, bbo("BTC-USDT"))
        sim.strike(Event(kind="crossed", venue="okx", coin="BTC", bps=10))
        await next_that(ws, lambda m: "data" in m and quote(m)[0] > quote(m)[1])


async def test_an_instrument_appears_when_it_is_listed_and_goes_when_it_is_delisted(tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    file.write_text('[[event]]\nkind = "list"\nat = 0.1\ncoin = "NEWCO"', encoding="utf-8")
    async with Simulator(Options(venues=("okx",), instruments=40, rate=200, scenario=file, wait=True)) as sim:

        async def swaps() -> dict[str, str]:
            _, body, _ = await rest(sim, "www.okx.com/api/v5/public/instruments?instType=SWAP")
            return {row["instId"]: row["state"] for row in body["data"]}

        assert "NEWCO-USDT-SWAP" not in await swaps()
        row = next(row for row in sim.market.listed if row.native == "NEWCO-USDT-SWAP")
        await rest(sim, "_sim/begin", {})
        await until(lambda: row.status == "trading")
        assert (await swaps())["NEWCO-USDT-SWAP"] == "live"
        sim.strike(Event(kind="delist", venue="okx", coin="NEWCO"))
        assert "NEWCO-USDT-SWAP" not in await swaps()
        async with socket(sim, OKX) as ws:
            await say(ws, bbo("NEWCO-USDT-SWAP"))
            assert (await next_that(ws, lambda m: "event" in m))["code"] == "60018"


async def test_a_halted_instrument_is_silent() -> None:
    async with Simulator(Options(venues=("okx",), instruments=10, rate=500)) as sim:
        sim.strike(Event(kind="halt", venue="okx", coin="BTC"))
        row = next(row for row in sim.market.listed if row.native == "BTC-USDT")
        u, events = row.u, sim.driver.events
        await until(lambda: sim.driver.events > events + 100)
        assert row.u == u


async def test_slices_that_are_overdue_are_left_out_and_counted() -> None:
    async with Simulator(Options(venues=("okx",), instruments=10, rate=100)) as sim:
        assert sim.driver.skipped == 0
        sim.driver.catch_up(sim.driver.started + 10)
        assert abs(sim.driver.skipped - 4500) <= 1  # the moment may fall on the edge of a slice


async def test_the_scenarios_clock_stands_at_0_until_it_is_begun(tmp_path: Path) -> None:
    text = '[[event]]\nkind = "thin"\ncoin = "BTC"\nfactor = 0.1\n'
    text += '[[event]]\nkind = "halt"\nvenue = "okx"\ncoin = "SOL"\nat = 0.2\n'
    text += '[[event]]\nkind = "halt"\nvenue = "okx"\ncoin = "ETH"\nat = 3600\n'
    (tmp_path / "late.toml").write_text(text, encoding="utf-8")
    options = Options(venues=("okx",), instruments=40, rate=200, scenario=tmp_path / "late.toml", wait=True)
    async with Simulator(options) as sim:
        sol = next(row for row in sim.market.listed if row.coin == "SOL")
        await until(lambda: sim.driver.events > 200)
        assert [event.kind for event in sim.driver.active] == ["thin"]
        assert sol.status == "trading"
        before = time.time()
        status, body, _ = await rest(sim, "_sim/begin", {})
        assert (status, body["ok"]) == (200, True)
        assert body["started"] >= before
        await until(lambda: sol.status == "halted")
        _, rows, _ = await rest(sim, "_sim/quotes?venue=okx")
    assert {row["coin"] for row in rows if row["status"] == "halted" and row["collectable"]} == {"SOL"}

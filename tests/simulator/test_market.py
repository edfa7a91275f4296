from random import Random

import pytest

from services.simulator.listing import Listed
from services.simulator.market import Market
from services.simulator.scenario import Event
from services.simulator.venues import build

T = 1_795_000_000.0


def market(count: int = 80, seed: int = 1) -> Market:
    return Market([row for venue in ("binance", "okx") for row in build(venue, count, seed)], seed)


def find(market: Market, venue: str, native: str) -> Listed:
    return next(row for row in market.listed if row.venue == venue and row.native == native)


def coin_prices(market: Market, row: Listed) -> tuple[float, float]:
    """Bid and ask for one coin."""
    scale = 10**row.price_decimals * row.multiplier
    return row.bid / scale, row.ask / scale


def test_the_same_seed_and_time_give_the_same_quotes_in_any_order() -> None:
    first, second = market(), market()
    for row in first.listed:
        first.requote(row, T, Random(1))
    for row in reversed(second.listed):
        second.requote(row, T - 5000.0, Random(1))
        second.requote(row, T, Random(1))
    assert [(row.bid, row.ask) for row in first.listed] == [(row.bid, row.ask) for row in second.listed]
    other = market(seed=2)
    other.requote(find(other, "okx", "BTC-USDT"), T, Random(1))
    assert find(other, "okx", "BTC-USDT").bid != find(first, "okx", "BTC-USDT").bid


def test_one_coin_costs_the_same_everywhere_whatever_it_is_called() -> None:
    world = market()
    world.start(T)
    for row in world.listed:
        if row.collectable and row.category == "crypto":
            bid, ask = coin_prices(world, row)
            assert bid < ask
            step = 1 / (10**row.price_decimals * row.multiplier)
            fair = world.fair(row.coin, T) / world.quote_usd(row.quote, T)
            assert bid - 2 * step <= fair * 1.002
            assert ask + 2 * step >= fair * 0.998


def test_without_a_scenario_nothing_is_for_nothing() -> None:
    """No two venues cross by more than the noise that the defaults allow, far below any threshold."""
    world = market(40)
    worst = 0.0
    for n in range(200):
        for row in world.listed:
            world.requote(row, T + n * 3.3, Random(n))
        for rows in world.by_coin.values():
            live = [row for row in rows if row.status == "trading" and row.quote == "USDT" and row.market != "dated"]
            edges = [coin_prices(world, dear)[0] / coin_prices(world, cheap)[1] - 1 for dear in live for cheap in live]
            worst = max([worst, *edges])
    assert worst < 0.001


@pytest.mark.parametrize("bps", [20.0, 95.0, 300.0])
@pytest.mark.parametrize("coin", ["BTC", "WIF", "PEPE"])
def test_a_gap_is_as_wide_as_the_scenario_says(coin: str, bps: float) -> None:
    world = market(200)
    world.apply([Event(kind="gap", venue="okx", against="binance", coin=coin, bps=bps)])
    for row in world.by_coin[coin]:
        world.requote(row, T, Random(1))
    dear = [row for row in world.by_coin[coin] if row.venue == "okx" and row.quote == "USDT" and row.market == "perp"]
    cheap = [
        row for row in world.by_coin[coin] if row.venue == "binance" and row.quote == "USDT" and row.market == "perp"
    ]
    bid, ask = coin_prices(world, dear[0])[0], coin_prices(world, cheap[0])[1]
    step = 1 / (10 ** cheap[0].price_decimals * cheap[0].multiplier) / ask * 1e4
    assert (bid / ask - 1) * 1e4 == pytest.approx(bps, abs=2 * step + 0.5)


def test_scenario_events_change_what_they_name_and_nothing_else() -> None:
    world = market(500)
    events = [
        Event(kind="funding", venue="okx", coin="SUI", rate=-0.0007),
        Event(kind="crossed", venue="okx", coin="TIA", bps=12),
        Event(kind="thin", coin="TRB", factor=0.001),
        Event(kind="depeg", bps=-40),
    ]
    touched = {row.coin for row in world.apply(events)}
    assert touched <= {"SUI", "TIA", "TRB", "USDC"}
    for row in world.listed:
        world.requote(row, T, Random(5))
    assert world.funding_rate(find(world, "okx", "SUI-USDT-SWAP"), T) == -0.0007
    assert world.funding_rate(find(world, "binance", "SUIUSDT"), T) != -0.0007
    crossed = {(row.venue, row.coin) for row in world.listed if row.bid >= row.ask}
    assert crossed == {("okx", row.coin) for row in world.by_coin.get("TIA", []) if row.venue == "okx"}
    usdc = find(world, "okx", "USDC-USDT")
    assert usdc.ask / 10**usdc.price_decimals < 0.9965
    world.apply([])
    assert world.quote_usd("USDC", T) == 1.0


def test_draws_are_reproducible_and_prefer_the_liquid() -> None:
    world = market()
    picked = world.draw(Random(1), 4000)
    assert [row.native for row in picked] == [row.native for row in world.draw(Random(1), 4000)]
    ranks = [row.rank for row in picked]
    assert sum(rank < 20 for rank in ranks) > sum(rank >= 60 for rank in ranks)
    assert all(row.status == "trading" for row in picked)


def test_funding_settles_on_the_interval() -> None:
    world = market(600)
    for row in world.listed:
        due = world.next_funding_ms(row, T)
        assert due % (row.interval_h * 3_600_000) == 0
        assert 0 < due - T * 1000 <= row.interval_h * 3_600_000


def test_a_trade_happens_at_the_quote() -> None:
    world = market()
    world.start(T)
    row = find(world, "binance", "BTCUSDT")
    before = row.trade_id
    buys = world.trade(row, Random(3))
    assert row.last == (row.ask if buys else row.bid)
    assert row.trade_id == before + 1


def test_funding_may_settle_at_other_times_while_an_event_lasts() -> None:
    world = market()
    row = find(world, "okx", "SUI-USDT-SWAP")
    world.apply([Event(kind="funding", venue="okx", coin="SUI", rate=0.001, every_s=300)])
    due = world.next_funding_ms(row, T)
    assert due % 300_000 == 0
    assert 0 < due - T * 1000 <= 300_000
    world.apply([])
    assert world.next_funding_ms(row, T) % (row.interval_h * 3_600_000) == 0

from dataclasses import replace

import pytest

from services.simulator.coins import Coin
from services.simulator.listing import (
    Listed,
    Market,
    amend,
    contract_value,
    instrument,
    price_decimals,
    size_decimals,
)
from services.simulator.venue import Offer
from services.simulator.venues import VENUES, build


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("count", [1, 40, 1000])
def test_a_venue_lists_as_many_collectable_instruments_as_asked_for_and_some_odd_ones(venue: str, count: int) -> None:
    rows = build(venue, count, seed=1)
    good = [row for row in rows if row.collectable]
    wanted = min(count, VENUES[venue].most or count)
    assert wanted <= len(good) <= wanted + 8
    assert all(row.market in ("spot", "perp") and row.quote in ("USDT", "USDC", "USD") for row in good)
    assert len({(row.market == "spot", row.native) for row in rows}) == len(rows)
    assert any(row.status != "trading" for row in rows), "a collector must meet a row that it leaves alone"
    assert len({row.number for row in rows}) == len(rows)


def test_a_venue_with_few_perpetuals_lists_all_it_has_and_no_more() -> None:
    def listing(coin: Coin, market: Market, quote: str, seed: int, **terms: object) -> Listed:
        return amend(instrument("small", market, coin.name, coin, coin.name, quote, seed, interval_h=1), terms)

    small = replace(
        VENUES["okx"], name="small", listing=listing, offers=(Offer("perp", "USDC", below=0.5),),
        extras=lambda seed: [listing(Coin("OLD", 1.0, 9), "perp", "USDC", seed, status="halted", number=77_777)],
        most=150, stable="",
    )  # fmt: skip
    rows = small.rows(1000, 1)
    assert len([row for row in rows if row.collectable]) == 150
    assert len(small.rows(20, 1)) == 21
    assert {row.market for row in rows} == {"perp"}
    assert {row.interval_h for row in rows} == {1}
    assert [row.number for row in rows] == [*range(150), 77_777]


def test_the_odd_rows_are_those_that_trip_collectors_up() -> None:
    rows = {row.native: row for row in build("binance", 300, seed=1)}
    assert rows["1000PEPEUSDT"].multiplier == 1000
    assert rows["1MBABYDOGEUSDT"].multiplier == 1_000_000
    assert rows["ETHBTC"].quote == "BTC"
    assert rows["BTCUSDT_270326"].market == "dated"
    assert rows["BTCUSD_PERP"].market == "inverse"
    assert rows["TSLAUSDT"].category == "equity"
    assert "币安人生USDT" in rows
    swaps = {row.native: row for row in build("okx", 300, seed=1)}
    assert swaps["PEPE-USDT-SWAP"].contract == "10000000"
    assert swaps["BTC-USD-SWAP"].market == "inverse"


def test_the_same_seed_lists_the_same() -> None:
    first, second = build("okx", 500, seed=3), build("okx", 500, seed=3)
    assert [(row.native, row.interval_h, row.price) for row in first] == [
        (row.native, row.interval_h, row.price) for row in second
    ]
    assert {row.interval_h for row in first} == {8, 4, 1}


@pytest.mark.parametrize(
    ("price", "decimals"), [(94250.0, 1), (3180.0, 1), (142.0, 2), (2.21, 4), (0.162, 5), (0.0000047, 10), (7e-10, 13)]
)
def test_a_price_step_leaves_five_digits(price: float, decimals: int) -> None:
    assert price_decimals(price) == decimals


def test_sizes_and_contracts_are_worth_something_sensible() -> None:
    assert size_decimals(94250.0) == 5
    assert size_decimals(0.16) == 0
    assert contract_value(Coin("BTC", 94250.0, 0)) == "0.01"
    assert contract_value(Coin("ZED", 0.02, 9)) == "1000"
    assert contract_value(Coin("ZED", 4210.0, 9)) == "0.01"

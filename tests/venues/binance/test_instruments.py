"""What the venue's listings become."""

import json
from typing import Any

import pytest

from services.collector.venue import Unreadable
from services.collector.venues.binance import VENUE
from shared.instruments import Instrument


def spot_row(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "stepSize": "0.00001000"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "stepSize": "0.00000000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
    }
    return {**row, **more}


def perp_row(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.002", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }
    return {**row, **more}


def body(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"timezone": "UTC", "symbols": rows}).encode()


def spot(**more: Any) -> Instrument:
    [one] = VENUE.listing({"spot_info": body([spot_row(**more)])})
    return one


def perps(*rows: dict[str, Any], funding: list[dict[str, Any]] | None = None) -> list[Instrument]:
    bodies = {"perp_info": body(list(rows))}
    if funding is not None:
        bodies["funding_info"] = json.dumps(funding).encode()
    return VENUE.listing(bodies)


def test_a_spot_row_becomes_an_instrument() -> None:
    assert spot() == Instrument(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        category="crypto",
        tick_size="0.01000000",
        lot_size="0.00001000",
        min_size="0.00001000",
        min_notional="5.00000000",
        status="trading",
    )


def test_a_perpetual_row_becomes_an_instrument_with_its_funding() -> None:
    funding = [
        {
            "symbol": "BTCUSDT",
            "adjustedFundingRateCap": "0.00300000",
            "adjustedFundingRateFloor": "-0.00300000",
            "fundingIntervalHours": 4,
            "disclaimer": False,
        }
    ]
    assert perps(perp_row(), funding=funding) == [
        Instrument(
            venue="binance",
            market="perp",
            symbol="BTC/USDT:USDT",
            native="BTCUSDT",
            base="BTC",
            quote="USDT",
            settle="USDT",
            category="crypto",
            tick_size="0.10",
            lot_size="0.001",
            min_size="0.002",
            min_notional="100",
            funding_interval_h="4",
            funding_cap="0.00300000",
            funding_floor="-0.00300000",
            status="trading",
            listed_ts=1_569_398_400_000_000_000,
        )
    ]


def test_a_perpetual_that_was_never_adjusted_pays_every_eight_hours_without_a_known_cap() -> None:
    [one] = perps(perp_row(), funding=[])
    assert (one.funding_interval_h, one.funding_cap, one.funding_floor) == ("8", None, None)


def test_a_multiple_scales_price_steps_down_and_size_steps_up() -> None:
    [one] = perps(perp_row(symbol="1000PEPEUSDT", baseAsset="1000PEPE"))
    assert (one.symbol, one.base, one.multiplier) == ("PEPE/USDT:USDT", "PEPE", "1000")
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.0001", "1", "2", "100")
    assert one.status == "trading"


def test_a_multiple_that_nobody_reviewed_is_quarantined_and_1inch_is_a_coin() -> None:
    new, coin = spot(symbol="1000NEWUSDT", baseAsset="1000NEW"), spot(symbol="1INCHUSDT", baseAsset="1INCH")
    assert (new.symbol, new.multiplier, new.status, new.quarantine_reason) == (
        "NEW/USDT",
        "1000",
        "quarantined",
        "multiplier_unconfirmed",
    )
    assert (coin.symbol, coin.multiplier, coin.status) == ("1INCH/USDT", "1", "trading")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("TRADING", "trading"),
        ("BREAK", "halted"),
        ("HALT", "halted"),
        ("END_OF_DAY", "halted"),
        ("CANCEL_ONLY", "halted"),
        ("PRE_TRADING", "pre"),
        ("SOMETHING_NEW", "unknown"),
    ],
)
def test_a_spot_status_is_mapped_and_an_unheard_one_is_unknown(given: str, status: str) -> None:
    assert spot(status=given).status == status


def test_a_pair_without_spot_trading_is_halted() -> None:
    assert spot(isSpotTradingAllowed=False).status == "halted"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("TRADING", "trading"),
        ("PENDING_TRADING", "pre"),
        ("TRADING_HALT", "halted"),
        ("SETTLING", "delisting"),
        ("CLOSE", "delisting"),
        ("PRE_DELISTING", "delisting"),
        ("SOMETHING_NEW", "unknown"),
    ],
)
def test_a_perpetual_status_is_mapped_and_an_unheard_one_is_unknown(given: str, status: str) -> None:
    [one] = perps(perp_row(status=given))
    assert one.status == status


def test_a_delivery_date_before_the_end_of_days_is_a_delisting_announced() -> None:
    [one] = perps(perp_row(deliveryDate=1_790_000_000_000))
    assert (one.status, one.delist_ts) == ("trading", 1_790_000_000_000_000_000)


@pytest.mark.parametrize(
    ("contract", "underlying", "category"),
    [
        ("PERPETUAL", "COIN", "crypto"),
        ("PERPETUAL", "INDEX", "index"),
        ("PERPETUAL", "PREMARKET", "crypto"),
        ("TRADIFI_PERPETUAL", "EQUITY", "equity"),
        ("TRADIFI_PERPETUAL", "KR_EQUITY", "equity"),
        ("TRADIFI_PERPETUAL", "COMMODITY", "commodity"),
        ("TRADIFI_PERPETUAL", "FX", "fx"),
        ("TRADIFI_PERPETUAL", "PREMARKET", "equity"),
        ("TRADIFI_PERPETUAL", "SOMETHING_NEW", "unknown"),
    ],
)
def test_stocks_metals_and_currencies_among_the_coins_are_told(contract: str, underlying: str, category: str) -> None:
    [one] = perps(perp_row(contractType=contract, underlyingType=underlying))
    assert one.category == category


def test_only_linear_perpetuals_are_in_scope_and_the_rest_is_named_as_outside() -> None:
    bodies = {
        "perp_info": body(
            [
                perp_row(),
                perp_row(symbol="ETHBTC", baseAsset="ETH", quoteAsset="BTC", marginAsset="BTC"),
                perp_row(symbol="BTCUSDT_261225", contractType="CURRENT_QUARTER", deliveryDate=1_798_185_600_000),
                perp_row(symbol="BTCUSD_PERP", quoteAsset="USD", marginAsset="BTC"),
                perp_row(symbol="BTCSTUSDT", contractType="", status="PENDING_TRADING"),
                perp_row(symbol="BTCUSDT_270326", contractType="", deliveryDate=1_806_048_000_000),
            ]
        )
    }
    assert [one.native for one in VENUE.listing(bodies)] == ["BTCUSDT", "ETHBTC", "BTCSTUSDT"]
    assert VENUE.outside(bodies) == {"BTCUSDT_261225", "BTCUSD_PERP", "BTCUSDT_270326"}


def test_an_older_notional_filter_and_missing_filters_are_read() -> None:
    old = [{"filterType": "MIN_NOTIONAL", "minNotional": "10.00000000", "applyToMarket": True}]
    assert spot(filters=old).min_notional == "10.00000000"
    bare = spot(filters=[{"filterType": "PRICE_FILTER", "tickSize": "zero"}])
    assert (bare.tick_size, bare.lot_size, bare.min_size, bare.min_notional) == (None, None, None, None)


def test_a_row_without_names_costs_itself_and_a_body_without_rows_costs_all() -> None:
    found = VENUE.listing({"spot_info": body([{"symbol": 5}, spot_row()])})
    assert [one.native for one in found] == ["BTCUSDT"]
    for broken in (b"<html>", b"[]", b'{"code":-1003,"msg":"Too many requests"}', body([{"symbol": 5}])):
        with pytest.raises(Unreadable, match="spot_info"):
            VENUE.listing({"spot_info": broken})
    with pytest.raises(Unreadable, match="funding_info"):
        VENUE.listing({"perp_info": body([perp_row()]), "funding_info": b"{}"})


def test_a_listing_body_is_told_by_its_form() -> None:
    assert VENUE.is_listing(body([spot_row()])) == "spot_info"
    assert VENUE.is_listing(body([perp_row()])) == "perp_info"
    assert VENUE.is_listing(b'[{"symbol":"A","fundingIntervalHours":8}]') == "funding_info"
    coin_margined = perp_row(contractStatus="TRADING", contractSize=100)
    for other in (body([coin_margined]), body([]), b"[]", b"[1]", b"{}", b"no", b'[{"symbol":"A","price":"1"}]'):
        assert VENUE.is_listing(other) is None

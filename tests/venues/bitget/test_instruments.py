"""What the venue's listings become."""

import json
from typing import Any

import pytest

from services.collector.venue import Unreadable
from services.collector.venues.bitget import VENUE
from shared.instruments import Instrument


def spot_row(**more: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "minTradeAmount": "0",
        "takerFeeRate": "0.001",
        "makerFeeRate": "0.0008",
        "pricePrecision": "2",
        "quantityPrecision": "6",
        "minTradeUSDT": "1",
        "status": "online",
        "openTime": "1532454360000",
        "offTime": "",
    }
    return {**row, **more}


def perp_row(**more: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "takerFeeRate": "0.0006",
        "makerFeeRate": "0.0002",
        "supportMarginCoins": ["USDT"],
        "minTradeNum": "0.001",
        "priceEndStep": "5",
        "pricePlace": "1",
        "sizeMultiplier": "0.0001",
        "symbolType": "perpetual",
        "minTradeUSDT": "5",
        "symbolStatus": "normal",
        "offTime": "-1",
        "limitOpenTime": "-1",
        "launchTime": "",
        "fundInterval": "8",
    }
    return {**row, **more}


def unified_row(category: str = "USDT-FUTURES", **more: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "category": category,
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "takerFeeRate": "0.0006",
        "makerFeeRate": "0.0002",
        "pricePrecision": "1",
        "quantityPrecision": "4",
        "priceMultiplier": "0.5",
        "quantityMultiplier": "0.0001",
        "minOrderQty": "0.0001",
        "minOrderAmount": "5",
        "type": "perpetual",
        "symbolType": "crypto",
        "isRwa": "NO",
        "status": "online",
        "offTime": "-1",
        "limitOpenTime": "-1",
        "launchTime": "0",
        "fundInterval": "4",
    }
    return {**row, **more}


def terms(**more: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "fundingRate": "0.000068",
        "fundingRateInterval": "8",
        "nextUpdate": "1743062400000",
        "minFundingRate": "-0.003",
        "maxFundingRate": "0.003",
    }
    return {**row, **more}


def body(*rows: object, code: str = "00000") -> bytes:
    return json.dumps({"code": code, "msg": "success", "requestTime": 1, "data": rows}).encode()


def spot(**more: Any) -> Instrument:
    [one] = VENUE.listing({"spot": body(spot_row(**more))})
    return one


def perp(**more: Any) -> Instrument:
    [one] = VENUE.listing({"contracts_usdt": body(perp_row(**more))})
    return one


def test_a_spot_row_becomes_an_instrument_with_the_fees_of_its_pair() -> None:
    assert spot() == Instrument(
        venue="bitget",
        market="spot",
        symbol="BTC/USDT",
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick_size="0.01",
        lot_size="0.000001",
        min_notional="1",
        taker_fee_bps="10",
        maker_fee_bps="8",
        status="trading",
        listed_ts=1_532_454_360_000_000_000,
    )


def test_a_contract_row_becomes_an_instrument() -> None:
    assert perp() == Instrument(
        venue="bitget",
        market="perp",
        symbol="BTC/USDT:USDT",
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size="0.5",
        lot_size="0.0001",
        min_size="0.001",
        min_notional="5",
        funding_interval_h="8",
        taker_fee_bps="6",
        maker_fee_bps="2",
        status="trading",
    )


@pytest.mark.parametrize(
    ("step", "place", "tick"), [("1", "1", "0.1"), ("5", "1", "0.5"), ("1", "7", "0.0000001"), ("25", "0", "25")]
)
def test_a_tick_is_so_many_units_of_the_last_decimal(step: str, place: str, tick: str) -> None:
    assert perp(priceEndStep=step, pricePlace=place).tick_size == tick


def test_a_usdc_contract_settles_in_usdc() -> None:
    [one] = VENUE.listing(
        {"contracts_usdc": body(perp_row(symbol="BTCPERP", quoteCoin="USDC", supportMarginCoins=["USDC"]))}
    )
    assert (one.symbol, one.native, one.settle) == ("BTC/USDC:USDC", "BTCPERP", "USDC")


def test_a_contract_in_dollars_that_only_a_stablecoin_margins_is_linear() -> None:
    assert perp(quoteCoin="USD", supportMarginCoins=["USDC"]).symbol == "BTC/USD:USDC"


@pytest.mark.parametrize(
    "changes",
    [
        {"symbolType": "delivery"},
        {"quoteCoin": "USD", "supportMarginCoins": ["BTC", "ETH", "USDC"]},
        {"quoteCoin": "USD", "supportMarginCoins": ["BTC"]},
        {"quoteCoin": "USD", "supportMarginCoins": None},
        {"baseCoin": ""},
    ],
)
def test_what_is_out_of_scope_is_named_and_not_listed(changes: dict[str, Any]) -> None:
    bodies = {"contracts_usdt": body(perp_row(**changes))}
    assert VENUE.listing(bodies) == []
    assert VENUE.outside(bodies) == {"BTCUSDT"}


def test_a_dated_contract_beside_a_spot_pair_of_its_name_is_not_out_of_scope() -> None:
    bodies = {"spot": body(spot_row()), "contracts_usdt": body(perp_row(symbolType="delivery"))}
    assert VENUE.outside(bodies) == frozenset()


@pytest.mark.parametrize(
    ("status", "expected"),
    [("online", "trading"), ("gray", "pre"), ("halt", "halted"), ("offline", "halted"), ("new word", "unknown")],
)
def test_a_spot_status_has_a_meaning(status: str, expected: str) -> None:
    assert spot(status=status).status == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("normal", "trading"),
        ("listed", "pre"),
        ("maintain", "halted"),
        ("limit_open", "halted"),
        ("restrictedAPI", "halted"),
        ("off", "halted"),
        ("new word", "unknown"),
    ],
)
def test_a_contract_status_has_a_meaning(status: str, expected: str) -> None:
    assert perp(symbolStatus=status).status == expected


@pytest.mark.parametrize("field", ["offTime", "limitOpenTime"])
def test_a_contract_whose_end_is_announced_is_being_delisted(field: str) -> None:
    one = perp(**{field: "1790000000000"})
    assert (one.status, one.delist_ts) == ("delisting", 1_790_000_000_000_000_000)


def test_a_halted_contract_whose_end_is_announced_stays_halted() -> None:
    assert perp(symbolStatus="maintain", offTime="1790000000000").status == "halted"


def test_only_what_trades_against_a_dollar_is_collected() -> None:
    assert perp().collected
    assert not perp(symbolStatus="limit_open").collected
    assert not spot(quoteCoin="EUR").collected


def test_a_contract_of_a_thousand_coins_is_named_by_the_coin() -> None:
    one = perp(symbol="1000BONKUSDT", baseCoin="1000BONK", pricePlace="6", priceEndStep="1", sizeMultiplier="10")
    assert (one.symbol, one.base, one.multiplier, one.status) == ("BONK/USDT:USDT", "BONK", "1000", "trading")
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.000000001", "10000", "1", "5")


@pytest.mark.parametrize(
    ("base", "asset", "multiplier"),
    [
        ("1000000NEW", "NEW", "1000000"),
        ("1MNEWCOIN", "NEWCOIN", "1000000"),
        ("NEW1000", "NEW", "1000"),
        ("10000NEW", "NEW", "10000"),
    ],
)
def test_a_multiple_that_nobody_reviewed_is_quarantined(base: str, asset: str, multiplier: str) -> None:
    one = perp(baseCoin=base)
    assert (one.asset, one.multiplier, one.quarantine_reason) == (asset, multiplier, "multiplier_unconfirmed")


def test_1inch_is_a_coin() -> None:
    assert (spot(baseCoin="1INCH").asset, spot(baseCoin="1INCH").status) == ("1INCH", "trading")


def test_the_funding_terms_know_of_a_change_first() -> None:
    bodies = {"contracts_usdt": body(perp_row()), "terms_usdt": body(terms(fundingRateInterval="1"))}
    [one] = VENUE.listing(bodies)
    assert (one.funding_interval_h, one.funding_cap, one.funding_floor) == ("1", "0.003", "-0.003")


def test_funding_terms_are_not_given_to_the_spot_pair_of_the_same_id() -> None:
    [one] = VENUE.listing({"spot": body(spot_row()), "terms_usdt": body(terms())})
    assert (one.funding_interval_h, one.funding_cap) == (None, None)


@pytest.mark.parametrize("answer", [body(code="400172"), body({"symbol": "BTCUSDT", "fundingRate": "0.1"}), body()])
def test_funding_terms_that_are_refused_do_not_cost_the_list(answer: bytes) -> None:
    [one] = VENUE.listing({"contracts_usdt": body(perp_row()), "terms_usdt": answer})
    assert (one.funding_interval_h, one.funding_cap) == ("8", None)


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ({"symbolType": "crypto"}, "crypto"),
        ({"symbolType": "stock", "isRwa": "YES"}, "equity"),
        ({"symbolType": "metal", "isRwa": "YES"}, "commodity"),
        ({"symbolType": "forex", "isRwa": "YES"}, "fx"),
        ({"symbolType": "index", "isRwa": "YES"}, "index"),
        ({"symbolType": "tulips", "isRwa": "YES"}, "unknown"),
        ({"symbolType": "perpetual", "type": None}, "crypto"),
        ({"symbolType": "perpetual", "type": None, "isRwa": "YES"}, "unknown"),
        ({"symbolType": "perpetual", "type": None, "isRwa": None}, "unknown"),
    ],
)
def test_v3_says_what_kind_of_thing_a_perpetual_is(kind: dict[str, Any], category: str) -> None:
    bodies = {"contracts_usdt": body(perp_row()), "kinds_usdt-futures": body(unified_row(**kind))}
    [one] = VENUE.listing(bodies)
    assert one.category == category
    assert (one.tick_size, one.funding_interval_h) == ("0.5", "8")  # all else is v2's


@pytest.mark.parametrize(
    ("base", "kind", "category"),
    [
        ("BTC", {}, "crypto"),
        ("TSLA", {"isReality": "yes"}, "equity"),
        ("EUR", {}, "fx"),
    ],
)
def test_v3_says_what_kind_of_thing_a_spot_pair_is(base: str, kind: dict[str, Any], category: str) -> None:
    row = spot_row(symbol="X", baseCoin=base)
    bodies = {"spot": body(row), "kinds_spot": body(unified_row("SPOT", symbol="X", baseCoin=base, **kind))}
    [one] = VENUE.listing(bodies)
    assert one.category == category


def test_a_v2_row_alone_says_only_whether_it_is_a_coin() -> None:
    assert [perp(isRwa=value).category for value in ("NO", "YES", None)] == ["crypto", "unknown", "unknown"]
    assert spot().category == "unknown"


def test_rows_of_v3_list_by_themselves_where_v2_is_not_there() -> None:
    rows = body(unified_row(), unified_row("USDC-FUTURES", symbol="BTCPERP", quoteCoin="USDC"))
    usdt, usdc = VENUE.listing({"kinds_usdt-futures": rows})
    assert (usdt.symbol, usdt.tick_size, usdt.lot_size, usdt.min_size) == ("BTC/USDT:USDT", "0.5", "0.0001", "0.0001")
    assert (usdt.funding_interval_h, usdt.category, usdt.status, usdt.taker_fee_bps) == ("4", "crypto", "trading", "6")
    assert usdc.symbol == "BTC/USDC:USDC"


def test_rows_of_v3_add_no_instrument_to_v2s_list() -> None:
    bodies = {
        "contracts_usdt": body(perp_row()),
        "kinds_usdt-futures": body(unified_row(), unified_row(symbol="NEWUSDT")),
    }
    assert [one.native for one in VENUE.listing(bodies)] == ["BTCUSDT"]


def test_margin_loans_are_the_spot_pairs_again() -> None:
    bodies = {"x": body(unified_row("SPOT"), unified_row("MARGIN"))}
    assert [one.symbol for one in VENUE.listing(bodies)] == ["BTC/USDT"]
    assert VENUE.outside(bodies) == frozenset()


@pytest.mark.parametrize(
    ("row", "call"),
    [
        (spot_row(), "spot"),
        (perp_row(), "contracts_usdt"),
        (perp_row(quoteCoin="USDC", supportMarginCoins=["USDC"]), "contracts_usdc"),
        (perp_row(quoteCoin="USD", supportMarginCoins=["BTC"]), "contracts_other"),
        (unified_row(), "kinds_usdt-futures"),
        (unified_row("USDC-FUTURES"), "kinds_usdc-futures"),
        (unified_row("SPOT"), "kinds_spot"),
        (terms(), "terms_usdt"),
        (terms(symbol="BTCPERP"), "terms_usdc"),
        ({"symbol": "BTCUSDT", "fundingRate": "0.1"}, None),
        ({"symbol": "BTCUSDT", "category": "SPOT", "bid1Price": "1"}, None),
        ({"symbol": "ALPHAUSDT_SPBL", "baseCoin": "ALPHA", "quoteCoin": "USDT", "priceScale": "4"}, None),
        ({"symbol": "BTCUSDT_UMCBL", "baseCoin": "BTC", "quoteCoin": "USDT", "pricePlace": "1"}, None),
        (7, None),
    ],
)
def test_a_listing_is_told_by_its_form(row: object, call: str | None) -> None:
    assert VENUE.is_listing(body(row)) == call
    calls = {one.name for one in VENUE.calls if one.job == "listing"}
    assert call is None or call == "contracts_other" or call in calls


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"code":"00000","data":[]}', b'{"code":"00000"}', b"[" * 100_000])
def test_other_bodies_are_no_listing(text: bytes) -> None:
    assert VENUE.is_listing(text) is None


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b'{"code":"00000"}', body(code="40034"), body({"symbol": "BTCUSDT_UMCBL"})]
)
def test_a_body_that_is_no_listing_is_refused_with_its_name(answer: bytes) -> None:
    with pytest.raises(Unreadable, match="bitget contracts_usdt: expected"):
        VENUE.listing({"contracts_usdt": answer})


def test_an_empty_list_is_a_list() -> None:
    assert VENUE.listing({"contracts_usdt": body()}) == []


def test_a_row_of_another_form_is_left_out_and_a_bad_number_is_none() -> None:
    rows = body({"symbol": 7}, perp_row(sizeMultiplier="-1", minTradeNum="x", fundInterval="?", takerFeeRate=""))
    [one] = VENUE.listing({"contracts_usdt": rows})
    assert (one.lot_size, one.min_size, one.funding_interval_h, one.taker_fee_bps) == (None, None, None, None)


def test_a_number_where_text_was_and_a_null_cost_no_instrument() -> None:
    plain = VENUE.listing({"contracts_usdt": body(perp_row())})
    odd = perp_row(pricePlace=1, priceEndStep=5, sizeMultiplier=0.0001, fundInterval=8, launchTime=None, offTime=-1)
    assert VENUE.listing({"contracts_usdt": body(odd)}) == plain
    assert VENUE.is_listing(body(odd)) == "contracts_usdt"
    assert VENUE.listing({"spot": body(spot_row(takerFeeRate=0.001, openTime=None))})[0].taker_fee_bps == "10"


def test_a_first_row_of_another_form_does_not_hide_a_listing() -> None:
    assert VENUE.is_listing(body({"symbol": []}, perp_row())) == "contracts_usdt"


def test_a_row_without_a_symbol_is_left_out() -> None:
    bodies = {"spot": body(spot_row(symbol=""), spot_row())}
    assert [one.native for one in VENUE.listing(bodies)] == ["BTCUSDT"]
    assert VENUE.outside(bodies) == frozenset()

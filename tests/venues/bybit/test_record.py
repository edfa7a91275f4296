"""The record: topics there and back, requests within the venue's limits, listings in our terms."""

import json
from typing import Any

import pytest

from services.collector.messages import Ack
from services.collector.plan import Plan, Topic, framed
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.bybit import VENUE
from services.collector.venues.bybit.instruments import next_page
from services.collector.wants import quote_channels
from shared.instruments import Instrument


def perp(**changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {"minOrderQty": "0.001", "qtyStep": "0.001", "minNotionalValue": "5"},
        "fundingInterval": 480,
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
        "symbolType": "",
    }
    return {**row, **changes}


def spot(**changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "status": "Trading",
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000011", "minOrderAmt": "5"},
        "priceFilter": {"tickSize": "0.1"},
        "symbolType": "",
    }
    return {**row, **changes}


def body(category: str, *rows: object, cursor: str = "") -> bytes:
    result = {"category": category, "list": rows, "nextPageCursor": cursor}
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "time": 1}).encode()


def listed(**changes: Any) -> Instrument:
    (one,) = VENUE.listing({"linear": body("linear", perp(**changes))})
    return one


def test_a_perpetual_is_listed_with_its_terms() -> None:
    one = listed()
    assert (one.symbol, one.native, one.base, one.quote, one.settle) == (
        "BTC/USDT:USDT",
        "BTCUSDT",
        "BTC",
        "USDT",
        "USDT",
    )
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.10", "0.001", "0.001", "5")
    assert (one.funding_interval_h, one.funding_cap, one.funding_floor) == ("8", "0.00375", "-0.00375")
    assert (one.category, one.status, one.listed_ts, one.delist_ts) == ("crypto", "trading", 1585526400 * 10**9, None)


def test_a_perpetual_in_the_other_dollar_has_its_own_symbol() -> None:
    assert listed(symbol="BTCPERP", quoteCoin="USDC", settleCoin="USDC").symbol == "BTC/USDC:USDC"


def test_a_spot_pair_is_listed_with_its_own_fields() -> None:
    (one,) = VENUE.listing({"spot": body("spot", spot())})
    assert (one.symbol, one.settle, one.tick_size, one.lot_size) == ("BTC/USDT", None, "0.1", "0.000001")
    assert (one.min_size, one.min_notional, one.funding_interval_h) == ("0.000011", "5", None)


@pytest.mark.parametrize(
    ("base", "asset", "multiplier", "tick", "lot"),
    [
        ("1000PEPE", "PEPE", "1000", "0.0001", "1"),
        ("SHIB1000", "SHIB", "1000", "0.0001", "1"),
        ("10000SATS", "SATS", "10000", "0.00001", "10"),
        ("1000000MOG", "MOG", "1000000", "0.0000001", "1000"),
        ("1INCH", "1INCH", "1", "0.10", "0.001"),
    ],
)
def test_a_multiple_is_taken_out_of_ticks_and_put_into_sizes(
    base: str, asset: str, multiplier: str, tick: str, lot: str
) -> None:
    one = listed(baseCoin=base)
    assert (one.base, one.multiplier, one.tick_size, one.lot_size) == (asset, multiplier, tick, lot)
    assert one.status == "trading"


def test_a_multiple_that_nobody_reviewed_waits_for_a_price_check() -> None:
    one = listed(baseCoin="1000NEW")
    assert (one.base, one.status, one.quarantine_reason) == ("NEW", "quarantined", "multiplier_unconfirmed")


AUCTION = {"curAuctionPhase": "CallAuction", "auctionFeeInfo": {"takerFeeRate": "0.001", "makerFeeRate": "0.0004"}}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "trading"),
        ({"deliveryTime": "1800000000000"}, "delisting"),
        ({"status": "PreLaunch"}, "pre"),
        ({"status": "PreLaunch", "preListingInfo": AUCTION}, "pre"),
        ({"status": "PreLaunch", "preListingInfo": {**AUCTION, "curAuctionPhase": "ContinuousTrading"}}, "trading"),
        ({"status": "Delivering"}, "halted"),
        ({"status": "Closed"}, "halted"),
        ({"status": "Whatever"}, "unknown"),
    ],
)
def test_a_state_has_a_status(changes: dict[str, Any], status: str) -> None:
    assert listed(**changes).status == status


def test_fees_before_the_launch_are_the_instruments_own() -> None:
    one = listed(status="PreLaunch", preListingInfo=AUCTION)
    assert (one.taker_fee_bps, one.maker_fee_bps) == ("10", "4")
    assert listed().taker_fee_bps is None


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("", "crypto"),
        ("innovation", "crypto"),
        ("adventure", "crypto"),
        ("stock", "equity"),
        ("xstocks", "equity"),
        ("commodity", "commodity"),
        ("forex", "fx"),
        ("moon", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_symbol_type_says_what_is_traded(kind: str | None, category: str) -> None:
    assert listed(symbolType=kind).category == category


@pytest.mark.parametrize(
    ("minutes", "hours"), [(480, "8"), (60, "1"), (90, "1.5"), (100, None), (0, None), (None, None)]
)
def test_the_funding_interval_is_told_in_minutes(minutes: int | None, hours: str | None) -> None:
    assert listed(fundingInterval=minutes).funding_interval_h == hours


def test_what_is_out_of_scope_is_named_and_not_listed() -> None:
    bodies = {
        "linear": body("linear", perp(symbol="BTC-26DEC26", contractType="LinearFutures")),
        "inverse": body("inverse", perp(symbol="BTCUSD", contractType="InversePerpetual", quoteCoin="USD")),
        "option": body("option", {"symbol": "BTC-27NOV26-90000-C", "baseCoin": "BTC", "quoteCoin": "USDT"}),
    }
    assert VENUE.listing(bodies) == []
    assert VENUE.outside(bodies) == {"BTC-26DEC26", "BTCUSD", "BTC-27NOV26-90000-C"}


def test_a_broken_row_does_not_cost_the_others() -> None:
    rows = (perp(symbol="A", priceFilter={"tickSize": "x"}), {"symbol": 7}, 5, perp())
    assert [one.native for one in VENUE.listing({"linear": body("linear", *rows)})] == ["BTCUSDT"]


@pytest.mark.parametrize(
    "bad", [b"<html>", b"[]", b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}', body("margin", perp())]
)
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="bybit linear"):
        VENUE.listing({"linear": bad})


@pytest.mark.parametrize(
    ("made", "call"),
    [
        (body("linear", perp()), "linear"),
        (body("linear", perp(status="PreLaunch")), "linear_pre"),
        (body("spot", spot()), "spot"),
        (body("inverse", perp()), "inverse"),
        (body("linear", {"symbol": "BTCUSDT", "lastPrice": "1", "bid1Price": "1"}), None),
        (body("linear"), None),
        (body("linear", 7), None),
        (b"[]", None),
        (b"{", None),
    ],
)
def test_a_listing_is_known_by_its_form(made: bytes, call: str | None) -> None:
    assert VENUE.is_listing(made) == call


def test_a_page_names_the_next_one_until_one_is_empty() -> None:
    assert next_page(body("linear", perp(), cursor="first%3DBTC%26last%3DETH")) == {"cursor": "first=BTC&last=ETH"}
    assert next_page(body("linear", perp())) is None
    assert next_page(body("linear", cursor="first%3DBTC%26last%3DETH")) is None
    assert next_page(b"<html>") is None


def test_all_pages_and_the_perpetuals_before_launch_are_one_list() -> None:
    bodies = {
        "linear": body("linear", perp()),
        "linear#2": body("linear", perp(symbol="ETHUSDT", baseCoin="ETH")),
        "linear_pre": body("linear", perp(symbol="NEWUSDT", baseCoin="NEW", status="PreLaunch")),
    }
    assert [one.native for one in VENUE.listing(bodies)] == ["BTCUSDT", "ETHUSDT", "NEWUSDT"]


def test_every_topic_leads_back_to_its_channel() -> None:
    one = listed()
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, one)
        assert VENUE.channel_of(topic) == channel.name
        assert VENUE.topic_of(json.dumps({"topic": topic, "data": {}}).encode()) == topic


def test_a_request_is_acknowledged_by_its_number() -> None:
    asked = json.loads(VENUE.subscribe(["orderbook.1.BTCUSDT", "tickers.BTCUSDT"], 7))
    assert asked == {"req_id": "7", "op": "subscribe", "args": ["orderbook.1.BTCUSDT", "tickers.BTCUSDT"]}
    answer = {"success": True, "ret_msg": "", "conn_id": "x", "req_id": asked["req_id"], "op": asked["op"]}
    assert VENUE.decoder(Table(), DecoderOptions(endpoint="linear"))(json.dumps(answer).encode(), 1) == [Ack(None, 7)]
    assert json.loads(VENUE.unsubscribe(["tickers.BTCUSDT"], 8))["op"] == "unsubscribe"


@pytest.mark.parametrize("endpoint", VENUE.endpoints, ids=lambda endpoint: endpoint.name)
def test_a_full_connection_stays_within_the_exchanges_count_of_characters(endpoint: Any) -> None:
    plan = Plan(VENUE.endpoints)
    names = [f"orderbook.1.{'X' * (number % 14)}{number:04}USDT" for number in range(2_000)]
    topics = {(endpoint.name, name): Topic(endpoint.name, name, endpoint.market, ("quote",)) for name in names}
    plan.update(topics)
    for slot in plan.slots():
        carried = [topic.name for topic in plan.topics(slot)]
        assert len(json.dumps(carried, separators=(",", ":"))) <= 21_000
    count, frame = framed(names, endpoint.limits, VENUE.subscribe, 1)
    assert len(json.loads(frame)["args"]) == count <= (10 if endpoint.name == "spot" else 20)


def test_the_best_bid_and_offer_makes_the_quotes() -> None:
    assert quote_channels(VENUE) == {"spot": "orderbook.1", "perp": "orderbook.1"}


def test_an_instrument_has_a_page_on_the_exchange() -> None:
    (pair,) = VENUE.listing({"spot": body("spot", spot())})
    assert VENUE.trade_url(pair) == "https://www.bybit.com/en/trade/spot/BTC/USDT"
    assert VENUE.trade_url(listed()) == "https://www.bybit.com/trade/usdt/BTCUSDT"
    usdc = listed(symbol="BTCPERP", quoteCoin="USDC", settleCoin="USDC")
    assert VENUE.trade_url(usdc) == "https://www.bybit.com/trade/futures/usdc/BTC-PERP"

"""The record: topics there and back, requests, listings in our terms."""

import json
import re
from typing import Any

import pytest

from services.collector.messages import Refused
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request, Unreadable
from services.collector.venues.backpack import VENUE
from services.collector.wants import Selection, Wants, quote_channels, selected
from shared.instruments import Instrument
from tests.venues.recordings import fixtures


def market(**changes: Any) -> dict[str, Any]:
    row = {
        "baseSymbol": "BTC",
        "createdAt": "2025-01-21T06:34:54.691858",
        "filters": {
            "price": {"maxPrice": None, "minPrice": "0.1", "tickSize": "0.1"},
            "quantity": {"maxQuantity": None, "minQuantity": "0.00010", "stepSize": "0.00001"},
        },
        "fundingInterval": 3600000,
        "fundingRateLowerBound": "-100",
        "fundingRateUpperBound": "100",
        "marketType": "PERP",
        "orderBookState": "Open",
        "quoteSymbol": "USDC",
        "symbol": "BTC_USDC_PERP",
        "visible": True,
    }
    return {**row, **changes}


def body(*rows: object) -> dict[str, bytes]:
    return {"markets": json.dumps(rows).encode()}


def listed(**changes: Any) -> Instrument:
    (one,) = VENUE.listing(body(market(**changes)))
    return one


def filters(tick: object, least: object, step: object) -> dict[str, Any]:
    return {"price": {"tickSize": tick}, "quantity": {"minQuantity": least, "stepSize": step}}


def test_a_perpetual_is_listed_with_its_terms() -> None:
    one = listed()
    assert (one.symbol, one.native, one.base, one.quote, one.settle) == (
        "BTC/USDC:USDC",
        "BTC_USDC_PERP",
        "BTC",
        "USDC",
        "USDC",
    )
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.1", "0.00001", "0.00010", None)
    assert (one.multiplier, one.contract_size, one.status, one.funding_interval_h) == ("1", "1", "trading", "1")
    assert one.listed_ts == 1737441294691858 * 1000
    # their unit is not told
    assert (one.funding_cap, one.funding_floor) == (None, None)


def test_a_spot_pair_pays_no_funding_whatever_its_row_says() -> None:
    one = listed(symbol="BTC_USDC", marketType="SPOT")
    assert (one.market, one.symbol, one.settle, one.funding_interval_h) == ("spot", "BTC/USDC", None, None)


@pytest.mark.parametrize(
    ("base", "asset", "multiplier", "status"),
    [
        ("kPEPE", "PEPE", "1000", "trading"),
        ("kBONK", "BONK", "1000", "trading"),
        ("kSHIB", "SHIB", "1000", "trading"),
        ("KAITO", "KAITO", "1", "trading"),
        ("1INCH", "1INCH", "1", "trading"),
        ("AAPL.US", "AAPL", "1", "trading"),
        ("MU.US", "MU.US", "1", "trading"),
        ("kFLOKI", "FLOKI", "1000", "quarantined"),
        ("1000X", "X", "1000", "quarantined"),
    ],
)
def test_names_that_nobody_reviewed_wait_for_a_price_check(base: str, asset: str, multiplier: str, status: str) -> None:
    one = listed(baseSymbol=base)
    assert (one.base, one.multiplier, one.status, one.symbol) == (asset, multiplier, status, f"{asset}/USDC:USDC")


def test_steps_of_thousands_are_for_one_coin() -> None:
    one = listed(baseSymbol="kPEPE", filters=filters("0.000001", "10", "1"))
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.000000001", "1000", "10000")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "trading"),
        ({"orderBookState": "Closed"}, "halted"),
        ({"orderBookState": "CancelOnly"}, "halted"),
        ({"orderBookState": "LimitOnly"}, "halted"),
        ({"orderBookState": "PostOnly"}, "halted"),
        ({"orderBookState": "Whatever"}, "unknown"),
        ({"orderBookState": None}, "unknown"),
        ({"visible": False}, "unknown"),
        ({"visible": None}, "trading"),
        ({"visible": False, "orderBookState": "Closed"}, "halted"),
    ],
)
def test_a_state_of_the_book_has_a_status(changes: dict[str, Any], status: str) -> None:
    assert listed(**changes).status == status


@pytest.mark.parametrize(
    ("ms", "hours"),
    [
        (3600000, "1"),
        ("28800000", "8"),
        (1800000, "0.5"),
        (7000000, None),
        (0, None),
        (None, None),
        ("8h", None),
        ("", None),
        (-3600000, None),
    ],
)
def test_the_funding_interval_is_told_in_milliseconds(ms: object, hours: str | None) -> None:
    assert listed(fundingInterval=ms).funding_interval_h == hours


def test_a_step_of_zero_is_none_and_what_is_absent_too() -> None:
    one = listed(filters=filters("0", None, "0.000"))
    assert (one.tick_size, one.lot_size, one.min_size) == (None, None, None)
    assert listed(filters=None, createdAt="soon").tick_size is None


def test_what_is_of_another_kind_is_named_and_not_listed() -> None:
    bodies = body(market(symbol="A", marketType="DATED"), market(symbol="B", marketType=""), market())
    assert [one.native for one in VENUE.listing(bodies)] == ["BTC_USDC_PERP"]
    assert VENUE.outside(bodies) == {"A", "B"}


def test_a_broken_row_does_not_cost_the_others() -> None:
    rows = (
        market(symbol="A", filters=filters("x", "1", "1")),
        market(symbol="B", filters=filters("-1", "1", "1")),
        market(symbol="C", baseSymbol=""),
        market(symbol="D", quoteSymbol=None),
        {"symbol": 7},
        5,
        market(),
        market(),
    )
    assert [one.native for one in VENUE.listing(body(*rows))] == ["BTC_USDC_PERP"]


@pytest.mark.parametrize("bad", [b"<html>", b"{}", b"7", b'{"code":"TOO_MANY_REQUESTS","message":"x"}'])
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="backpack markets"):
        VENUE.listing({"markets": bad})


@pytest.mark.parametrize(
    ("answer", "call"),
    [
        (body(market())["markets"], "markets"),
        (body({"symbol": "BTC_USDC_PERP", "markPrice": "1"})["markets"], None),
        (body()["markets"], None),
        (body(7)["markets"], None),
        (b"{}", None),
        (b"nothing", None),
    ],
)
def test_a_listing_is_known_by_its_form(answer: bytes, call: str | None) -> None:
    assert VENUE.is_listing(answer) == call


@pytest.mark.parametrize("text", [True, False], ids=["numbers in text", "text in numbers"])
def test_numbers_where_text_was_and_text_where_numbers_were_list_the_same(text: bool) -> None:
    (path,) = fixtures("backpack")
    given = path.read_bytes()
    if text:
        other = re.sub(rb':\s*"(-?(?:0|[1-9]\d*)(?:\.\d+)?)"', rb":\1", given)
    else:
        other = re.sub(rb'":(\d+)', rb'":"\1"', given)
    assert other != given
    assert VENUE.listing({"markets": other}) == VENUE.listing({"markets": given})


def test_every_topic_leads_back_to_its_channel() -> None:
    for one in (listed(), listed(symbol="AAPL.US_USDC_PERP", baseSymbol="AAPL.US")):
        for channel in VENUE.channels:
            topic = VENUE.topic(channel, one)
            assert VENUE.channel_of(topic) == channel.name
            assert VENUE.topic_of(json.dumps({"data": {}, "stream": topic}).encode()) == topic
    assert VENUE.topic(VENUE.channels[0], listed()) == "bookTicker.BTC_USDC_PERP"
    assert VENUE.topic_of(b'{"id":null,"error":{}}') is None
    assert VENUE.topic_of(b"{") is None
    assert VENUE.channel_of("") is None
    assert VENUE.market_of(b"{}") is None


def test_a_request_names_topics_and_no_number_and_nothing_but_an_error_answers_it() -> None:
    topics = ["bookTicker.BTC_USDC_PERP", "markPrice.BTC_USDC_PERP"]
    assert json.loads(VENUE.subscribe(topics, 7)) == {"method": "SUBSCRIBE", "params": topics}
    assert json.loads(VENUE.unsubscribe(topics, 8)) == {"method": "UNSUBSCRIBE", "params": topics}
    (endpoint,) = VENUE.endpoints
    assert not endpoint.acks
    refused = VENUE.decoder(Table(), DecoderOptions())(b'{"id":null,"error":{"code":4006,"message":"Invalid"}}', 1)
    assert refused == [Refused(None, None, "4006", "Invalid")]


def test_only_what_trades_is_asked_for_since_the_exchange_is_silent_about_the_rest() -> None:
    rows = [market(), market(symbol="X_USDC_PERP", baseSymbol="X", orderBookState="Closed")]
    rows += [market(symbol="BTC_USDC", marketType="SPOT"), market(symbol="Y_USDC_PERP", baseSymbol="Y", visible=False)]
    topics, _ = Wants(VENUE).of(selected(VENUE.listing(body(*rows))), Selection(range(64)))
    assert sorted(name for _, name in topics) == [
        "bookTicker.BTC_USDC",
        "bookTicker.BTC_USDC_PERP",
        "markPrice.BTC_USDC_PERP",
    ]


def test_the_best_bid_and_offer_makes_the_quotes() -> None:
    assert quote_channels(VENUE) == {"spot": "bookTicker", "perp": "bookTicker"}


def test_one_refused_call_of_too_many_blames_the_pace() -> None:
    decode = VENUE.decoder(Table(), DecoderOptions())
    (refused,) = decode(b'{"code":"TOO_MANY_REQUESTS","message":"x"}', 1, Request("/api/v1/markPrices"))
    assert refused == Refused(None, None, "TOO_MANY_REQUESTS", "x", busy=True)


def test_an_instrument_has_a_page_on_the_exchange() -> None:
    assert VENUE.trade_url(listed()) == "https://backpack.exchange/trade/BTC_USDC_PERP"

"""The record: listings, topics, requests."""

import json
from typing import Any

import msgspec
import pytest

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Unreadable
from services.collector.venues.aster import VENUE
from shared.instruments import Instrument
from tests.venues.recordings import HERE

PERP: dict[str, Any] = {
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
        {"filterType": "PRICE_FILTER", "minPrice": "0.10", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.002", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ],
}
TERMS: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "fundingIntervalHours": 4,
    "fundingFeeCap": 0.03,
    "fundingFeeFloor": -0.03,
}


def body(*rows: object) -> bytes:
    return json.dumps({"timezone": "UTC", "symbols": rows}).encode()


def listed(terms: list[Any] | None = None, **changes: Any) -> Instrument:
    bodies = {"perp_info": body({**PERP, **changes})}
    if terms is not None:
        bodies["funding_info"] = json.dumps(terms).encode()
    [one] = VENUE.listing(bodies)
    return one


def test_a_perpetual_is_listed_with_its_funding_terms() -> None:
    assert listed([TERMS]) == Instrument(
        venue="aster",
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
        min_notional="5",
        funding_interval_h="4",
        funding_cap="0.03",
        funding_floor="-0.03",
        status="trading",
        listed_ts=1_569_398_400_000_000_000,
    )


def test_an_interval_that_nobody_says_is_none() -> None:
    for terms in (None, [], [{**TERMS, "symbol": "ETHUSDT"}], [{**TERMS, "fundingIntervalHours": None}], [7]):
        assert listed(terms).funding_interval_h is None
    zero = listed([{**TERMS, "fundingIntervalHours": 0, "fundingFeeCap": "x", "fundingFeeFloor": ""}])
    assert (zero.funding_interval_h, zero.funding_cap, zero.funding_floor) == (None, None, None)


@pytest.mark.parametrize(
    ("base", "asset", "multiplier", "status"),
    [
        ("1000PEPE", "PEPE", "1000", "trading"),
        ("1000SHIB", "SHIB", "1000", "trading"),
        ("1INCH", "1INCH", "1", "trading"),
        ("1000NEW", "NEW", "1000", "quarantined"),
        ("1MBABYDOGE", "BABYDOGE", "1000000", "quarantined"),
    ],
)
def test_thousands_are_read_and_those_that_nobody_reviewed_wait(
    base: str, asset: str, multiplier: str, status: str
) -> None:
    one = listed(symbol=f"{base}USDT", baseAsset=base)
    assert (one.symbol, one.base, one.multiplier, one.status) == (f"{asset}/USDT:USDT", asset, multiplier, status)


def test_a_multiple_scales_price_steps_down_and_size_steps_up() -> None:
    one = listed(symbol="1000PEPEUSDT", baseAsset="1000PEPE")
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.0001", "1", "2", "5")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("TRADING", "trading"),
        ("PENDING_TRADING", "pre"),
        ("TRADING_HALT", "halted"),
        ("PRE_SETTLE", "delisting"),
        ("SETTLING", "delisting"),
        ("CLOSE", "delisting"),
        ("SOMETHING_NEW", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_status_is_mapped_and_an_unheard_one_is_unknown(given: str | None, status: str) -> None:
    assert listed(status=given).status == status


def test_a_delivery_date_before_the_end_of_days_is_a_delisting_announced() -> None:
    one = listed(deliveryDate=1_790_000_000_000)
    assert (one.status, one.delist_ts) == ("trading", 1_790_000_000_000_000_000)
    for odd in (0, "", None, "soon", -1, 1e30):
        assert listed(deliveryDate=odd, onboardDate=odd).delist_ts is None


def test_what_is_no_coin_has_no_category() -> None:
    assert listed(underlyingType="STOCK").category == listed(underlyingType=None).category == "unknown"


def test_only_linear_perpetuals_are_in_scope_and_the_rest_is_named_as_outside() -> None:
    rows = [
        PERP,
        {**PERP, "symbol": "BTCUSD", "quoteAsset": "USD", "marginAsset": "BTC"},
        {**PERP, "symbol": "BTCUSDT_261225", "contractType": "CURRENT_QUARTER"},
        {**PERP, "symbol": "NOTYPEUSDT", "contractType": ""},
    ]
    bodies = {"perp_info": body(*rows)}
    assert [one.native for one in VENUE.listing(bodies)] == ["BTCUSDT"]
    assert VENUE.outside(bodies) == {"BTCUSD", "BTCUSDT_261225", "NOTYPEUSDT"}
    assert (VENUE.listing({}), VENUE.outside({})) == ([], frozenset())


def test_a_filter_that_is_odd_costs_itself() -> None:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": 0.1}, {"filterType": "LOT_SIZE", "stepSize": []}, 7]
    one = listed(filters=[*filters, {"filterType": "NOTIONAL", "minNotional": "10"}])
    assert (one.tick_size, one.lot_size, one.min_notional) == ("0.1", None, "10")
    assert listed(filters=[{"filterType": "PRICE_FILTER", "tickSize": "0.000"}]).tick_size is None


def test_a_row_without_names_costs_itself_and_a_body_without_rows_costs_all() -> None:
    assert [one.native for one in VENUE.listing({"perp_info": body({"symbol": 5}, 7, PERP)})] == ["BTCUSDT"]
    assert VENUE.listing({"perp_info": body()}) == []
    for broken in (b"<html>", b"[]", b'{"code":-1003,"msg":"Too many requests"}', body({"symbol": 5})):
        with pytest.raises(Unreadable, match="perp_info"):
            VENUE.listing({"perp_info": broken})
    with pytest.raises(Unreadable, match="funding_info"):
        VENUE.listing({"perp_info": body(PERP), "funding_info": b"{}"})


def test_a_listing_body_is_told_by_its_form() -> None:
    assert VENUE.is_listing(body(PERP)) == "perp_info"
    assert VENUE.is_listing(json.dumps([TERMS]).encode()) == "funding_info"
    spot = {name: value for name, value in PERP.items() if name != "marginAsset"}
    for other in (body(spot), body(), b"[]", b"[1]", b"{}", b"no", b'[{"symbol":"A","price":"1"}]', b"\xff"):
        assert VENUE.is_listing(other) is None


def fixture(call: str) -> Any:
    return msgspec.json.decode((HERE / "aster" / "listing" / f"{call}.json").read_bytes())


def read(info: object, terms: object) -> list[Instrument]:
    return VENUE.listing({"perp_info": msgspec.json.encode(info), "funding_info": msgspec.json.encode(terms)})


def test_numbers_where_text_was_and_text_where_numbers_were_list_the_same() -> None:
    info, terms = fixture("perp_info"), fixture("funding_info")
    before = read(info, terms)
    for row in info["symbols"]:
        row.update(deliveryDate=str(row["deliveryDate"]), onboardDate=str(row["onboardDate"]))
        for one in row["filters"]:
            one.update({name: msgspec.Raw(text.encode()) for name, text in one.items() if name != "filterType"})
    for row in terms:
        row.update({name: str(value) for name, value in row.items()})
    assert read(info, terms) == before


def test_a_field_that_is_null_counts_as_absent() -> None:
    for name in sorted(PERP):
        absent = {key: value for key, value in PERP.items() if key != name}
        found = []
        for row in (absent, {**PERP, name: None}):
            bodies = {"perp_info": body(row, {**PERP, "symbol": "ETHUSDT"})}
            found.append((VENUE.listing(bodies), VENUE.outside(bodies)))
        assert found[0] == found[1], name


def test_topics_are_the_lower_case_of_the_symbol_and_tell_their_channel() -> None:
    one = listed(symbol="1000PEPEUSDT")
    for channel in VENUE.channels:
        wide = channel.scope == "market"
        topic = VENUE.topic(channel, None if wide else one)
        assert topic == (channel.name if wide else f"1000pepeusdt@{channel.name}")
        assert VENUE.channel_of(topic) == channel.name
        assert VENUE.topic_of(json.dumps({"stream": topic, "data": {}}).encode()) == topic
    assert VENUE.channel_of("btcusdt") is None


@pytest.mark.parametrize(
    ("frame", "topic"),
    [
        (b'{"e":"bookTicker","s":"BTCUSDT"}', "btcusdt@bookTicker"),
        (b'{"e":"markPriceUpdate","s":"BTCUSDT"}', "btcusdt@markPrice"),
        (b'[{"e":"markPriceUpdate","s":"BTCUSDT"}]', "!markPrice@arr"),
        (b'{"e":"bookTicker"}', None),
        (b'{"e":["x"],"s":"BTCUSDT"}', None),
        (b'{"result":null,"id":1}', None),
        (b"pong", None),
        (b"[]", None),
        (b"[7]", None),
    ],
)
def test_the_topic_of_a_frame_is_its_stream_or_what_its_row_comes_from(frame: bytes, topic: str | None) -> None:
    assert VENUE.topic_of(frame) == topic


def test_requests_name_their_topics_and_their_number() -> None:
    topics = ["btcusdt@bookTicker", "!markPrice@arr@1s"]
    assert json.loads(VENUE.subscribe(topics, 7)) == {"method": "SUBSCRIBE", "params": topics, "id": 7}
    assert json.loads(VENUE.unsubscribe(topics[:1], 8)) == {"method": "UNSUBSCRIBE", "params": topics[:1], "id": 8}


def test_there_is_one_market_no_book_and_no_page_of_an_instrument_that_is_known() -> None:
    assert VENUE.market_of(b"anything") == "perp"
    nothing = BookSnapshot("X", (), (), 1, None, 1)
    assert VENUE.follows(nothing, BookDelta("X", (), (), 2, 2, 1, None, 1)) == "gap"
    assert VENUE.trade_url(listed()).startswith("https://www.asterdex.com/")
    assert {call.host for call in VENUE.calls} == {host.name for host in VENUE.hosts}

"""The record: listings, topics, calls."""

import json
from typing import Any

import pytest

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Unreadable
from services.collector.venues.extended import VENUE
from shared.instruments import Instrument

MARKET: dict[str, Any] = {
    "name": "BTC-USD",
    "category": "Crypto",
    "assetName": "BTC",
    "collateralAssetName": "USD",
    "active": True,
    "status": "ACTIVE",
    "marketStats": {"lastPrice": "1"},
    "tradingConfig": {"minOrderSize": "0.0001", "minOrderSizeChange": "0.00001", "minPriceChange": "1"},
    "createdAt": 1_752_829_532_673,
}


def body(*rows: object, status: str = "OK") -> bytes:
    return json.dumps({"status": status, "data": rows}).encode()


def listed(**changes: Any) -> Instrument:
    [one] = VENUE.listing({"markets": body({**MARKET, **changes})})
    return one


def test_a_market_is_listed_with_its_steps_and_pays_every_hour() -> None:
    assert listed() == Instrument(
        venue="extended",
        market="perp",
        symbol="BTC/USD:USD",
        native="BTC-USD",
        base="BTC",
        quote="USD",
        settle="USD",
        category="crypto",
        tick_size="1",
        lot_size="0.00001",
        min_size="0.0001",
        funding_interval_h="1",
        status="trading",
        listed_ts=1_752_829_532_673_000_000,
    )


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "trading"),
        ({"status": "REDUCE_ONLY"}, "halted"),
        ({"status": "DISABLED"}, "halted"),
        ({"status": "DELISTED"}, "delisting"),
        ({"status": "PRELISTED"}, "pre"),
        ({"status": "SOMETHING_NEW"}, "unknown"),
        ({"status": None}, "trading"),  # rows of 2024 say `active` alone
        ({"status": None, "active": False}, "halted"),
        ({"active": False}, "halted"),
        ({"isRfq": True}, "halted"),
        ({"isRfq": True, "status": "DELISTED"}, "delisting"),
    ],
)
def test_only_what_is_active_and_has_a_book_trades(changes: dict[str, Any], status: str) -> None:
    assert listed(**changes).status == status


@pytest.mark.parametrize(
    ("asset", "base", "multiplier", "status"),
    [
        ("NVDA_24_5", "NVDA", "1", "trading"),
        ("1INCH", "1INCH", "1", "trading"),
        ("1000PEPE", "PEPE", "1000", "quarantined"),
        ("kPEPE", "PEPE", "1000", "quarantined"),
    ],
)
def test_names_are_read_and_thousands_that_nobody_reviewed_wait(
    asset: str, base: str, multiplier: str, status: str
) -> None:
    one = listed(name=f"{asset}-USD", assetName=asset)
    assert (one.symbol, one.multiplier, one.status) == (f"{base}/USD:USD", multiplier, status)


def test_a_multiple_scales_price_steps_down_and_size_steps_up() -> None:
    one = listed(assetName="1000PEPE")
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.001", "0.01", "0.1")


def test_steps_that_are_odd_cost_themselves_and_what_is_no_coin_has_no_category() -> None:
    odd = {"minOrderSize": "-1", "minOrderSizeChange": "x", "minPriceChange": 0.1}
    one = listed(tradingConfig=odd, category="TradFi", createdAt="soon")
    assert (one.tick_size, one.lot_size, one.min_size, one.listed_ts) == ("0.1", None, None, None)
    assert one.category == "unknown"
    none: tuple[Any, ...] = (None, 7, [], {"minPriceChange": []}, {"minPriceChange": "0"})
    for config in none:
        assert listed(tradingConfig=config).tick_size is None


def test_a_row_without_names_costs_itself_and_a_body_without_rows_costs_all() -> None:
    assert [one.native for one in VENUE.listing({"markets": body({"name": 5}, 7, MARKET)})] == ["BTC-USD"]
    assert VENUE.listing({"markets": body()}) == VENUE.listing({}) == []
    for broken in (b"<html>", b"[]", b'{"status":"OK"}', body({"name": []}), body(MARKET, status="ERROR")):
        with pytest.raises(Unreadable, match="markets"):
            VENUE.listing({"markets": broken})


def test_numbers_where_text_was_and_nulls_list_the_same() -> None:
    config = {"minOrderSize": 0.0001, "minOrderSizeChange": "0.00001", "minPriceChange": 1}
    assert listed(tradingConfig=config, createdAt=str(MARKET["createdAt"])) == listed()
    for name in MARKET:
        absent = {key: value for key, value in MARKET.items() if key != name}
        other = {**MARKET, "name": "ETH-USD", "assetName": "ETH"}
        found = [VENUE.listing({"markets": body(row, other)}) for row in (absent, {**MARKET, name: None})]
        assert found[0] == found[1], name


def test_a_listing_body_is_told_by_its_form() -> None:
    assert VENUE.is_listing(body(MARKET)) == "markets"
    short = {name: MARKET[name] for name in ("name", "assetName", "collateralAssetName", "marketStats")}
    for other in (body(short), body(), b"[]", b"{}", b"no", b"\xff", body({"m": "BTC-USD", "f": "1", "T": 1})):
        assert VENUE.is_listing(other) is None


def test_an_address_is_a_subscription_and_nothing_is_sent() -> None:
    assert {one.url.partition("/v1/")[2]: one.name for one in VENUE.endpoints} == {
        "orderbooks?depth=1": "quotes",
        "prices/mark": "marks",
        "funding": "funding",
    }
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, None)
        assert VENUE.channel_of(topic) == topic == channel.name
        assert VENUE.subscribe([topic], 1) == VENUE.unsubscribe([topic], 2) == b""
    assert all(one.limits.topics_per_connection == 1 and not one.acks for one in VENUE.endpoints)


@pytest.mark.parametrize(
    ("frame", "topic"),
    [
        (b'{"type":"SNAPSHOT","data":{"m":"BTC-USD","b":[],"a":[],"d":"1"},"ts":1,"seq":1}', "orderbooks"),
        (b'{"type":"SNAPSHOT","data":{"m":"BTC-USD","b":[],"a":[],"d":"f"},"ts":1,"seq":1}', None),
        (b'{"type":"MP","data":{"m":"BTC-USD","p":"1","ts":0},"ts":1,"seq":1}', "prices/mark"),
        (b'{"ts":1,"data":{"m":"BTC-USD","T":1,"f":"0.1"},"seq":2}', "funding"),
        (b'{"ts":1,"data":[{"m":"BTC-USD"}],"seq":2}', None),
        (b'{"ts":1,"data":{"m":"BTC-USD"},"seq":2}', None),
        (b'{"type":"IP","data":{"m":"BTC-USD"}}', None),
        (b'{"status":"ERROR","error":{"code":1001}}', None),
        (b'{"type":"SNAPSHOT"}', None),
        (b"{}", None),
        (b"pong", None),
    ],
)
def test_the_topic_of_a_frame_is_told_by_its_form(frame: bytes, topic: str | None) -> None:
    assert VENUE.topic_of(frame) == topic


def test_there_is_one_market_no_book_and_no_page_of_an_instrument_that_is_known() -> None:
    assert VENUE.market_of(b"anything") == "perp"
    nothing = BookSnapshot("X", (), (), 1, None, 1)
    assert VENUE.follows(nothing, BookDelta("X", (), (), 2, 2, 1, None, 1)) == "gap"
    assert VENUE.trade_url(listed()).startswith("https://")

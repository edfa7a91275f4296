"""The record: topics, requests and the rule that a book's changes follow."""

import json
from typing import Any

import pytest

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venues.binance import VENUE
from shared.instruments import Instrument


def instrument(native: str, market: Any = "perp", quote: str = "USDT") -> Instrument:
    return Instrument(venue="binance", market=market, symbol="X/USDT", native=native, base="X", quote=quote)


def test_topics_are_the_lower_case_of_the_symbol_and_tell_their_channel() -> None:
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, instrument("1000PEPEUSDT") if channel.scope == "instrument" else None)
        assert topic == topic if topic.startswith("!") else topic.startswith("1000pepeusdt@")
        assert VENUE.channel_of(topic) == channel.name
    assert VENUE.channel_of("btcusdt") is None


def test_every_channel_rides_on_an_endpoint_of_its_market_and_every_call_on_a_host() -> None:
    endpoints = {endpoint.name: endpoint.market for endpoint in VENUE.endpoints}
    assert all(endpoints[channel.endpoint] == channel.market for channel in VENUE.channels)
    assert {call.host for call in VENUE.calls} == {host.name for host in VENUE.hosts}


def test_a_request_of_full_length_fits_what_the_venue_reads() -> None:
    topics = [f"1000000somethingusdt{n:03}@depth@100ms" for n in range(80)]
    frame = VENUE.subscribe(topics, 7)
    assert json.loads(frame) == {"method": "SUBSCRIBE", "params": topics, "id": 7}
    assert json.loads(VENUE.unsubscribe(topics[:1], 8)) == {"method": "UNSUBSCRIBE", "params": topics[:1], "id": 8}
    assert all(endpoint.limits.frame_bytes == 4_000 for endpoint in VENUE.endpoints)


def test_the_page_of_an_instrument_is_linked() -> None:
    assert VENUE.trade_url(instrument("1000PEPEUSDT")).endswith("/futures/1000PEPEUSDT")
    assert VENUE.trade_url(instrument("1000SATSUSDT", "spot")).endswith("/trade/1000SATS_USDT?type=spot")


@pytest.mark.parametrize(
    ("frame", "topic"),
    [
        (b'{"stream":"btcusdt@depth20","data":{"lastUpdateId":1}}', "btcusdt@depth20"),
        (b'{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"1","A":"1"}', "btcusdt@bookTicker"),
        (b'{"e":"aggTrade","s":"BTCUSDT"}', "btcusdt@aggTrade"),
        (b'[{"e":"markPriceUpdate","s":"BTCUSDT"}]', "!markPrice@arr"),
        (b'{"e":"forceOrder","o":{"s":"BTCUSDT"}}', "btcusdt@forceOrder"),
        (b'{"result":null,"id":1}', None),
        (b'{"e":["x"],"s":"BTCUSDT"}', None),
        (b"pong", None),
        (b"[]", None),
    ],
)
def test_the_topic_of_a_frame_is_its_stream_or_what_its_row_comes_from(frame: bytes, topic: str | None) -> None:
    assert VENUE.topic_of(frame) == topic


def snapshot(seq: int | None) -> BookSnapshot:
    return BookSnapshot("X/USDT", (), (), seq, None, 0, "rest")


def change(first: int, last: int, before: int | None = None) -> BookDelta:
    return BookDelta("X/USDT", (), (), first, last, before, None, 0)


@pytest.mark.parametrize(
    ("previous", "delta", "verdict"),
    [
        (snapshot(10), change(5, 10), "skip"),
        (snapshot(10), change(5, 11), "apply"),
        (snapshot(10), change(11, 12), "apply"),
        (snapshot(10), change(12, 13), "gap"),
        (change(5, 10), change(11, 11), "apply"),
        (change(5, 10), change(10, 10), "skip"),
        (change(5, 10), change(12, 12), "gap"),
        (snapshot(None), change(1, 2), "gap"),
    ],
)
def test_on_spot_a_change_begins_no_later_than_the_next_number(previous: Any, delta: BookDelta, verdict: str) -> None:
    assert VENUE.follows(previous, delta) == verdict


@pytest.mark.parametrize(
    ("previous", "delta", "verdict"),
    [
        (snapshot(100), change(90, 99, 80), "skip"),
        (snapshot(100), change(90, 110, 80), "apply"),
        (snapshot(100), change(104, 110, 100), "apply"),
        (snapshot(100), change(104, 110, 99), "apply"),
        (snapshot(100), change(104, 110, 101), "gap"),
        (snapshot(100), change(90, 100, 80), "apply"),
        (change(90, 110, 80), change(140, 150, 110), "apply"),
        (change(90, 110, 80), change(111, 150, 109), "gap"),
        (change(90, 110, 80), change(90, 110, 80), "skip"),
        (change(90, 110, 80), change(81, 89, 70), "skip"),
        (change(90, 110, 80), change(111, 150, 111), "gap"),
    ],
)
def test_on_futures_a_change_names_the_one_before_it(previous: Any, delta: BookDelta, verdict: str) -> None:
    assert VENUE.follows(previous, delta) == verdict

"""No bytes make the decoder raise, and what is kept whole is the exchange's own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.collector.capture import Captured
from services.collector.messages import BookDelta, BookSnapshot, Lost, Message, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.apex import VENUE, times
from shared.events import Funding, Mark, Quote
from tests.venues.anything import bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("apex", "book")
TABLE = table("apex", "book")
FRAMES = frames("apex")
ENDPOINTS = sorted({call.path for call in VENUE.calls} | {"/v3/ticker", "/v3/klines"})
MICROS = 1_790_586_413_344_503
HOUR = 3_600_000_000_000
Levels = dict[str, str]


def decoder() -> Decode:
    return VENUE.decoder(TABLE, DecoderOptions(endpoint="book", quote_channel={"perp": "orderBook25.H"}))


def decode(frame: bytes, request: Request | None = None) -> list[Message]:
    made: list[Message] = decoder()(frame, 1, request)
    return made


def push(topic: str, kind: str, data: Any, ts: int = MICROS) -> bytes:
    return json.dumps({"topic": topic, "type": kind, "data": data, "cs": 1, "ts": ts}, separators=(",", ":")).encode()


def book(kind: str, bids: Levels, asks: Levels, u: int, ts: int = MICROS) -> bytes:
    sides = {"b": list(bids.items()), "a": list(asks.items())}
    return push("orderBook25.H.BTCUSDT", kind, {"s": "BTCUSDT", **sides, "u": u}, ts)


def info(kind: str, **fields: Any) -> bytes:
    return push("instrumentInfo.H.BTCUSDT", kind, {"symbol": "BTCUSDT", **fields})


NAMES = """
topic type data ts cs s b a u symbol oraclePrice markPrice indexPrice predictedFundingRate nextFundingTime lastPrice
volume24h turnover24h success ret_msg request op args code msg historyFunds rate fundingTimestamp contractConfig
perpetualContract
"""
KEYS = st.sampled_from(NAMES.split())
VALUES = values(scalars("BTCUSDT", "BTC-USDT", "orderBook25.H", "2026-09-28T11:00:00Z", "subscribe", "ping"), KEYS)
TOPICS = ["orderBook25.H.BTCUSDT", "instrumentInfo.H.BTCUSDT", "instrumentInfo.all", "orderbook25.H.BTCUSDT", "", "."]
PUSHES = st.fixed_dictionaries(
    {
        "topic": st.sampled_from(TOPICS) | VALUES,
        "type": st.sampled_from(["snapshot", "delta"]) | VALUES,
        "data": st.dictionaries(KEYS, VALUES, max_size=8).map(
            lambda data: {"s": "BTCUSDT", "symbol": "BTCUSDT", **data}
        )
        | VALUES,
        "ts": st.just(MICROS) | VALUES,
    }
)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, None if endpoint is None else Request(endpoint, {"symbol": "BTCUSDT"})))


@settings(max_examples=400)
@given(st.lists(PUSHES | VALUES, min_size=1, max_size=4), st.sampled_from([None, *ENDPOINTS]))
def test_no_json_makes_the_decoder_raise(values: list[Any], endpoint: str | None) -> None:
    one = decoder()
    for value in values:
        body = {"data": value.get("data") if isinstance(value, dict) else value} if endpoint else value
        check(one(json.dumps(body).encode(), 1, None if endpoint is None else Request(endpoint)))


@settings(max_examples=400)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b'{"data":' * 50_000,
        b'{"topic":"orderBook25.H.BTCUSDT","type":"snapshot","data":{"s":' + b"[" * 100_000,
        b'{"topic":"instrumentInfo.H.BTCUSDT","type":"delta","data":{"symbol":' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b'{"success":true,"request":' + b"[" * 100_000,
        b'{"historyFunds":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


PRICES = st.integers(1, 30)
CHANGE = st.dictionaries(PRICES, st.sampled_from(["0", "0.0", "1", "2.5"]), max_size=5)


def applied(side: Levels, change: Levels) -> Levels:
    return {price: size for price, size in {**side, **change}.items() if size.strip("0.")}


def best(bids: Levels, asks: Levels) -> tuple[str | None, ...]:
    bid, ask = max(bids, key=int, default=None), min(asks, key=int, default=None)
    return bid, bids.get(bid or ""), ask, asks.get(ask or "")


@settings(max_examples=300)
@given(st.lists(st.tuples(CHANGE, CHANGE), min_size=1, max_size=8), st.data())
def test_whatever_is_lost_doubled_or_late_a_quote_is_the_exchanges_own(
    changes: list[tuple[dict[int, str], dict[int, str]]], data: st.DataObject
) -> None:
    """Bids below 100, asks above: each quote that comes out is the best of the book at its number."""
    steps = [({str(p): s for p, s in b.items()}, {str(100 + p): s for p, s in a.items()}) for b, a in changes]
    truth = [applied({}, steps[0][0])], [applied({}, steps[0][1])]
    for bids, asks in steps[1:]:
        truth[0].append(applied(truth[0][-1], bids))
        truth[1].append(applied(truth[1][-1], asks))
    order = data.draw(st.lists(st.integers(1, len(steps)), max_size=2 * len(steps)))
    one, whole, last = decoder(), True, 0
    one(book("snapshot", *steps[0], 700, MICROS), 1)
    for at in order:
        kind = "delta" if at < len(steps) else "snapshot"
        number = at if at < len(steps) else last  # a snapshot of the newest that was told
        sides = steps[number] if kind == "delta" else (truth[0][number], truth[1][number])
        for message in one(book(kind, *sides, 700 + number, MICROS + number), 1):
            if isinstance(message, Quote):
                assert message.seq == 700 + number
                quoted = message.bid, message.bid_size, message.ask, message.ask_size
                assert quoted == best(truth[0][number], truth[1][number])
                assert whole or kind == "snapshot"
                whole, last = True, number
            elif isinstance(message, Lost):
                assert whole
                assert number != last + 1
                whole = False
            else:
                assert isinstance(message, Unknown)
                assert number <= last if whole else message.reason == "no_snapshot"


FIELDS = ["oraclePrice", "indexPrice", "predictedFundingRate", "lastPrice", "openInterest"]
SAID = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["1", "2.5", "0.0001", "", None]), max_size=4)


@settings(max_examples=200)
@given(SAID, st.lists(SAID, max_size=6))
def test_marks_and_rates_after_changes_are_those_of_all_that_was_said(
    first: dict[str, str | None], changes: list[dict[str, str | None]]
) -> None:
    one, whole = decoder(), dict(first)
    one(info("snapshot", **first), 1)
    for change in changes:
        whole |= change
        made = [message for message in one(info("delta", **change), 1) if isinstance(message, Mark | Funding)]
        at_once = decode(info("snapshot", **whole))
        assert all(message in at_once for message in made)


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    late_table = Table()
    late = VENUE.decoder(late_table, DecoderOptions())
    frame = book("snapshot", {"1": "1"}, {"2": "1"}, 1)
    assert late(frame, 1) == [Unknown("unknown_symbol", "BTCUSDT")]
    late_table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Quote]


def test_a_book_does_not_outlive_the_multiple_that_it_was_read_with() -> None:
    live = Table(VENUE.listing(LISTING))
    one = VENUE.decoder(live, DecoderOptions())
    assert [type(message) for message in one(book("snapshot", {"1": "1"}, {"2": "1"}, 1), 1)] == [Quote]
    live.replace(VENUE.listing(LISTING))
    assert [type(message) for message in one(book("delta", {}, {}, 2), 1)] == [Quote]
    live.replace([replace(one, multiplier="1000") for one in VENUE.listing(LISTING)])
    assert one(book("delta", {}, {}, 3), 1) == [Lost("BTC/USDT:USDT", "quote", "another multiple")]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31)))
def test_a_time_in_text_is_the_calendars(at: datetime) -> None:
    exact = round(at.replace(tzinfo=UTC, microsecond=0).timestamp()) * 1_000_000_000 + at.microsecond * 1_000
    assert times.due(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) == exact


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z"),
        *("2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "1999-01-01T00:00:00Z", "2026-01-01T00:00:00"),
        *("2026-01-01T00:00:00+08:00", "2026-01-01", "1790586413", "٢٠٢٦-01-01T00:00:00Z", "9" * 5000),
    ],
)
def test_a_time_that_is_none_is_a_bad_number(text: str) -> None:
    with pytest.raises(BadNumber):
        times.due(text)


@pytest.mark.parametrize(
    ("spacing", "interval"),
    [
        (HOUR, "1"),
        (8 * HOUR, "8"),
        (24 * HOUR, "24"),
        (25 * HOUR, None),
        (0, None),
        (HOUR + 1, None),
        (HOUR // 2, None),
        (-HOUR, None),
    ],
)
def test_an_interval_is_a_whole_number_of_hours_of_a_day_at_most(spacing: int, interval: str | None) -> None:
    assert times.hours(spacing) == interval


def test_no_book_is_collected_so_no_change_follows_one() -> None:
    before = BookSnapshot("BTC/USDT:USDT", (), (), 1, None, 1)
    assert VENUE.follows(before, BookDelta("BTC/USDT:USDT", (), (), 2, 2, 1, None, 1)) == "gap"

"""No bytes make the decoder raise, and what it says is the frame's own."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import Message, Unknown
from services.collector.naming import resolve_collisions
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.backpack import VENUE, shapes, times
from shared.events import Quote, Settlement
from tests.venues.anything import PRICES, bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("backpack", "book-ticker")
TABLE = table("backpack", "book-ticker")
FRAMES = frames("backpack")
ENDPOINTS = [*sorted({call.path for call in VENUE.calls}), "/api/v1/klines"]
BTC, PEPE = "BTC_USDC_PERP", "kPEPE_USDC_PERP"


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(endpoint="public"))(frame, recv, request)
    return made


def asked(endpoint: str | None) -> Request | None:
    return None if endpoint is None else Request(endpoint, {"symbol": BTC})


def push(channel: str, native: str, **fields: Any) -> bytes:
    data = {"e": channel, "s": native, **fields}
    return json.dumps({"data": data, "stream": f"{channel}.{native}"}, separators=(",", ":")).encode()


SCALARS = scalars(BTC, "bookTicker", "markPrice", f"bookTicker.{BTC}", "2026-09-23T04:00:00")
SHAPES = (shapes.BookTicker, shapes.MarkPrice, shapes.MarkRow, shapes.PaidRow, shapes.Depth, shapes.Frame, shapes.Error)
NAMES = {field.encode_name for shape in SHAPES for field in msgspec.structs.fields(shape)} | {"e"}
KEYS = st.sampled_from(sorted(NAMES))
VALUES = values(SCALARS, KEYS)
PUSHES = st.builds(
    lambda channel, native, fields: {"stream": f"{channel}.{native}", "data": {"e": channel, "s": native, **fields}},
    st.sampled_from(["bookTicker", "markPrice", "depth", "ticker"]),
    st.sampled_from([BTC, PEPE, "ETH_USDC", "NEW"]),
    st.dictionaries(KEYS, VALUES, max_size=6),
)
ROWS = st.dictionaries(KEYS, VALUES, max_size=6).map(lambda row: {"symbol": BTC, **row})


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, request=asked(endpoint)))


@settings(max_examples=400)
@given(PUSHES | VALUES | ROWS | st.lists(ROWS, max_size=3), st.sampled_from([None, *ENDPOINTS]))
def test_no_json_makes_the_decoder_raise(value: Any, endpoint: str | None) -> None:
    check(decode(json.dumps(value).encode(), request=asked(endpoint)))


@settings(max_examples=400)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@settings(max_examples=300)
@given(st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_no_body_makes_a_listing_fail_otherwise_than_by_saying_so(body: bytes) -> None:
    VENUE.is_listing(body)
    if body[:1] == b"[" and VENUE.is_listing(body):
        VENUE.listing({"markets": body})


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b'{"data":' * 50_000,
        b'{"stream":"bookTicker.X","data":' + b"[" * 100_000,
        b"[" + b'{"symbol":' * 50_000 + b"1" + b"}" * 50_000 + b"]",
    ],
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


def test_a_number_too_long_for_any_price_or_time_is_a_bad_number() -> None:
    assert decode(push("bookTicker", BTC, b="9" * 5000, B="1")) == [Unknown("bad_number", BTC)]
    assert decode(push("bookTicker", BTC, b="9", B="1", T="9" * 5000)) == [Unknown("bad_number", BTC)]


@given(PRICES, PRICES, PRICES, PRICES)
def test_keys_in_another_order_mean_the_same(bid: str, bid_size: str, ask: str, ask_size: str) -> None:
    one = push("bookTicker", BTC, b=bid, B=bid_size, a=ask, A=ask_size, T=5, u=7)
    read = json.loads(one)
    other = {"stream": read["stream"], "data": dict(reversed(read["data"].items()))}
    assert decode(json.dumps(other).encode()) == decode(one)
    assert decode(one) == [Quote("BTC/USDC:USDC", bid, bid_size, ask, ask_size, 5000, 1, "ws", 7)]


LEVELS = st.dictionaries(PRICES, st.sampled_from(["0", "0.00", "1", "2.50"]), max_size=6)


@settings(max_examples=200)
@given(LEVELS, LEVELS, st.randoms(use_true_random=False))
def test_the_best_of_a_book_is_found_in_any_order(bids: dict[str, str], asks: dict[str, str], random: Any) -> None:
    sides = [list(side.items()) for side in (bids, asks)]
    for side in sides:
        random.shuffle(side)
    body = {"bids": sides[0], "asks": sides[1], "lastUpdateId": "9", "timestamp": 5}
    (made,) = decode(json.dumps(body).encode(), request=Request("/api/v1/depth", {"symbol": BTC}))
    assert isinstance(made, Quote)
    standing = [{Decimal(price): size for price, size in side if Decimal(size)} for side in sides]
    best_bid, best_ask = max(standing[0], default=None), min(standing[1], default=None)
    assert (made.bid and Decimal(made.bid), made.ask and Decimal(made.ask)) == (best_bid, best_ask)
    assert made.bid_size == (None if best_bid is None else standing[0][best_bid])
    assert made.ask_size == (None if best_ask is None else standing[1][best_ask])


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    late_table = Table()
    late = VENUE.decoder(late_table, DecoderOptions())
    frame = push("bookTicker", BTC, b="1", B="1", a="2", A="1")
    assert late(frame, 1) == [Unknown("unknown_symbol", BTC)]
    late_table.replace(resolve_collisions(VENUE.listing(LISTING)), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Quote]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-23T04:00:00", 1_790_136_000 * 10**9),
        ("2026-09-23 04:00:00Z", 1_790_136_000 * 10**9),
        ("2025-01-21T06:34:54.691858", 1_737_441_294_691_858_000),
        ("2028-02-29T23:59:59.5", 1_835_481_599_500_000_000),
        ("1970-01-01T00:00:00", 0),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str, expected: int) -> None:
    assert times.instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-09-23",
        "2026-02-30T00:00:00",
        "2026-09-00T00:00:00",
        "2026-13-01T00:00:00",
        "2026-09-23T24:00:00",
        "1969-12-31T23:59:59",
        "2026-09-23T04:00:00+02:00",
        "٢026-09-23",
    ],
)
def test_what_is_no_such_time_is_a_bad_number(text: str) -> None:
    with pytest.raises(BadNumber):
        times.instant(text)


def test_the_rate_of_an_interval_that_has_not_ended_is_no_payment() -> None:
    row = {"fundingRate": "0.0000125", "intervalEndTimestamp": "2026-09-23T04:00:00", "symbol": BTC}
    body, request = json.dumps([row]).encode(), Request("/api/v1/fundingRates", {"symbol": BTC})
    end = 1_790_136_000 * 10**9
    assert decode(body, end - 1, request) == [Unknown("not_a_payment", BTC)]
    assert decode(body, end, request) == [Settlement("BTC/USDC:USDC", "0.0000125", "1", end, None, end)]

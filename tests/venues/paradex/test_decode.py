"""No bytes make the decoder raise, the fast way means what the general way means, and books go on by their numbers."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.naming import resolve_collisions
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.paradex import VENUE, sbe
from shared.events import KIND, Liquidation, Quote, Trade
from tests.venues.anything import bodies, check, damaged, frames, scalars, table, values
from tests.venues.paradex import packing

LISTING = bodies("paradex", "bbo")
TABLE = table("paradex", "bbo")
FRAMES = frames("paradex")
BINARY = [one.frame for one in FRAMES if sbe.is_binary(one.frame)]
PATHS = sorted({call.path for call in VENUE.calls} | {"/v1/trades", "/v1/funding/data", "/v1/bbo/X", "/v1/orderbook/X"})


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions())(frame, recv, request)
    return made


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *PATHS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, path: str | None) -> None:
    check(decode(frame, request=None if path is None else Request(path)))


@settings(max_examples=500)
@given(
    st.sampled_from([1, 2, 3, 4, 5, 6, 20, 40, 41, 99]),
    st.integers(0, 300),
    st.sampled_from([1, 1, 1, 2]),
    st.binary(max_size=320),
    st.sampled_from([b"", packing.text(packing.MARKET), packing.text("ETH-USD")]),
)
def test_no_block_makes_the_decoder_raise(template: int, length: int, schema: int, body: bytes, tail: bytes) -> None:
    head = b"".join(number.to_bytes(2, "little") for number in (length, template, schema, 1))
    check(decode(head + body + tail))
    topic = VENUE.topic_of(head + body + tail)
    assert topic is None or VENUE.channel_of(topic) is not None


@settings(max_examples=500)
@given(damaged(FRAMES))
def test_no_damage_to_a_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@given(st.sampled_from(BINARY), st.data())
def test_a_frame_that_is_cut_makes_no_event(frame: bytes, data: st.DataObject) -> None:
    cut = frame[: data.draw(st.integers(0, len(frame) - 1))]
    *before, made = decode(cut)
    whole = decode(frame)
    assert before == whole[: len(before)]
    assert isinstance(made, Unknown) or isinstance(whole[len(before)], type(made)), (
        "only a text after the last known is not missed"
    )


SCALARS = scalars("BTC-USD-PERP", "ETH-USD", "BUY", "FILL")
KEYS = st.sampled_from(
    [
        *("jsonrpc", "id", "method", "params", "channel", "data", "result", "error", "code", "message", "results"),
        *("market", "symbol", "bid", "ask", "bid_size", "ask_size", "mark_price", "underlying_price", "funding_rate"),
        *("funding_index", "funding_period_hours", "trade_type", "side", "price", "size", "created_at", "seq_no"),
        *("last_updated_at", "asks", "bids", "price_tick_size"),
    ]
)
VALUES = values(SCALARS, KEYS)
ROWS = st.fixed_dictionaries({"results": st.lists(VALUES, max_size=4)})


@settings(max_examples=300)
@given(VALUES | ROWS, st.sampled_from([None, *PATHS]))
def test_no_json_makes_the_decoder_raise(value: Any, path: str | None) -> None:
    check(decode(json.dumps(value).encode(), request=None if path is None else Request(path)))


@pytest.mark.parametrize("frame", [b"[" * 100_000, b'{"jsonrpc":' * 50_000, b'{"results":[' + b"[" * 100_000])
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


NUMBERS = st.integers(1, sbe.SATURATED) | st.integers(1, 10**13) | st.sampled_from([0, -1, sbe.NULL])


@settings(max_examples=300)
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["BTC-USD-PERP", "kPEPE-USD-PERP", "ETH-USD", "NEW"]))
def test_a_longer_block_means_the_same_as_the_usual_one(bid: int, bs: int, ask: int, as_: int, market: str) -> None:
    usual = packing.best(bid, bs, ask, as_, market)
    longer = packing.frame(2, usual[8:56] + b"\0" * 8, usual[56:], version=9)
    assert decode(usual) == decode(longer)


@given(
    st.integers(1, sbe.SATURATED),
    st.integers(1, sbe.SATURATED),
    st.sampled_from([("BTC-USD-PERP", 0), ("kPEPE-USD-PERP", 3)]),
)
def test_every_price_and_size_is_exact(price: int, size: int, of: tuple[str, int]) -> None:
    market, places = of
    (made,) = decode(packing.best(price, size, price, size, market))
    assert isinstance(made, Quote)
    assert made.bid is not None and made.bid_size is not None  # noqa: PT018
    assert Decimal(made.bid) == Decimal(price).scaleb(-8 - places)
    assert Decimal(made.bid_size) == Decimal(size).scaleb(-8 + places)
    assert (made.ask, made.ask_size) == (made.bid, made.bid_size)


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions())
    frame = packing.best("1", "2", "3", "4")
    assert late(frame, 1) == [Unknown("unknown_symbol", "BTC-USD-PERP")]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Quote]


def test_a_market_whose_symbol_another_one_has_is_quarantined() -> None:
    rows = [one for one in VENUE.listing(LISTING) if one.native == "kPEPE-USD-PERP"]
    rival = msgspec.structs.replace(rows[0], native="PEPE-USD-PERP", multiplier="1")
    late = VENUE.decoder(Table(resolve_collisions([*rows, rival])), DecoderOptions())
    assert late(packing.best("1", "2", "3", "4", "kPEPE-USD-PERP"), 1) == [Unknown("quarantined", "kPEPE-USD-PERP")]
    assert [type(message) for message in late(packing.best("1", "2", "3", "4", "PEPE-USD-PERP"), 1)] == [Quote]


@pytest.mark.parametrize(
    ("endpoint", "made"), [(None, [Trade, Liquidation]), ("public", [Trade]), ("forced", [Liquidation])]
)
def test_a_forced_trade_becomes_what_its_topic_is_for(endpoint: str | None, made: list[type]) -> None:
    late = VENUE.decoder(TABLE, DecoderOptions(endpoint))
    assert [type(message) for message in late(packing.trade("1", "2", kind=2), 1)] == made


def test_a_new_connection_takes_rates_from_summaries_until_it_hears_better() -> None:
    old, new = VENUE.decoder(TABLE, DecoderOptions()), VENUE.decoder(TABLE, DecoderOptions())
    old(packing.funding(), 1)
    assert [KIND[type(message)] for message in old(packing.summary(), 1)] == ["mark", "stats"]
    assert [KIND[type(message)] for message in new(packing.summary(), 1)] == ["mark", "funding", "stats"]


def book(seq: int | None) -> BookDelta:
    return BookDelta("BTC/USD:USDC", (), (), seq, seq, None, None, 1)


def snapshot(seq: int | None) -> BookSnapshot:
    return BookSnapshot("BTC/USD:USDC", (), (), seq, None, 1)


@pytest.mark.parametrize(
    ("previous", "delta", "verdict"),
    [
        (snapshot(100), book(101), "apply"),
        (book(101), book(102), "apply"),
        (snapshot(100), book(100), "skip"),  # in the snapshot already
        (book(101), book(101), "skip"),  # doubled
        (book(101), book(99), "skip"),  # late
        (book(101), book(103), "gap"),  # lost
        (snapshot(None), book(101), "gap"),
        (snapshot(100), book(None), "gap"),
    ],
)
def test_a_book_goes_on_by_counting(previous: BookSnapshot | BookDelta, delta: BookDelta, verdict: str) -> None:
    assert VENUE.follows(previous, delta) == verdict

"""No bytes make the decoder raise, and however a row comes it means the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import Ack, Rows, Unknown
from services.collector.naming import resolve_collisions
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.aster import VENUE
from shared.events import Funding, Mark, Quote
from tests.venues.anything import bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("aster", "book-ticker")
TABLE = table("aster", "book-ticker")
FRAMES = frames("aster")
PATHS = sorted({call.path for call in VENUE.calls} | {"/fapi/v3/premiumIndex", "/fapi/v1/fundingRate", "/x"})


def decoder(**options: Any) -> Decode:
    return VENUE.decoder(TABLE, DecoderOptions(endpoint="perp", **options))


def ticker(native: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    row = {"e": "bookTicker", "u": 5, "s": native, "b": "1", "B": "2", "a": "3", "A": "4", "T": 7, "E": 8}
    return {**row, **changes}


def mark(native: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    row = {"e": "markPriceUpdate", "E": 1, "s": native, "p": "10", "i": "11", "r": "0.0001", "T": 28_800_000}
    return {**row, **changes}


def combined(stream: str, data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


@given(data=st.binary(max_size=200), path=st.sampled_from([None, *PATHS]))
@settings(max_examples=300)
def test_no_bytes_make_the_decoder_raise(data: bytes, path: str | None) -> None:
    check(decoder()(data, 1, None if path is None else Request(path, {"symbol": "BTCUSDT"})))
    VENUE.topic_of(data)
    VENUE.is_listing(data)


@given(damaged(FRAMES))
@settings(max_examples=300)
def test_no_damage_to_a_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decoder()(one.frame, 1, one.request))
    VENUE.topic_of(one.frame)
    VENUE.is_listing(one.frame)


SCALARS = scalars("BTCUSDT", "1000PEPEUSDT", "BTCUSDT_261225", "0.00", "btcusdt@bookTicker")
NAMES = """
    e E s u b B a A T p P i r o stream data result error id code msg method symbol symbols time bidPrice bidQty askPrice
    askQty markPrice indexPrice lastFundingRate nextFundingTime fundingRate fundingTime fundingIntervalHours serverTime
    exchangeFilters baseAsset filterType
"""
KEYS = st.sampled_from(NAMES.split())
VALUES = values(SCALARS, KEYS)
TYPES = st.sampled_from(["bookTicker", "markPriceUpdate", "kline"])
ROWS = st.builds(
    lambda row, kind: {**row, **({"e": kind} if kind else {})},
    st.dictionaries(KEYS, VALUES, max_size=10),
    st.none() | TYPES,
)


@given(
    row=ROWS | st.lists(ROWS, max_size=2),
    stream=st.none() | st.sampled_from(["btcusdt@bookTicker", "!bookTicker", "!markPrice@arr@1s", "x"]),
    path=st.sampled_from([None, *PATHS]),
)
@settings(max_examples=120)
def test_no_row_of_the_exchanges_own_names_makes_the_decoder_raise(
    row: Any, stream: str | None, path: str | None
) -> None:
    frame = json.dumps(row).encode() if stream is None else combined(stream, row)
    check(decoder()(frame, 1, None if path is None else Request(path)))
    VENUE.topic_of(frame)
    VENUE.is_listing(frame)


def test_depth_beyond_all_measure_is_an_unknown() -> None:
    for frame in (b"[" * 100_000, b'{"stream":"x","data":' * 50_000, b'{"symbols":' * 50_000):
        check(decoder()(frame, 1))
        for path in PATHS:
            check(decoder()(frame, 1, Request(path)))
        assert VENUE.is_listing(frame) is None
        assert VENUE.topic_of(frame) is None


PRICES = st.integers(1, 10**9).map(lambda n: f"{n / 100:.2f}")


@given(PRICES, PRICES, PRICES, PRICES, st.sampled_from(["BTCUSDT", "1000PEPEUSDT", "NOPEUSDT", "BTCUSDT_261225"]))
def test_a_raw_frame_and_one_with_its_keys_in_another_order_mean_the_same(
    bid: str, bid_size: str, ask: str, ask_size: str, native: str
) -> None:
    row = ticker(native, b=bid, B=bid_size, a=ask, A=ask_size)
    whole = decoder()(combined("x@bookTicker", row), 9)
    assert whole == decoder()(json.dumps(row).encode(), 9)
    turned = dict(reversed(row.items()))
    assert whole == decoder()(json.dumps({"data": turned, "stream": "x@bookTicker"}).encode(), 9)


def test_only_the_chosen_quote_channel_makes_quotes() -> None:
    single, wide = combined("btcusdt@bookTicker", ticker()), combined("!bookTicker", ticker())
    quote, other = Quote("BTC/USDT:USDT", "1", "2", "3", "4", 7_000_000, 1, "ws", 5), "other_quote_channel"
    for chosen in ({}, {"perp": "bookTicker"}):
        assert decoder(quote_channel=chosen)(single, 1) == [quote]
        assert decoder(quote_channel=chosen)(wide, 1) == [Unknown(other, "BTCUSDT")]
    assert decoder(quote_channel={"perp": "!bookTicker"})(wide, 1) == [quote]
    assert decoder(quote_channel={"perp": "!bookTicker"})(single, 1) == [Unknown(other, "BTCUSDT")]


def test_rows_of_a_long_frame_are_made_as_they_are_taken() -> None:
    frame = combined("!markPrice@arr@1s", [mark(), *[mark("ETHUSDT")] * 40, mark("NOPEUSDT")])
    [made] = decoder(in_parts=True)(frame, 1)
    assert isinstance(made, Rows)
    assert list(made.messages) == decoder()(frame, 1)
    assert isinstance(decoder(in_parts=True)(combined("!markPrice@arr@1s", [mark()]), 1)[0], Mark)


def test_a_rate_is_per_the_interval_of_the_listing_and_next_comes_what_the_row_says() -> None:
    for native, symbol, hours in (("ETHUSDT", "ETH/USDT:USDT", "1"), ("1000PEPEUSDT", "PEPE/USDT:USDT", "4")):
        funding = decoder()(json.dumps(mark(native)).encode(), 1)[1]
        assert funding == Funding(symbol, "0.0001", hours, 28_800_000_000_000, None, 1_000_000, 1, "ws")


def test_a_refreshed_listing_is_used_by_decoders_made_before() -> None:
    table = Table()
    decode, frame = VENUE.decoder(table, DecoderOptions(endpoint="perp")), combined("!markPrice@arr@1s", [mark()])
    assert decode(frame, 1) == [Unknown("unknown_symbol", "BTCUSDT")]
    table.replace(resolve_collisions(VENUE.listing(LISTING)), VENUE.outside(LISTING))
    assert [type(message) for message in decode(frame, 1)] == [Mark, Funding]
    assert decode(combined("x@bookTicker", ticker("BTCUSD")), 1) == [Unknown("out_of_scope", "BTCUSD")]


@pytest.mark.parametrize("number", [0, 1, (1 << 63) - 1])
def test_an_acknowledgement_names_its_request(number: int) -> None:
    assert decoder()(json.dumps({"result": None, "id": number}).encode(), 1) == [Ack(id=number)]

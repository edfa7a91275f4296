"""No bytes make the decoder raise, and however a row comes it means the same."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import Closing, Message, Unknown
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.extended import VENUE
from shared.events import Funding, Quote
from tests.venues.anything import bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("extended", "orderbooks")
TABLE = table("extended", "orderbooks")
FRAMES = frames("extended")
BTC = "BTC-USD"
MARKETS = "/api/v1/info/markets"
PATHS = [MARKETS, f"{MARKETS}/{BTC}/stats", f"{MARKETS}/{BTC}/orderbook", f"/api/v1/info/{BTC}/funding", "/x"]


def decoder(endpoint: str | None = "quotes") -> Decode:
    return VENUE.decoder(TABLE, DecoderOptions(endpoint, "perp"))


Levels = list[tuple[str, str]]


def book(bids: Levels, asks: Levels, number: int | None = 1, **more: Any) -> bytes:
    sides = {name: [{"q": size, "p": price} for price, size in levels] for name, levels in (("b", bids), ("a", asks))}
    data = {"t": "SNAPSHOT", "m": BTC, **sides, "d": "1", **more}
    return json.dumps({"type": "SNAPSHOT", "data": data, "ts": 7, "seq": number}).encode()


@given(data=st.binary(max_size=200), path=st.sampled_from([None, *PATHS]))
@settings(max_examples=300)
def test_no_bytes_make_the_decoder_raise(data: bytes, path: str | None) -> None:
    check(decoder()(data, 1, None if path is None else Request(path)))
    VENUE.topic_of(data)
    VENUE.is_listing(data)


@given(damaged(FRAMES))
@settings(max_examples=300)
def test_no_damage_to_a_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decoder()(one.frame, 1, one.request))
    VENUE.topic_of(one.frame)
    VENUE.is_listing(one.frame)


NAMES = "type data ts seq status error code message m b a d p q f T name market bid ask price qty marketStats assetName"
KEYS = st.sampled_from([*NAMES.split(), "lastPrice", "dailyVolume", "fundingRate", "nextFundingRate", "openInterest"])
VALUES = values(scalars(BTC, "OK", "SNAPSHOT", "DELTA", "MP", "1"), KEYS)
FORMS = st.fixed_dictionaries(
    {"data": st.dictionaries(KEYS, VALUES, max_size=8).map(lambda row: {"m": BTC, **row}) | VALUES},
    optional={
        "type": st.sampled_from(["SNAPSHOT", "DELTA", "MP", "", "IP"]),
        "status": st.sampled_from(["OK", "ERROR"]),
        "seq": st.integers(),
        "ts": st.integers(),
    },
)


@given(value=FORMS | VALUES, path=st.sampled_from([None, *PATHS]))
@settings(max_examples=120)
def test_no_row_of_the_exchanges_own_names_makes_the_decoder_raise(value: Any, path: str | None) -> None:
    frame = json.dumps(value).encode()
    check(decoder()(frame, 1, None if path is None else Request(path)))
    VENUE.topic_of(frame)
    VENUE.is_listing(frame)


def test_depth_beyond_all_measure_is_an_unknown() -> None:
    for frame in (b"[" * 100_000, b'{"data":' * 50_000, b'{"status":"OK","data":' + b"[" * 100_000):
        check(decoder()(frame, 1))
        for path in PATHS:
            check(decoder()(frame, 1, Request(path)))
        assert VENUE.is_listing(frame) is None
        assert VENUE.topic_of(frame) is None


PRICES = st.integers(1, 10**9).map(lambda n: f"{n / 100:.2f}")
SIDE = st.lists(st.tuples(PRICES, st.sampled_from(["0", "0.00", "1.5", "7"])), max_size=5)


@given(SIDE, SIDE)
def test_a_quote_is_the_best_of_the_levels_that_have_a_size(bids: Levels, asks: Levels) -> None:
    [quote] = decoder()(book(bids, asks), 9)
    assert isinstance(quote, Quote)
    for price, size, levels, choose in ((quote.bid, quote.bid_size, bids, max), (quote.ask, quote.ask_size, asks, min)):
        real = [(Decimal(level[0]), level) for level in levels if Decimal(level[1])]
        if not real:
            assert (price, size) == (None, None)
        else:
            assert Decimal(price or "") == choose(real)[0]
            assert (price, size) in [level for _, level in real]


@given(PRICES, PRICES)
def test_a_frame_with_its_keys_in_another_order_means_the_same(bid: str, ask: str) -> None:
    frame = book([(bid, "1")], [(ask, "2")])
    turned = json.loads(frame)
    turned["data"] = dict(reversed(turned["data"].items()))
    assert decoder()(frame, 9) == decoder()(json.dumps(dict(reversed(turned.items()))).encode(), 9)


def numbered(*numbers: int | None, endpoint: str | None = "quotes") -> list[Message]:
    one = decoder(endpoint)
    made = [message for number in numbers for message in one(book([("1", "1")], [("2", "1")], number), 1)]
    return [message for message in made if not isinstance(message, Quote)]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((1, 2, 3), []),
        ((570, 571), []),
        ((1, 3, 4, 6), ["frame 3 after 1"]),
        ((2, 2), ["frame 2 after 2"]),
        ((5, 1, 2), ["frame 1 after 5"]),
        ((1, None, 2), []),
    ],
)
def test_a_connection_is_replaced_at_its_first_missing_number(numbers: tuple[int | None, ...], said: list[str]) -> None:
    assert numbered(*numbers) == [Closing(reason) for reason in said]


def test_numbers_of_recordings_that_name_no_connection_are_not_compared() -> None:
    assert numbered(1, 9, 3, endpoint=None) == []


def test_a_number_is_counted_whatever_its_frame_is() -> None:
    one = decoder()
    one(book([], [], 1), 1)
    assert one(b'{"data":[],"ts":7,"seq":2}', 1) == [Unknown("unused_channel")]
    assert [type(message) for message in one(book([], [], 3), 1)] == [Quote]
    assert one(b'{"type":"MP","data":{"m":"X","p":"1"},"ts":7,"seq":9}', 1)[1:] == [Closing("frame 9 after 3")]


def test_a_change_of_the_best_levels_replaces_the_connection() -> None:
    change = book([("1", "1")], []).replace(b'"type": "SNAPSHOT"', b'"type": "DELTA"')
    assert decoder()(change, 1) == [Closing("a change of the best levels")]


@pytest.mark.parametrize(
    ("recv", "due"),
    [
        (1_790_586_554_600_000_000, 1_790_589_600_000_000_000),
        (1_790_585_999_999_999_999, 1_790_586_000_000_000_000),
        (1_790_586_000_000_000_000, 1_790_589_600_000_000_000),
    ],
)
def test_funding_is_paid_at_the_full_hour_after_it_came(recv: int, due: int) -> None:
    frame = b'{"ts":1,"data":{"m":"BTC-USD","T":1,"f":"0.001"},"seq":2}'
    assert decoder("funding")(frame, recv) == [
        Funding("BTC/USD:USD", "0.001", "1", due, None, 1_000_000, recv, "ws"),
    ]


def test_a_refreshed_listing_is_used_by_decoders_made_before() -> None:
    table = Table()
    decode = VENUE.decoder(table, DecoderOptions("quotes", "perp"))
    assert decode(book([], [], 1), 1) == [Unknown("unknown_symbol", BTC)]
    table.replace(VENUE.listing(LISTING))
    assert [type(message) for message in decode(book([], [], 2), 1)] == [Quote]

"""No bytes make the decoder raise, and the fast way means what the general way means."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.book_sync import BookRules, BookSync
from services.collector.capture import Captured
from services.collector.messages import Ack, BookDelta, BookSnapshot, Message, Relist, Replayed, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.lighter import VENUE, shapes
from services.collector.venues.lighter.decode_rest import Body
from shared.events import Book, Quote, Settlement, Trade
from tests.venues.anything import PRICES, bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("lighter", "ticker")
TABLE = table("lighter", "ticker")
FRAMES = frames("lighter")
PATHS = ("orderBookDetails", "orderBooks", "fundings", "funding-rates", "recentTrades", "orderBookOrders", "candles")
ENDPOINTS = [f"/api/v1/{path}" for path in PATHS]


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(endpoint="stream"))(frame, recv, request)
    return made


SCALARS = scalars("1", "4", "long", "liquidation", "all")
SHAPES = (shapes.Frame, shapes.Ticker, shapes.Level, shapes.OrderBook, shapes.Print, shapes.MarketStats, shapes.Error)
ROWS = (shapes.Details, shapes.Paid, shapes.BulkRate, shapes.Order, Body)
KEYS = st.sampled_from(sorted({field.name for shape in (*SHAPES, *ROWS) for field in msgspec.structs.fields(shape)}))
VALUES = values(SCALARS, KEYS)
CHANNELS = ["ticker:1", "ticker:4", "order_book:0", "trade:0", "market_stats:0", "market_stats:all", "height"]
CONTENTS = ["ticker", "order_book", "trades", "liquidation_trades", "market_stats", "spot_market_stats"]
PUSHES = st.builds(
    lambda channel, kind, content: {"channel": channel, "type": f"{kind}/{channel.partition(':')[0]}", **content},
    st.sampled_from(CHANNELS),
    st.sampled_from(["subscribed", "update"]),
    st.dictionaries(st.sampled_from(CONTENTS), VALUES, max_size=3),
)
BODY = st.dictionaries(KEYS, VALUES, max_size=4).map(lambda value: {**value, "code": 200})


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, request=None if endpoint is None else Request(endpoint, {"market_id": "0"})))


@settings(max_examples=300)
@given(PUSHES | VALUES | BODY, st.sampled_from([None, *ENDPOINTS]))
def test_no_json_makes_the_decoder_raise(value: Any, endpoint: str | None) -> None:
    request = None if endpoint is None else Request(endpoint, {"market_id": "0"})
    check(decode(json.dumps(value).encode(), request=request))


@settings(max_examples=300)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@pytest.mark.parametrize(
    "frame", [b"[" * 100_000, b'{"ticker":' * 50_000, b'{"channel":"ticker:1","ticker":' + b"[" * 100_000]
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


def test_a_number_too_long_for_any_price_is_a_bad_number() -> None:
    assert decode(ticker("9" * 5000, "1", "1", "1")) == [Unknown("bad_number", "1")]


def ticker(ask: str, ask_size: str, bid: str, bid_size: str, native: str = "1", kind: str = "update") -> bytes:
    sides = {"s": "X", "a": {"price": ask, "size": ask_size}, "b": {"price": bid, "size": bid_size}}
    frame = {"channel": f"ticker:{native}", "nonce": 5, "ticker": sides, "type": f"{kind}/ticker"}
    return json.dumps(frame, separators=(",", ":")).encode()


@given(PRICES, PRICES, PRICES, PRICES, st.sampled_from(["0", "1", "4", "2048"]))
def test_keys_in_another_order_mean_the_same(ask: str, ask_size: str, bid: str, bid_size: str, native: str) -> None:
    fast = ticker(ask, ask_size, bid, bid_size, native)
    slow = json.dumps(dict(reversed(json.loads(fast).items()))).encode()
    assert decode(fast) == decode(slow)
    assert isinstance(decode(fast)[0], Quote)
    assert decode(ticker(ask, ask_size, bid, bid_size, native, "subscribed")) == [
        Ack(f"ticker:{native}"),
        *decode(fast),
    ]


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions())
    frame = ticker("2", "1", "1", "1")
    assert late(frame, 1) == [Unknown("unknown_symbol", "1")]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Quote]


def test_an_instrument_that_lost_its_name_is_quarantined() -> None:
    listing = json.loads(LISTING["order_book_details"])
    twin = {**listing["order_book_details"][1], "market_id": 5}
    body = json.dumps({"code": 200, "order_book_details": [listing["order_book_details"][1], twin]}).encode()
    from services.collector.naming import resolve_collisions

    table = Table(resolve_collisions(VENUE.listing({"order_book_details": body})))
    decoder = VENUE.decoder(table, DecoderOptions())
    assert decoder(ticker("2", "1", "1", "1", "5"), 1) == [Unknown("quarantined", "5")]


def test_each_connection_tells_a_payment_once_and_an_unlisted_market_once() -> None:
    row = {"market_id": 0, "funding_rate": "0.0012", "funding_timestamp": 1789030800001}
    frame = {"channel": "market_stats:all", "type": "update/market_stats", "market_stats": {"0": row}}
    frame["market_stats"] = {"0": row, "222": {**row, "market_id": 222}}
    text = json.dumps(frame).encode()
    for connection in (VENUE.decoder(TABLE, DecoderOptions()), VENUE.decoder(TABLE, DecoderOptions())):
        first, again = connection(text, 1789031000000000000), connection(text, 1789031001000000000)
        assert sum(isinstance(one, Settlement) for one in first) == sum(isinstance(one, Relist) for one in first) == 1
        assert not any(isinstance(one, Settlement | Relist) for one in again)


def test_what_comes_with_a_subscription_is_marked_as_replayed_oldest_first() -> None:
    rows = [
        {"trade_id": n, "market_id": 0, "size": "1", "price": "1", "is_maker_ask": True, "transaction_time": n}
        for n in (5, 4, 9, 1)
    ]
    made = decode(json.dumps({"channel": "trade:0", "type": "subscribed/trade", "trades": rows}).encode())
    replayed = [one.event for one in made if isinstance(one, Replayed)]
    assert [one.id for one in replayed if isinstance(one, Trade)] == ["1", "4", "5", "9"]


def book(seq: int, prev: int | None = None) -> BookDelta:
    return BookDelta("ETH/USDC:USDC", (), (), None, seq, prev, None, 1)


def snapshot(seq: int) -> BookSnapshot:
    return BookSnapshot("ETH/USDC:USDC", (), (), seq, None, 1)


@pytest.mark.parametrize(
    ("previous", "delta", "verdict"),
    [
        (snapshot(100), book(103, 100), "apply"),
        (book(103, 100), book(109, 103), "apply"),  # numbers have holes
        (book(103, 100), book(103, 103), "apply"),
        (book(109, 103), book(109, 103), "skip"),  # doubled
        (snapshot(109), book(105, 100), "skip"),  # made before the snapshot
        (snapshot(104), book(109, 103), "gap"),  # from before it to after it
        (book(109, 103), book(120, 115), "gap"),  # lost
    ],
)
def test_a_book_goes_on_by_the_number_before(
    previous: BookSnapshot | BookDelta, delta: BookDelta, verdict: str
) -> None:
    assert VENUE.follows(previous, delta) == verdict


LEVELS = st.dictionaries(st.integers(1, 30), st.integers(0, 3), max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LEVELS, st.sampled_from(["", "", "", "lose", "double", "swap"])), max_size=25))
def test_a_live_book_is_the_venues_book_whatever_is_lost_doubled_or_late(
    changes: list[tuple[dict[int, int], str]],
) -> None:
    decoder = VENUE.decoder(TABLE, DecoderOptions())
    venue: dict[int, int] = {}
    truth: dict[int, dict[int, int]] = {100: {}}
    sync = BookSync("ETH/USDC:USDC", BookRules(VENUE.follows, VENUE.resync, min_interval_ns=0))

    def frame(kind: str, levels: dict[int, int], nonce: int, begin: int) -> bytes:
        bids = [{"price": str(price), "size": str(size)} for price, size in levels.items()]
        content = {"asks": [], "bids": bids, "nonce": nonce, "begin_nonce": begin}
        return json.dumps({"channel": "order_book:0", "type": f"{kind}/order_book", "order_book": content}).encode()

    frames, nonce = [frame("subscribed", {}, 100, 0)], 100
    for levels, _ in changes:
        venue = {price: size for price, size in {**venue, **levels}.items() if size}
        frames.append(frame("update", levels, nonce + 3, nonce))
        nonce += 3
        truth[nonce] = venue
    sent: list[bytes] = frames[:1]
    for text, (_, fault) in zip(frames[1:], changes, strict=True):
        sent += {"lose": [], "double": [text, text]}.get(fault, [text])
        if fault == "swap" and len(sent) > 2:
            sent[-1], sent[-2] = sent[-2], sent[-1]
    for text in [*sent, frame("subscribed", venue, nonce, 0)]:
        for message in decoder(text, 1):
            if isinstance(message, BookSnapshot | BookDelta):
                for said in sync.take(message):
                    if isinstance(said, Book):
                        assert {int(p): int(s) for p, s in said.bids} == truth[said.seq or 0]
    assert sync.seq == nonce

"""No bytes make the decoder raise, and the fast way means what the general way means."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.book_sync import BookRules, BookSync
from services.collector.capture import Captured
from services.collector.messages import BookDelta, BookSnapshot, Lost, Message, Unknown
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.grvt import VENUE
from shared.events import Mark, Quote
from tests.venues.anything import bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("grvt", "mini-delta")
TABLE = table("grvt", "mini-delta")
FRAMES = frames("grvt")
ENDPOINTS = sorted({call.path for call in VENUE.calls})
BTC = "BTC_USDT_Perp"
Said = dict[str, str | None]


def decoder(quotes: str = "v1.mini.d") -> Decode:
    return VENUE.decoder(TABLE, DecoderOptions(endpoint="mini", quote_channel={"perp": quotes}))


def decode(frame: bytes, request: Request | None = None) -> list[Message]:
    made: list[Message] = decoder()(frame, 1, request)
    return made


def push(feed: Said, seq: int, before: int, stream: str = "v1.mini.d") -> bytes:
    whole = {"event_time": "1790586065000000000", "instrument": BTC, **feed}
    frame = {
        "stream": stream,
        "selector": f"{BTC}@0",
        "sequence_number": str(seq),
        "feed": whole,
        "prev_sequence_number": str(before),
    }
    return json.dumps(frame, separators=(",", ":")).encode()


SCALARS = scalars(BTC, "KPEPE_USDT_Perp", "v1.mini.d")
LONG_KEYS = """
stream selector sequence_number prev_sequence_number feed jsonrpc result error id method params code message subs unsubs
first_sequence_number request_id instrument event_time best_bid_price best_bid_size best_ask_price best_ask_size
mark_price index_price funding_rate funding_interval_hours next_funding_time open_interest bids asks price size
is_taker_buyer trade_id venue funding_time tick_size kind
"""
SHORT_KEYS = "s s1 sn f ps i r j e et bb bb1 b a p no fr2 c m"
KEYS = st.sampled_from(f"{LONG_KEYS} {SHORT_KEYS}".split())
VALUES = values(SCALARS, KEYS)
STREAMS = ["v1.mini.d", "v1.mini.s", "v1.ticker.s", "v1.ticker.d", "v1.book.s", "v1.book.d", "v1.trade", "v1.candle"]
PUSHES = st.fixed_dictionaries(
    {
        "stream": st.sampled_from(STREAMS),
        "selector": st.sampled_from([f"{BTC}@0", f"{BTC}@500-10", ""]),
        "sequence_number": st.sampled_from(["0", "1", "2", "99", "-1", "x"]) | SCALARS,
        "feed": st.dictionaries(KEYS, VALUES, max_size=8).map(lambda feed: {"instrument": BTC, **feed}) | VALUES,
        "prev_sequence_number": st.sampled_from(["0", "1", "98"]),
    }
)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, None if endpoint is None else Request(endpoint, {"instrument": BTC})))


@settings(max_examples=400)
@given(st.lists(PUSHES | VALUES, min_size=1, max_size=4), st.sampled_from([None, *ENDPOINTS]))
def test_no_json_makes_the_decoder_raise(values: list[Any], endpoint: str | None) -> None:
    one = decoder()
    for value in values:
        body = {"result": value.get("feed") if isinstance(value, dict) else value} if endpoint else value
        check(one(json.dumps(body).encode(), 1, None if endpoint is None else Request(endpoint)))


@settings(max_examples=400)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b'{"feed":' * 50_000,
        b'{"stream":"v1.mini.d","feed":{"instrument":' + b"[" * 100_000,
        b'{"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"r":' + b'{"i":' * 50_000 + b"1" + b"}" * 50_001,
    ],
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


@pytest.mark.parametrize("number", ["9" * 5000, "1" * 19, "-1", "٣", ""])
def test_a_sequence_number_that_is_none_is_a_bad_number(number: str) -> None:
    frame = push({"best_bid_price": "1"}, 5, 4).replace(b'"5"', json.dumps(number).encode())
    assert decode(frame) == [Unknown("bad_number", BTC)]


NUMBERS = st.decimals(min_value="0.00000001", max_value="99999999", places=8).map(lambda d: format(d, "f"))
SAID = st.none() | st.just("") | NUMBERS
FIELDS = ["best_bid_price", "best_bid_size", "best_ask_price", "best_ask_size", "mark_price", "index_price"]


@given(st.dictionaries(st.sampled_from(FIELDS), SAID))
def test_keys_in_another_order_mean_the_same(feed: Said) -> None:
    fast = push(feed, 0, 0)
    slow = json.dumps(dict(reversed(json.loads(fast).items()))).encode()
    assert decode(fast) == decode(slow)


def told(number: int) -> bytes:
    result = {"stream": "v1.mini.d", "subs": [f"{BTC}@0"], "unsubs": [], "first_sequence_number": [str(number)]}
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": 1, "method": "subscribe"}).encode()


def whole(said: Said, number: int) -> list[Message]:
    """What a picture of these fields makes, under a number of its own."""
    one = decoder()
    if number > 0:
        one(told(number + 1), 1)
    return list(one(push(said, 0, 0), 1))


CHANGES = st.lists(st.dictionaries(st.sampled_from(FIELDS), SAID, min_size=1), min_size=1, max_size=8)


@settings(max_examples=200)
@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, SAID)), CHANGES, st.data())
def test_whatever_is_lost_doubled_or_late_a_quote_is_the_exchanges_own(
    picture: Said, changes: list[Said], data: st.DataObject
) -> None:
    """Each quote and mark that comes out is what a picture taken at its number would have said."""
    truth = [picture]
    for change in changes:
        truth.append({**truth[-1], **change})
    frames = [push(change, 11 + number, 10 + number) for number, change in enumerate(changes)]
    order = data.draw(st.lists(st.integers(0, len(frames) - 1), max_size=2 * len(frames)))
    one, lost = decoder(), False
    one(told(11), 1)
    one(push(picture, 0, 0), 1)
    last = 10
    for at in order:
        for message in one(frames[at], 1):
            lost = lost or isinstance(message, Lost)
            if isinstance(message, Quote):
                assert message.seq == 11 + at
                assert message in whole(truth[at + 1], 11 + at)
            if isinstance(message, Mark) and not lost:
                assert message in whole(truth[at + 1], 11 + at)
        if not lost and not (11 + at == last or 11 + at == last + 1):
            raise AssertionError(f"{11 + at} after {last} is not said to be a gap")
        last = 11 + at


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions())
    frame = push(dict.fromkeys(FIELDS, "1"), 0, 0)
    assert late(frame, 1) == [Unknown("unknown_symbol", BTC)]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Quote, Mark]


def delta(seq: int, before: int | None) -> BookDelta:
    return BookDelta("BTC/USDT:USDT", (), (), None, seq, before, None, 1)


def snapshot(seq: int | None) -> BookSnapshot:
    return BookSnapshot("BTC/USDT:USDT", (), (), seq, None, 1)


@pytest.mark.parametrize(
    ("previous", "change", "verdict"),
    [
        (snapshot(0), delta(36481, 36480), "apply"),  # the first one's number was not told
        (snapshot(0), delta(1, 0), "apply"),
        (snapshot(36480), delta(36481, 36480), "apply"),
        (snapshot(36480), delta(36482, 36481), "gap"),
        (snapshot(36480), delta(36480, 36479), "skip"),
        (snapshot(None), delta(1, 0), "gap"),  # a picture over REST
        (delta(36481, 36480), delta(36482, 36481), "apply"),
        (delta(36481, 36480), delta(36490, 36481), "apply"),
        (delta(36481, 36480), delta(36481, 36480), "skip"),
        (delta(36481, 36480), delta(36483, 36482), "gap"),
        (delta(36481, 36480), delta(36480, 36479), "gap"),
        (delta(36481, 36480), delta(1, 0), "gap"),  # the gateway restarted
        (delta(36481, 36480), delta(36482, None), "apply"),
        (delta(36481, 36480), delta(36483, None), "gap"),
    ],
)
def test_a_book_goes_on_by_the_number_before(
    previous: BookSnapshot | BookDelta, change: BookDelta, verdict: str
) -> None:
    assert VENUE.follows(previous, change) == verdict


LEVELS = st.dictionaries(st.sampled_from(["99", "99.5", "100", "100.5", "101"]), st.sampled_from(["0.0", "1", "2.5"]))


@settings(max_examples=200)
@given(LEVELS, st.lists(LEVELS, min_size=1, max_size=8), st.data())
def test_whatever_is_lost_doubled_or_late_a_live_book_is_the_exchanges_own(
    picture: dict[str, str], changes: list[dict[str, str]], data: st.DataObject
) -> None:
    def frame(seq: int, before: int, levels: dict[str, str]) -> bytes:
        rows = [{"price": price, "size": size, "num_orders": 1} for price, size in levels.items()]
        feed = {"event_time": "1790586065000000000", "instrument": BTC, "bids": rows, "asks": []}
        return json.dumps(
            {
                "stream": "v1.book.d",
                "selector": f"{BTC}@50",
                "sequence_number": str(seq),
                "feed": feed,
                "prev_sequence_number": str(before),
            }
        ).encode()

    result = {"stream": "v1.book.d", "subs": [f"{BTC}@50"], "unsubs": [], "first_sequence_number": ["701"]}
    one = decoder()
    one(json.dumps({"jsonrpc": "2.0", "result": result, "id": 1, "method": "subscribe"}).encode(), 1)
    frames = [frame(701 + number, 700 + number, change) for number, change in enumerate(changes)]
    order = [-1, *data.draw(st.lists(st.integers(-1, len(frames) - 1), max_size=2 * len(frames)))]
    truth = [{price: size for price, size in picture.items() if size != "0.0"}]
    for change in changes:
        truth.append({price: size for price, size in {**truth[-1], **change}.items() if size != "0.0"})
    sync = BookSync("BTC/USDT:USDT", BookRules(VENUE.follows, VENUE.resync, min_interval_ns=0))
    for at in order:
        (message,) = one(frame(0, 0, picture) if at < 0 else frames[at], 1)
        assert isinstance(message, BookSnapshot | BookDelta)
        sync.take(message)
        book = sync.picture()
        if book is not None and book.seq:
            assert dict(book.bids) == truth[book.seq - 700]

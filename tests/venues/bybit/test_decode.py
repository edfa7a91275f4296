"""No bytes make the decoder raise, the fast way means what the general way means, and books go on by their numbers."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.book_sync import BookRules, BookSync
from services.collector.capture import Captured
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.bybit import VENUE
from shared.events import Book, Mark, Quote, Stats
from shared.instruments import Market
from tests.venues.anything import PRICES, bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("bybit", "linear-tickers")
TABLE = table("bybit", "linear-tickers")
FRAMES = frames("bybit")
PUSHED = [one.frame for one in FRAMES if one.request is None]
ENDPOINTS = sorted({call.path for call in VENUE.calls})
MARKETS: tuple[Market | None, ...] = ("spot", "perp", None)


def decode(
    frame: bytes, recv: int = 1, request: Request | None = None, market: Market | None = "perp"
) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(market=market))(frame, recv, request)
    return made


SCALARS = scalars("BTCUSDT", "1000PEPEUSDT", "Buy", "Sell")
NAMES = (
    "topic type ts data cts cs s b a u seq symbol success op ret_msg req_id retCode retMsg result category list "
    "bid1Price bid1Size ask1Price ask1Size markPrice indexPrice fundingRate nextFundingTime fundingIntervalHour "
    "lastPrice volume24h turnover24h singleOpenInterest singleOpenInterestValue T S v p i BT fundingRateTimestamp "
    "time request ret_code nextPageCursor lotSizeFilter baseCoin successTopics failTopics"
)
KEYS = st.sampled_from(NAMES.split(" "))
VALUES = values(SCALARS, KEYS)
CHANNELS = ["orderbook.1", "orderbook.200", "tickers", "publicTrade", "allLiquidation", "kline.1"]
TOPICS = st.sampled_from([f"{channel}.BTCUSDT" for channel in CHANNELS])
DATA = (
    st.fixed_dictionaries({}, optional={"s": SCALARS, "symbol": SCALARS, "b": VALUES, "a": VALUES, "u": SCALARS})
    | VALUES
)
PUSHES = st.fixed_dictionaries(
    {"topic": TOPICS, "type": st.sampled_from(["snapshot", "delta", ""]), "data": DATA | st.lists(VALUES, max_size=4)}
)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]), st.sampled_from(MARKETS))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None, market: Market | None) -> None:
    check(decode(frame, request=None if endpoint is None else Request(endpoint), market=market))


@settings(max_examples=500)
@given(PUSHES | VALUES, st.sampled_from([None, *ENDPOINTS]), st.sampled_from(MARKETS))
def test_no_json_makes_the_decoder_raise(value: Any, endpoint: str | None, market: Market | None) -> None:
    body = {"retCode": 0, "result": {"category": "linear", "list": value}} if endpoint else value
    check(decode(json.dumps(body).encode(), request=None if endpoint is None else Request(endpoint), market=market))


@settings(max_examples=500)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PUSHED) | PUSHES.map(lambda push: json.dumps(push).encode()), max_size=12))
def test_no_sequence_of_frames_makes_a_connection_raise(frames: list[bytes]) -> None:
    connection = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear", quote_channel={"perp": "tickers"}))
    for frame in frames:
        check(connection(frame, 1))


@pytest.mark.parametrize("frame", [b"[" * 100_000, b'{"topic":' * 50_000, b'{"topic":"orderbook.1.' + b"[" * 100_000])
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


def push(native: str, bid: list[list[str]], ask: list[list[str]], number: int = 5) -> dict[str, Any]:
    data = {"s": native, "b": bid, "a": ask, "u": number, "seq": number}
    return {"topic": f"orderbook.1.{native}", "type": "snapshot", "ts": 2, "data": data, "cts": 1}


def test_a_number_too_long_for_any_price_is_a_bad_number() -> None:
    frame = json.dumps(push("BTCUSDT", [["9" * 5000, "1"]], []), separators=(",", ":")).encode()
    assert decode(frame) == [Unknown("bad_number", "BTCUSDT")]


@given(PRICES, PRICES, PRICES, PRICES, st.sampled_from(["BTCUSDT", "1000PEPEUSDT", "SHIB1000USDT"]))
def test_keys_in_another_order_mean_the_same(bid: str, bid_size: str, ask: str, ask_size: str, native: str) -> None:
    frame = push(native, [[bid, bid_size]], [[ask, ask_size]])
    fast = json.dumps(frame, separators=(",", ":")).encode()
    slow = json.dumps({name: frame[name] for name in reversed(frame)}).encode()
    assert decode(fast) == decode(slow)
    assert isinstance(decode(fast)[0], Quote)


def test_what_is_sent_again_has_no_engine_time_and_a_new_number_has() -> None:
    connection = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear"))
    frames = [json.dumps(push("BTCUSDT", [["1", "2"]], [["3", "4"]], number)).encode() for number in (5, 5, 6, 6)]
    assert [connection(frame, recv)[0].ts for recv, frame in enumerate(frames)] == [1_000_000, None, 1_000_000, None]  # type: ignore[union-attr]


def ticker(kind: str, **fields: str) -> bytes:
    return json.dumps({"topic": "tickers.BTCUSDT", "type": kind, "data": {"symbol": "BTCUSDT", **fields}}).encode()


MARKS = st.sampled_from(["1", "2", "3.50"])


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"markPrice": MARKS, "indexPrice": MARKS, "lastPrice": MARKS}), max_size=12
    )
)
def test_deltas_add_up_to_the_whole_picture(changes: list[dict[str, str]]) -> None:
    """After any deltas mark and last price are what a snapshot of the same picture would have said."""
    connection = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear"))
    picture = {"markPrice": "9", "indexPrice": "8", "lastPrice": "7"}
    said = {type(message): message for message in connection(ticker("snapshot", **picture), 1)}
    for change in changes:
        picture.update(change)
        said.update({type(message): message for message in connection(ticker("delta", **change), 1)})
    whole = {type(message): message for message in decode(ticker("snapshot", **picture))}
    assert (said[Mark], said[Stats]) == (whole[Mark], whole[Stats])


def test_a_new_connection_knows_nothing_of_the_old_one() -> None:
    first = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear"))
    first(ticker("snapshot", markPrice="9"), 1)
    second = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear"))
    assert second(ticker("delta", markPrice="8"), 1) == [Unknown("no_snapshot", "BTCUSDT")]


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions(endpoint="linear"))
    frame = json.dumps(push("BTCUSDT", [["1", "2"]], [["3", "4"]])).encode()
    assert late(frame, 1) == [Unknown("unknown_symbol", "BTCUSDT")]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Quote]


def delta(seq: int | None, ts: int | None = 1) -> BookDelta:
    return BookDelta("BTC/USDT", (), (), None, seq, None, ts, 1)


def snapshot(seq: int | None, ts: int | None = 1) -> BookSnapshot:
    return BookSnapshot("BTC/USDT", (), (), seq, ts, 1)


@pytest.mark.parametrize(
    ("previous", "change", "verdict"),
    [
        (snapshot(100), delta(101), "apply"),
        (delta(101), delta(102), "apply"),
        (delta(101), delta(101), "skip"),  # doubled
        (delta(101, 5), delta(99, 4), "skip"),  # late
        (delta(101), delta(103), "gap"),  # lost
        (delta(101, 5), delta(2, 6), "gap"),  # the count began anew, and its snapshot was lost
        (snapshot(1, 5), delta(101, 4), "gap"),  # of before the restart: it cannot be told from a loss
        (snapshot(1), delta(2), "apply"),
        (delta(101, None), delta(99, 4), "skip"),
        (snapshot(None), delta(1), "gap"),
        (snapshot(100), delta(None), "gap"),
    ],
)
def test_a_book_goes_on_by_the_next_number(previous: BookSnapshot | BookDelta, change: BookDelta, verdict: str) -> None:
    assert VENUE.follows(previous, change) == verdict


@settings(max_examples=300)
@given(st.data())
def test_whatever_is_lost_or_doubled_or_late_a_live_book_is_the_venues(data: st.DataObject) -> None:
    """A book of five levels, pushed as the venue does, with a new snapshot whenever the sync asks for one."""
    venue: dict[str, str] = {"1": "1"}
    truth: dict[int, dict[str, str]] = {1000: dict(venue)}
    messages: list[BookSnapshot | BookDelta] = [BookSnapshot("X", tuple(venue.items()), (), 1000, 0, 0, limit=200)]
    for number in range(1001, 1001 + data.draw(st.integers(1, 15))):
        price, size = data.draw(st.sampled_from("12345")), data.draw(st.sampled_from("0123"))
        venue.update({price: size})
        truth[number] = {p: s for p, s in venue.items() if s != "0"}
        messages.append(BookDelta("X", ((price, size),), (), None, number, None, number, number))
    sync = BookSync("X", BookRules(VENUE.follows, VENUE.resync, min_interval_ns=0))
    fate = st.sampled_from(["pass"] * 6 + ["lose", "double", "swap"])
    while messages:
        message = messages.pop(0)
        kind = data.draw(fate)
        if kind == "swap" and messages:
            messages.insert(1, message)
            continue
        for _ in range({"lose": 0, "double": 2}.get(kind, 1)):
            said = sync.take(message)
            for picture in (one for one in said if isinstance(one, Book)):
                assert dict(picture.bids) == truth[picture.seq or 0]

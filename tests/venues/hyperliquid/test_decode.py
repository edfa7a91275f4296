"""No bytes make the decoder raise, and the fast way means what the general way means."""

import base64
import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.hyperliquid import VENUE
from services.collector.venues.hyperliquid.reading import INFLATED_MAX
from shared.events import Mark, Quote, Trade
from tests.venues.anything import PRICES, bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("hyperliquid", "bbo")
TABLE = table("hyperliquid", "bbo")
FRAMES = frames("hyperliquid")
TYPES = sorted({str((call.body or {})["type"]) for call in VENUE.calls} | {"recentTrades", "predictedFundings", "meta"})


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(endpoint="public"))(frame, recv, request)
    return made


COINS = ["BTC", "kPEPE", "xyz:TSLA", "@107", "PURR/USDC", "MATIC", "xyz:HYPE", "flx:GOLD", "#1", "NOPE", ""]
SCALARS = scalars(*COINS, "A", "B")
KEYS = st.sampled_from(
    [
        "channel",
        "method",
        "data",
        "subscription",
        "type",
        "coin",
        "time",
        "bbo",
        "levels",
        "px",
        "sz",
        "n",
        "side",
        "tid",
        "hash",
        "ctx",
        "ctxs",
        "funding",
        "markPx",
        "midPx",
        "oraclePx",
        "openInterest",
        "dayNtlVlm",
        "dayBaseVlm",
        "universe",
        "tokens",
        "name",
        "szDecimals",
        "fundingRate",
        "premium",
        "status",
        "response",
    ]
)
VALUES = values(SCALARS, KEYS)
CHANNELS = st.sampled_from(
    [
        "bbo",
        "l2Book",
        "trades",
        "activeAssetCtx",
        "activeSpotAssetCtx",
        "allDexsAssetCtxs",
        "fastAssetCtxs",
        "subscriptionResponse",
        "error",
        "pong",
        "allMids",
        "post",
    ]
)
LEVELS = st.fixed_dictionaries({"px": SCALARS, "sz": SCALARS})
ROWS = st.fixed_dictionaries(
    {
        "coin": st.sampled_from(COINS),
        "time": st.integers(0, 10**13),
        "bbo": st.lists(LEVELS | st.none(), max_size=3),
        "levels": st.lists(st.lists(LEVELS, max_size=3), max_size=3),
        "ctx": st.dictionaries(KEYS, SCALARS),
        "ctxs": st.lists(st.tuples(st.sampled_from(["", "xyz", "flx"]), st.lists(VALUES, max_size=4)), max_size=3),
        "side": st.sampled_from(["A", "B", "C"]),
        "px": SCALARS,
        "sz": SCALARS,
        "tid": st.integers(),
        "fundingRate": SCALARS,
    }
)
PUSHES = st.fixed_dictionaries({"channel": CHANNELS, "data": ROWS | st.lists(ROWS, max_size=3) | VALUES})


def compressed(data: bytes) -> str:
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(engine.compress(data) + engine.flush()).decode()


def fast(data: bytes) -> bytes:
    return json.dumps({"channel": "fastAssetCtxs", "data": compressed(data)}).encode()


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *TYPES]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, kind: str | None) -> None:
    check(decode(frame, request=None if kind is None else Request("/info", {"type": kind, "coin": "BTC"})))


@settings(max_examples=500)
@given(PUSHES | ROWS | VALUES, st.sampled_from([None, *TYPES]))
def test_no_json_makes_the_decoder_raise(value: Any, kind: str | None) -> None:
    body = value.get("data", value) if kind is not None and isinstance(value, dict) else value
    check(decode(json.dumps(body).encode(), request=None if kind is None else Request("/info", {"type": kind})))


@settings(max_examples=300)
@given(VALUES | st.dictionaries(st.sampled_from(COINS), VALUES))
def test_no_compressed_json_makes_the_decoder_raise(value: Any) -> None:
    check(decode(fast(json.dumps(value).encode())))


@settings(max_examples=300)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@pytest.mark.parametrize(
    "frame", [b"[" * 100_000, b'{"channel":' * 50_000, b'{"channel":"bbo","data":' + b"[" * 100_000]
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


def test_a_frame_that_inflates_beyond_all_measure_is_refused() -> None:
    bomb = b'{"BTC":{"markPx":"' + b"1" * (INFLATED_MAX + 1) + b'"}}'
    assert decode(fast(bomb)) == [Unknown("bad_shape")]


def test_a_number_too_long_for_any_price_is_a_bad_number() -> None:
    sides = [{"px": "9" * 5000, "sz": "1"}, None]
    push = {"channel": "bbo", "data": {"coin": "BTC", "time": 1, "bbo": sides}}
    assert decode(json.dumps(push).encode()) == [Unknown("bad_number", "BTC")]


def test_quotes_are_made_only_of_the_channel_that_is_planned_for_them() -> None:
    options = DecoderOptions(quote_channel={"perp": "another", "spot": "bbo"})
    decoder = VENUE.decoder(TABLE, options)
    sides = [{"px": "2", "sz": "1"}, {"px": "3", "sz": "1"}]
    made = [
        decoder(json.dumps({"channel": "bbo", "data": {"coin": coin, "time": 1, "bbo": sides}}).encode(), 1)
        for coin in ("BTC", "@107")
    ]
    assert made == [
        [Unknown("other_quote_channel", "BTC")],
        [Quote("HYPE/USDC", "2", "1", "3", "1", 1_000_000, 1)],
    ]


@given(PRICES, PRICES, PRICES, PRICES, st.sampled_from(["BTC", "kPEPE", "@107", "xyz:TSLA"]))
def test_keys_in_another_order_mean_the_same(bid: str, bid_size: str, ask: str, ask_size: str, coin: str) -> None:
    sides = [{"px": bid, "sz": bid_size, "n": 1}, {"px": ask, "sz": ask_size, "n": 2}]
    row = {"coin": coin, "time": 1790232237145, "bbo": sides}
    hot = json.dumps({"channel": "bbo", "data": row}, separators=(",", ":")).encode()
    slow = json.dumps({"data": dict(reversed(row.items())), "channel": "bbo"}).encode()
    assert decode(hot) == decode(slow)
    assert isinstance(decode(hot)[0], Quote)


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions())
    row = {"coin": "BTC", "side": "A", "px": "1", "sz": "2", "time": 1, "tid": 1}
    frame = json.dumps({"channel": "trades", "data": [row]}).encode()
    contexts = json.dumps({"channel": "allDexsAssetCtxs", "data": {"ctxs": [["", [{"markPx": "5"}]]]}}).encode()
    assert late(frame, 1) == [Unknown("unknown_symbol", "BTC")]
    assert late(contexts, 1) == [Unknown("unknown_symbol", "[0]")]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Trade]
    assert late(contexts, 1) == [Mark("BTC/USDC:USDC", "5", None, None, 1)]


def test_a_change_of_a_book_is_never_followed_because_there_are_none() -> None:
    book = BookSnapshot("BTC/USDC:USDC", (), (), None, None, 1)
    assert VENUE.follows(book, BookDelta("BTC/USDC:USDC", (), (), None, None, None, None, 1)) == "gap"

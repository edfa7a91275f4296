"""No bytes make the decoder raise, and the fast way means what the general way means."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.continuity import best_levels_agree, names_the_one_before
from services.collector.messages import Message, Replayed, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.okx import VENUE
from shared.codec import encode_event
from shared.events import KIND, Quote, Trade

HERE = Path(__file__).parent
BODIES = msgspec.json.decode((HERE / "bbo-tbt" / "instruments.json").read_bytes(), type=dict[str, msgspec.Raw])
LISTING = {call: bytes(body) for call, body in BODIES.items()}
TABLE = Table(VENUE.listing(LISTING), VENUE.outside(LISTING))
FRAMES = [
    line
    for path in sorted(HERE.glob("*/frames.jsonl"))
    for line in path.read_bytes().splitlines()
    if line.startswith((b'{"arg"', b'{"rest"'))
]
ENDPOINTS = sorted({call.path for call in VENUE.calls})


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(endpoint="public"))(frame, recv, request)
    return made


def check(messages: list[Message]) -> None:
    """At least one message, and every event can go on the bus."""
    assert messages
    for message in messages:
        event = message.event if isinstance(message, Replayed) else message
        if type(event) in KIND:
            encode_event(event)  # type: ignore[arg-type]
        else:
            msgspec.msgpack.encode(event)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP", "-1", "1e9", "1e-400", "", "0", "00", ".5", "5.", "NaN"]
    ),
)
KEYS = st.sampled_from(
    [
        "arg",
        "channel",
        "instId",
        "instType",
        "data",
        "action",
        "event",
        "code",
        "msg",
        "id",
        "table",
        "op",
        "asks",
        "bids",
        "ts",
        "seqId",
        "prevSeqId",
        "checksum",
        "last",
        "bidPx",
        "bidSz",
        "askPx",
        "askSz",
        "px",
        "sz",
        "side",
        "tradeId",
        "markPx",
        "idxPx",
        "fundingRate",
        "fundingTime",
        "nextFundingTime",
        "realizedRate",
        "oiCcy",
        "details",
        "bkPx",
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20
)
PUSHES = st.fixed_dictionaries(
    {
        "arg": st.fixed_dictionaries(
            {
                "channel": st.sampled_from(
                    [
                        "bbo-tbt",
                        "tickers",
                        "books",
                        "books5",
                        "trades",
                        "mark-price",
                        "index-tickers",
                        "funding-rate",
                        "open-interest",
                        "liquidation-orders",
                        "instruments",
                        "candle1m",
                    ]
                ),
                "instId": st.sampled_from(["BTC-USDT", "BTC-USDT-SWAP", "XX", ""]),
            }
        ),
        "action": st.sampled_from(["snapshot", "update", ""]),
        "data": st.lists(VALUES, max_size=4) | VALUES,
    }
)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, request=None if endpoint is None else Request(endpoint, {"instId": "BTC-USDT"})))


@settings(max_examples=300)
@given(PUSHES | VALUES, st.sampled_from([None, *ENDPOINTS]))
def test_no_json_makes_the_decoder_raise(value: Any, endpoint: str | None) -> None:
    body = {"code": "0", "data": value.get("data") if isinstance(value, dict) else value} if endpoint else value
    check(decode(json.dumps(body).encode(), request=None if endpoint is None else Request(endpoint)))


@settings(max_examples=300)
@given(st.sampled_from(FRAMES), st.data())
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(frame: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, min(len(frame), start + 12)))
    check(decode(frame[:start] + data.draw(st.binary(max_size=6)) + frame[end:]))


@pytest.mark.parametrize(
    "frame", [b"[" * 100_000, b'{"arg":' * 50_000, b'{"arg":{"channel":"bbo-tbt"' + b"[" * 100_000]
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


def test_a_number_too_long_for_any_price_is_a_bad_number() -> None:
    level = ["9" * 5000, "1", "0", "1"]
    push = {
        "arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"},
        "data": [{"asks": [level], "bids": [], "ts": "9" * 5000}],
    }
    assert decode(json.dumps(push).encode()) == [Unknown("bad_number", "BTC-USDT")]


PRICES = st.decimals(min_value="0.00000001", max_value="99999999", places=8).map(lambda d: format(d, "f"))


@given(PRICES, PRICES, PRICES, PRICES, st.sampled_from(["BTC-USDT", "BTC-USDT-SWAP", "YFI-USDT-SWAP"]))
def test_keys_in_another_order_mean_the_same(bid: str, bid_size: str, ask: str, ask_size: str, native: str) -> None:
    arg = {"channel": "bbo-tbt", "instId": native}
    row = {"asks": [[ask, ask_size, "0", "1"]], "bids": [[bid, bid_size, "0", "1"]], "ts": "1785926301005", "seqId": 5}
    fast = json.dumps({"arg": arg, "data": [row]}, separators=(",", ":")).encode()
    slow = json.dumps({"data": [dict(reversed(row.items()))], "arg": dict(reversed(arg.items()))}).encode()
    assert decode(fast) == decode(slow)
    assert isinstance(decode(fast)[0], Quote)


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions())
    row = {"instId": "BTC-USDT", "tradeId": "1", "px": "1", "sz": "2", "side": "buy", "ts": "1"}
    frame = json.dumps({"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [row]}).encode()
    assert late(frame, 1) == [Unknown("unknown_symbol", "BTC-USDT")]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Trade]


def test_a_book_goes_on_by_the_number_before_and_is_proved_by_its_best_levels() -> None:
    assert VENUE.follows is names_the_one_before
    assert VENUE.verify is best_levels_agree

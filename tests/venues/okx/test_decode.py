"""No bytes make the decoder raise, and the fast way means what the general way means."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.continuity import best_levels_agree, names_the_one_before
from services.collector.messages import Message, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.okx import VENUE
from shared.events import Quote, Trade
from tests.venues.anything import PRICES, bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("okx", "bbo-tbt")
TABLE = table("okx", "bbo-tbt")
FRAMES = frames("okx")
ENDPOINTS = sorted({call.path for call in VENUE.calls})


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(endpoint="public"))(frame, recv, request)
    return made


SCALARS = scalars("BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP")
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
VALUES = values(SCALARS, KEYS)
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
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


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

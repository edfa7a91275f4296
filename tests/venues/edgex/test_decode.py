"""No bytes make the decoder raise; frames in parts say what whole ones say; the interval is the exchange's own."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import Message, Rows, Unknown
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.edgex import VENUE
from shared.events import Funding, Mark, Quote, Stats
from tests.venues.anything import bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("edgex", "book-ticker")
TABLE = table("edgex", "book-ticker")
FRAMES = frames("edgex")
ENDPOINTS = sorted({call.path for call in VENUE.calls} | {"/api/v2/public/quote/getTicker"})
BTC = "30000001"
HOUR = 3_600_000


def decoder(*, in_parts: bool = False) -> Decode:
    return VENUE.decoder(TABLE, DecoderOptions("public", "perp", {"perp": "bookTicker"}, in_parts))


def decode(frame: bytes, request: Request | None = None) -> list[Message]:
    made: list[Message] = decoder()(frame, 1, request)
    return made


def push(channel: str, rows: object) -> bytes:
    content = {"channel": channel, "dataType": "changed", "data": rows}
    return json.dumps({"type": "quote-event", "channel": channel, "content": content}).encode()


SCALARS = scalars(BTC, "30000030", "10000001", "SUCCESS", "quote-event", "ticker.all.1s", "CHANGED")
NAMES = """
type channel content data dataType time code msg errorParam contractId contractName bestBidPrice bestBidSize
bestAskPrice bestAskSize lastPrice size value openInterest markPrice oraclePrice indexPrice fundingRate fundingTime
nextFundingTime asks bids price depthType dataList isSettlement fundingRateIntervalMin contractList coinList sid
"""
KEYS = st.sampled_from(NAMES.split())
VALUES = values(SCALARS, KEYS)
ROWS = st.lists(st.dictionaries(KEYS, VALUES, max_size=8).map(lambda row: {"contractId": BTC, **row}) | VALUES)
PUSHES = st.builds(
    lambda channel, rows: json.loads(push(channel, rows)),
    st.sampled_from(["bookTicker.all.1s", "ticker.all.1s", "ticker.30000001", "depth.30000001.15", ""]),
    ROWS | VALUES,
)
ANSWERS = st.fixed_dictionaries({"code": st.just("SUCCESS"), "data": ROWS | VALUES})


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, None if endpoint is None else Request(endpoint, {"contractId": BTC})))


@settings(max_examples=400)
@given(PUSHES | ANSWERS | VALUES, st.sampled_from([None, *ENDPOINTS]))
def test_no_json_makes_the_decoder_raise(value: Any, endpoint: str | None) -> None:
    check(decode(json.dumps(value).encode(), None if endpoint is None else Request(endpoint)))


@settings(max_examples=400)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, one.request))


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b'{"type":' * 50_000,
        b'{"type":"ping","time":' + b"[" * 100_000,
        b'{"type":"quote-event","channel":"ticker.all.1s","content":{"data":' + b"[" * 100_000,
        b'{"code":"SUCCESS","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


SIDES = ("bestBidPrice", "bestBidSize", "bestAskPrice", "bestAskSize")
NUMBERS = st.none() | st.just("") | st.decimals(min_value="0", max_value="9999", places=4).map(lambda d: format(d, "f"))
BESTS = st.fixed_dictionaries(
    {"contractId": st.sampled_from([BTC, "30000030", "30000999"])},
    optional=dict.fromkeys(SIDES, NUMBERS),
)


@settings(max_examples=50)
@given(st.lists(BESTS, min_size=33, max_size=40))
def test_a_frame_in_parts_says_what_the_whole_one_says(rows: list[Any]) -> None:
    frame = push("bookTicker.all.1s", rows)
    (parts,) = decoder(in_parts=True)(frame, 1)
    assert isinstance(parts, Rows)
    assert list(parts.messages) == decode(frame)


@given(st.fixed_dictionaries(dict.fromkeys(SIDES, NUMBERS)))
def test_a_side_is_whole_or_null_and_never_zero(row: dict[str, str | None]) -> None:
    (quote,) = decode(push("bookTicker.all.1s", [{"contractId": BTC, **row}]))
    assert isinstance(quote, Quote)
    for price, size in ((quote.bid, quote.bid_size), (quote.ask, quote.ask_size)):
        assert (price is None) == (size is None)
        assert price is None or (float(price) > 0 and float(size or 0) > 0)


@given(st.integers(1_600_000_000_000, 1_900_000_000_000), st.integers(1, 96))
def test_the_rate_is_for_the_hours_between_the_last_payment_and_the_next(last: int, quarters: int) -> None:
    times = {"fundingTime": str(last), "nextFundingTime": str(last + quarters * HOUR // 4)}
    (made,) = decode(push("ticker.all.1s", [{"contractId": BTC, "fundingRate": "0.0001", **times}]))
    assert isinstance(made, Funding)
    assert made.interval_h is not None
    assert float(made.interval_h) == quarters / 4
    assert (made.rate, made.next_ts) == ("0.0001", (last + quarters * HOUR // 4) * 1_000_000)


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    listed = Table()
    late = VENUE.decoder(listed, DecoderOptions())
    frame = push("ticker.all.1s", [{"contractId": BTC, "markPrice": "1", "lastPrice": "1"}])
    assert late(frame, 1) == [Unknown("unknown_symbol", BTC)]
    listed.replace(VENUE.listing(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Mark, Stats]

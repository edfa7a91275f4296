"""No bytes make a decoder raise, and however a row comes it means the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.capture import Captured
from services.collector.messages import Ack, BookSnapshot, Unknown
from services.collector.naming import resolve_collisions
from services.collector.table import Table
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.binance import VENUE
from shared.events import Mark, Quote, Stats, Trade
from tests.venues.anything import bodies, check, frames, scalars, table, values

HERE = Path(__file__).parent
LISTING = bodies("binance", "multiples")
TABLE = table("binance", "multiples")
FRAMES = frames("binance")
ENDPOINTS = ("spot", "perp_public", "perp_market", None)
PATHS = sorted(
    {call.path for call in VENUE.calls} | {"/fapi/v1/premiumIndex", "/api/v3/ticker/24hr", "/x", "/dapi/v1/depth"}
)


def decoder(endpoint: str | None, **options: Any) -> Decode:
    return VENUE.decoder(TABLE, DecoderOptions(endpoint=endpoint, **options))


@given(data=st.binary(max_size=200), endpoint=st.sampled_from(ENDPOINTS), path=st.sampled_from([None, *PATHS]))
@settings(max_examples=300)
def test_no_bytes_make_a_decoder_raise(data: bytes, endpoint: str | None, path: str | None) -> None:
    check(decoder(endpoint)(data, 1, None if path is None else Request(path, {"symbol": "BTCUSDT"})))
    VENUE.market_of(data)
    VENUE.topic_of(data)
    VENUE.is_listing(data)


@given(
    frame=st.sampled_from(FRAMES),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6), st.binary(max_size=6)), min_size=1, max_size=3),
    endpoint=st.sampled_from(ENDPOINTS),
)
@settings(max_examples=500)
def test_no_damage_to_a_real_frame_makes_a_decoder_raise(
    frame: Captured, cuts: list[tuple[int, int, bytes]], endpoint: str | None
) -> None:
    data, request = bytearray(frame.frame), frame.request
    for place, length, put in cuts:
        start = place % (len(data) + 1)
        data[start : start + length] = put
    check(decoder(endpoint)(bytes(data), 1, request))
    VENUE.market_of(bytes(data))
    VENUE.topic_of(bytes(data))


SCALARS = scalars("BTCUSDT", "1000PEPEUSDT", "BTCUSD_PERP", "0.00", "SELL")
LETTERS = """
    e E s st ps u U pu b B a A p q nq i r T m M c v o S ap z cs lastUpdateId bids asks symbol code msg id result error
    openInterest time markPrice nextFundingTime fundingRate fundingTime bidPrice bidQty askPrice askQty
"""
KEYS = st.sampled_from(LETTERS.split())
TYPES = st.sampled_from(
    ["bookTicker", "aggTrade", "depthUpdate", "markPriceUpdate", "24hrTicker", "forceOrder", "contractInfo", "kline"]
)
VALUES = values(SCALARS, KEYS)
ROWS = st.builds(
    lambda row, kind: {**row, **({"e": kind} if kind else {})}, st.dictionaries(KEYS, VALUES), st.none() | TYPES
)


@given(
    row=ROWS | st.lists(ROWS, max_size=3),
    stream=st.none()
    | st.sampled_from(["btcusdt@depth20", "btcusdt@bookTicker", "!bookTicker", "!serverShutdown", "x"]),
    endpoint=st.sampled_from(ENDPOINTS),
)
@settings(max_examples=400)
def test_no_row_of_the_venues_own_letters_makes_a_decoder_raise(
    row: Any, stream: str | None, endpoint: str | None
) -> None:
    frame = json.dumps(row if stream is None else {"stream": stream, "data": row}).encode()
    check(decoder(endpoint)(frame, 1))


def test_deep_nesting_is_an_unknown_like_any_other() -> None:
    for frame in (b"[" * 100_000, b'{"stream":"x","data":' * 50_000):
        for endpoint in ENDPOINTS:
            check(decoder(endpoint)(frame, 1))
            check(decoder(endpoint)(frame, 1, Request("/fapi/v1/premiumIndex")))
        assert VENUE.is_listing(frame) is None


prices = st.integers(1, 10**9).map(lambda n: f"{n / 100:.2f}")


@given(prices, prices, prices, prices, st.sampled_from(["BTCUSDT", "1000PEPEUSDT", "NOPEUSDT", "BTCUSDT_261225"]))
def test_a_raw_frame_and_one_with_its_fields_in_another_order_mean_the_same(
    bid: str, bid_size: str, ask: str, ask_size: str, native: str
) -> None:
    row = {"u": 5, "s": native, "b": bid, "B": bid_size, "a": ask, "A": ask_size}
    perp = {"e": "bookTicker", **row, "T": 1_700_000_000_000, "E": 1_700_000_000_003, "st": 1}
    for endpoint, data in (("spot", row), ("perp_public", perp)):
        decode, turned = decoder(endpoint), dict(reversed(data.items()))
        combined = decode(json.dumps({"stream": "x@bookTicker", "data": data}).encode(), 9)
        assert combined == decode(json.dumps(data).encode(), 9)
        assert combined == decode(json.dumps({"data": turned, "stream": "x@bookTicker"}).encode(), 9)


def test_a_spot_row_is_told_from_a_futures_row_by_its_own_form() -> None:
    tested = 0
    for case in sorted(HERE.glob("*/case.json")):
        market = json.loads(case.read_bytes()).get("market")
        if market is None or case.parent.name in ("broken", "not-collected"):
            continue
        for one in frames("binance", case.parent.name):
            if one.request is None and (told := VENUE.market_of(one.frame)) is not None:
                assert told == market, one.frame
                tested += 1
    assert tested > 50


def test_without_a_market_a_mini_ticker_makes_nothing_and_says_why() -> None:
    frame = b'{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"1","v":"1","q":"1"}'
    assert VENUE.market_of(frame) is None
    assert decoder(None)(frame, 1) == [Unknown("no_market")]
    assert decoder(None)(b'{"result":null,"id":4}', 1) == [Ack(id=4)]
    assert [type(m) for m in decoder("perp_market")(frame, 1)] == [Stats]


def test_only_the_chosen_quote_channel_makes_quotes() -> None:
    row = b'{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1","T":1,"E":1}'
    ticker = b'{"stream":"!bookTicker","data":' + row + b"}"
    assert decoder("perp_public")(ticker, 1) == [Unknown("other_quote_channel", "BTCUSDT")]
    assert decoder("perp_public", quote_channel={"perp": "!bookTicker"})(ticker, 1) == [
        Quote("BTC/USDT:USDT", "1", "1", "2", "1", 1_000_000, 1, "ws", 1)
    ]
    fast = ticker.replace(b"!bookTicker", b"btcusdt@bookTicker")
    assert decoder("perp_public", quote_channel={"perp": "!bookTicker"})(fast, 1) == [
        Unknown("other_quote_channel", "BTCUSDT")
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"e": "bookTicker", "u": 1, "b": "1", "B": "1", "a": "2", "A": "1", "T": 1},
        {"e": "aggTrade", "a": 1, "p": "1", "q": "1", "T": 1, "m": True},
        {"e": "depthUpdate", "E": 1, "T": 1, "U": 1, "u": 2, "pu": 0, "b": [], "a": []},
        {"e": "markPriceUpdate", "E": 1, "p": "1", "i": "1", "r": "0", "T": 0},
        {"e": "24hrTicker", "E": 1, "c": "1", "v": "1", "q": "1"},
        {"e": "24hrMiniTicker", "E": 1, "c": "1", "v": "1", "q": "1"},
        {"e": "contractInfo", "cs": "TRADING"},
    ],
)
def test_a_coin_margined_row_is_left_out_by_its_own_mark_whatever_its_symbol(row: dict[str, Any]) -> None:
    data = {**row, "s": "BTCUSDT", "st": 2}
    for frame in (data, {"stream": "btcusdt@depth@100ms", "data": data}):
        assert decoder("perp_market")(json.dumps(frame).encode(), 1) == [Unknown("out_of_scope", "BTCUSDT")]
    ours = decoder("perp_market")(json.dumps({**data, "st": 1}).encode(), 1)
    assert not any(isinstance(message, Unknown) for message in ours)


@pytest.mark.parametrize(
    ("path", "params", "limit"),
    [
        ("/api/v3/depth", {"limit": "5"}, 5),
        ("/api/v3/depth", {}, 100),
        ("/fapi/v1/depth", {}, 500),
        ("/fapi/v1/depth", {"limit": "1000"}, 1_000),
        ("/fapi/v1/depth", {"limit": "all"}, 500),
    ],
)
def test_a_rest_book_says_how_many_levels_it_may_have(path: str, params: dict[str, str], limit: int) -> None:
    body = b'{"lastUpdateId":7,"bids":[["2","1"]],"asks":[["3","1"]]}'
    [book] = decoder("spot")(body, 1, Request(path, {"symbol": "BTCUSDT", **params}))
    assert isinstance(book, BookSnapshot)
    assert (book.limit, book.seq, book.source) == (limit, 7, "rest")


def test_a_partial_book_says_how_many_levels_it_may_have() -> None:
    spot = b'{"stream":"btcusdt@depth10@100ms","data":{"lastUpdateId":7,"bids":[["2","1"]],"asks":[]}}'
    row = b'{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":1,"u":7,"pu":0,"b":[["2","1"]],"a":[]}'
    for endpoint, frame in (("spot", spot), ("perp_public", b'{"stream":"btcusdt@depth10","data":' + row + b"}")):
        [book] = decoder(endpoint)(frame, 1)
        assert isinstance(book, BookSnapshot)
        assert (book.limit, book.seq) == (10, 7)


def test_a_refreshed_listing_is_used_by_decoders_made_before() -> None:
    table = Table()
    decode = VENUE.decoder(table, DecoderOptions(endpoint="perp_market"))
    frame = b'{"stream":"x","data":{"e":"aggTrade","E":1,"s":"BTCUSDT","a":7,"p":"1","q":"2","T":1,"m":true}}'
    mark = b'{"stream":"!markPrice@arr@1s","data":[{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"1","i":"1","r":""}]}'
    assert decode(frame, 1) == [Unknown("unknown_symbol", "BTCUSDT")]
    table.replace(resolve_collisions(VENUE.listing(LISTING)))
    assert decode(frame, 1) == [Trade("BTC/USDT:USDT", "1", "2", "sell", "7", 1_000_000, 1)]
    assert decode(mark, 1) == [Mark("BTC/USDT:USDT", "1", "1", 1_000_000, 1)]

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
from services.collector.venues.bitget import VENUE
from services.collector.venues.bitget.rows import next_due
from shared.events import Quote, Trade
from tests.venues.anything import PRICES, bodies, check, damaged, frames, scalars, table, values

LISTING = bodies("bitget", "books1")
TABLE = table("bitget", "books1")
FRAMES = frames("bitget")
ENDPOINTS = sorted(
    {call.path for call in VENUE.calls}
    | {"/api/v3/market/fills", "/api/v3/market/orderbook", "/api/v2/mix/market/open-interest", "/api/v3/market/tickers"}
)
ASKED = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "category": "USDT-FUTURES"}


def decode(frame: bytes, recv: int = 1, request: Request | None = None) -> list[Message]:
    made: list[Message] = VENUE.decoder(TABLE, DecoderOptions(endpoint="v2"))(frame, recv, request)
    return made


NATIVES = st.sampled_from(["BTCUSDT", "BTCPERP", "1000BONKUSDT", "BTCUSD", "BTCUSDT260925", "XX", ""])
PRODUCTS = st.sampled_from(
    ["SPOT", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES", "usdt-futures", "spot", "sp", "mc", "OPTIONS", ""]
)
CHANNELS = st.sampled_from(
    ["books1", "books", "books5", "books15", "books50", "ticker", "trade", "publicTrade", "liquidation", "candle1m", ""]
)
SCALARS = NATIVES | scalars("buy", "67250.1")
NAMES = (
    "arg action data event code msg op table instType channel instId topic symbol category asks bids a b ts seq pseq "
    "checksum lastPr bidPr bidSz askPr askSz markPrice indexPrice fundingRate nextFundingTime holdingAmount baseVolume "
    "quoteVolume bid1Price bid1Size ask1Price ask1Size tradeId price size side i p v S T amount fundingTime resultList "
    "fundingRateInterval nextUpdate openInterestList list execId timestamp baseCoin quoteCoin status pricePlace"
)
KEYS = st.sampled_from(NAMES.split())
VALUES = values(SCALARS, KEYS)
PUSHES = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["snapshot", "update", ""]),
        "arg": st.fixed_dictionaries({"instType": PRODUCTS, "channel": CHANNELS, "instId": NATIVES})
        | st.fixed_dictionaries({"instType": PRODUCTS, "topic": CHANNELS, "symbol": NATIVES}),
        "data": st.lists(VALUES, max_size=4) | VALUES,
    }
)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([None, *ENDPOINTS]))
def test_no_bytes_make_the_decoder_raise(frame: bytes, endpoint: str | None) -> None:
    check(decode(frame, request=None if endpoint is None else Request(endpoint, ASKED)))


@settings(max_examples=500)
@given(PUSHES | VALUES, st.sampled_from([None, *ENDPOINTS]), st.booleans())
def test_no_json_makes_the_decoder_raise(value: Any, endpoint: str | None, named: bool) -> None:
    body = {"code": "00000", "data": value.get("data") if isinstance(value, dict) else value} if endpoint else value
    request = None if endpoint is None else Request(endpoint, ASKED if named else {})
    check(decode(json.dumps(body).encode(), request=request))


@settings(max_examples=500)
@given(damaged(FRAMES))
def test_no_damage_to_a_real_frame_makes_the_decoder_raise(one: Captured) -> None:
    check(decode(one.frame, request=one.request))


@pytest.mark.parametrize(
    "frame", [b"[" * 100_000, b'{"arg":' * 50_000, b'{"action":"snapshot","arg":{"channel":"books1"' + b"[" * 100_000]
)
def test_depth_beyond_all_measure_is_one_unknown(frame: bytes) -> None:
    assert [type(message) for message in decode(frame)] == [Unknown]


def push(channel: str, native: str, rows: list[Any], product: str = "USDT-FUTURES") -> bytes:
    arg = {"instType": product, "channel": channel, "instId": native}
    return json.dumps({"action": "update", "arg": arg, "data": rows}, separators=(",", ":")).encode()


def test_a_number_too_long_for_any_price_is_a_bad_number() -> None:
    frame = push("books1", "BTCUSDT", [{"asks": [["9" * 5000, "1"]], "bids": [], "ts": "9" * 5000}])
    assert decode(frame) == [Unknown("bad_number", "BTCUSDT")]


@given(PRICES, PRICES, PRICES, PRICES, st.sampled_from(["BTCUSDT", "1000BONKUSDT", "IPUSDT"]))
def test_keys_in_another_order_and_the_names_of_v3_mean_the_same(
    bid: str, bid_size: str, ask: str, ask_size: str, native: str
) -> None:
    row = {"asks": [[ask, ask_size]], "bids": [[bid, bid_size]], "seq": 5, "pseq": 0, "ts": "1785926301005"}
    fast = push("books1", native, [row])
    whole = json.loads(fast)
    slow = json.dumps({"data": [dict(reversed(row.items()))], "arg": whole["arg"], "action": "update"}).encode()
    unified = {"instType": "usdt-futures", "topic": "books1", "symbol": native}
    other = {"a": row["asks"], "b": row["bids"], "seq": "5", "pseq": 0, "ts": row["ts"]}
    assert decode(fast) == decode(slow)
    assert decode(fast) == decode(json.dumps({"action": "snapshot", "arg": unified, "data": [other]}).encode())
    assert isinstance(decode(fast)[0], Quote)


def test_the_two_markets_of_one_id_are_told_apart() -> None:
    row = {"asks": [["2", "1"]], "bids": [["1", "1"]]}
    symbols = [decode(push("books1", "BTCUSDT", [row], product))[0] for product in ("SPOT", "USDT-FUTURES")]
    assert [quote.symbol for quote in symbols if isinstance(quote, Quote)] == ["BTC/USDT", "BTC/USDT:USDT"]


def test_a_table_that_is_filled_later_serves_a_decoder_made_before() -> None:
    table = Table()
    late = VENUE.decoder(table, DecoderOptions())
    frame = push("trade", "BTCUSDT", [{"tradeId": "1", "price": "1", "size": "2", "side": "buy", "ts": "1"}])
    assert late(frame, 1) == [Unknown("unknown_symbol", "BTCUSDT")]
    table.replace(VENUE.listing(LISTING), VENUE.outside(LISTING))
    assert [type(message) for message in late(frame, 1)] == [Trade]


def test_what_a_ticker_of_v3_left_out_dies_with_its_connection() -> None:
    options = DecoderOptions(quote_channel={"perp": "ticker"})
    arg = {"instType": "usdt-futures", "topic": "ticker", "symbol": "BTCUSDT"}
    sides = {"bid1Price": "1", "bid1Size": "2", "ask1Price": "3", "ask1Size": "4"}
    whole = json.dumps({"action": "snapshot", "arg": arg, "data": [sides]}).encode()
    change = json.dumps({"action": "update", "arg": arg, "data": [{"bid1Price": "2"}]}).encode()
    one, other = VENUE.decoder(TABLE, options), VENUE.decoder(TABLE, options)
    one(whole, 1)
    assert any(isinstance(message, Quote) and message.bid == "2" for message in one(change, 2))
    assert not any(isinstance(message, Quote) for message in other(change, 2))


def test_a_book_goes_on_by_the_number_before_and_is_proved_by_its_best_levels() -> None:
    assert VENUE.follows is names_the_one_before
    assert VENUE.verify is best_levels_agree


HOUR = 3_600_000_000_000


@pytest.mark.parametrize(
    ("recv", "hours", "due"),
    [
        (7 * HOUR, "8", 8 * HOUR),
        (8 * HOUR, "8", 16 * HOUR),
        (9 * HOUR + 1, "1", 10 * HOUR),
        (0, "8", None),
        (7, None, None),
        (7, "0", None),
        (7, "0.5", None),
    ],
)
def test_a_payment_whose_time_is_not_told_is_due_by_the_clock(recv: int, hours: str | None, due: int | None) -> None:
    assert next_due(recv, hours) == due

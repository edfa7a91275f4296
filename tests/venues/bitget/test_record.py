"""The record: topics there and back, requests within the venue's limits, a page for each instrument."""

import json
from dataclasses import replace

from services.collector.messages import Ack
from services.collector.plan import framed
from services.collector.table import Table
from services.collector.venue import DecoderOptions
from services.collector.venues.bitget import VENUE
from services.collector.wants import kinds_of, quote_channels
from shared.instruments import Instrument
from tests.venues.bitget.test_instruments import body, perp_row, spot_row

SPOT, PERP, USDC = VENUE.listing(
    {
        "spot": body(spot_row()),
        "contracts_usdt": body(perp_row()),
        "contracts_usdc": body(perp_row(symbol="BTCPERP", quoteCoin="USDC", supportMarginCoins=["USDC"])),
    }
)
WIDE = {channel.name for channel in VENUE.channels if channel.scope == "market"}


def of(market: str) -> list[Instrument]:
    return [SPOT] if market == "spot" else [PERP, USDC]


def topics() -> list[str]:
    return [
        VENUE.topic(channel, None if channel.name in WIDE else one)
        for channel in VENUE.channels
        for one in of(channel.market)
    ]


def test_topics_tell_markets_and_products_apart() -> None:
    best = next(channel for channel in VENUE.channels if channel.name == "books1")
    assert [VENUE.topic(best, one) for one in (SPOT, PERP, USDC)] == [
        "books1:SPOT:BTCUSDT",
        "books1:USDT-FUTURES:BTCUSDT",
        "books1:USDC-FUTURES:BTCPERP",
    ]
    assert len(set(topics())) == len(topics()) - 1  # both products share the liquidations


def test_a_topic_names_its_channel_and_an_acknowledgement_names_the_topic() -> None:
    decode = VENUE.decoder(Table(), DecoderOptions())
    for topic in topics():
        assert VENUE.channel_of(topic) in {channel.name for channel in VENUE.channels}
        for arg in json.loads(VENUE.subscribe([topic], 1))["args"]:
            assert decode(json.dumps({"event": "subscribe", "arg": arg}).encode(), 1) == [Ack(topic)]


def test_a_request_asks_in_the_words_of_its_version() -> None:
    request = json.loads(VENUE.subscribe(["ticker:USDC-FUTURES:BTCPERP"], 7))
    assert request == {
        "op": "subscribe",
        "args": [{"instType": "USDC-FUTURES", "channel": "ticker", "instId": "BTCPERP"}],
    }
    request = json.loads(VENUE.unsubscribe(["liquidation"], 8))
    assert request == {
        "op": "unsubscribe",
        "args": [
            {"instType": "usdt-futures", "topic": "liquidation"},
            {"instType": "usdc-futures", "topic": "liquidation"},
        ],
    }


def test_the_answer_to_an_unsubscribe_proves_no_subscription() -> None:
    arg = {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}
    [answer] = VENUE.decoder(Table(), DecoderOptions())(json.dumps({"event": "unsubscribe", "arg": arg}).encode(), 1)
    assert answer == Ack("books:SPOT:BTCUSDT", 0)  # no request has that number


def test_a_connection_full_of_topics_is_asked_for_in_small_frames() -> None:
    limits = VENUE.endpoints[0].limits
    names = [f"books1:USDT-FUTURES:SOMELONGCOIN{number}USDT" for number in range(limits.topics_per_connection)]
    count, frame = framed(names, limits, VENUE.subscribe, 1)
    assert limits.frame_bytes is not None
    assert len(frame) <= limits.frame_bytes <= 4_096
    assert count > limits.topics_per_connection // 2


def test_the_address_may_open_as_many_connections_as_the_endpoints_together() -> None:
    assert sum(endpoint.limits.connections or 0 for endpoint in VENUE.endpoints) == 100


def test_quotes_come_from_the_best_channel_and_the_ticker_keeps_the_rest() -> None:
    assert quote_channels(VENUE) == {"spot": "books1", "perp": "books1"}
    tickers = {channel.market: kinds_of(VENUE, channel) for channel in VENUE.channels if channel.name == "ticker"}
    assert tickers == {"spot": ("stats",), "perp": ("mark", "funding", "stats")}


def test_a_call_of_a_product_is_made_for_its_own_perpetuals() -> None:
    singly = [call for call in VENUE.calls if call.symbol_param is not None]
    assert {call.name for call in singly if call.concerns(USDC)} == {"book_usdc", "payments_usdc_1", "payments_usdc_2"}
    assert {call.name for call in singly if call.concerns(SPOT)} == {"book_spot"}


def test_the_market_is_told_by_the_product() -> None:
    arg = b'{"action":"update","arg":{"instType":"%s","channel":"trade","instId":"A"},"data":[]}'
    assert [VENUE.market_of(arg % name) for name in (b"SPOT", b"USDC-FUTURES", b"usdt-futures", b"COIN-FUTURES")] == [
        "spot",
        "perp",
        "perp",
        None,
    ]
    assert VENUE.market_of(b"pong") is None


def test_an_instrument_has_a_page_on_the_exchange() -> None:
    assert VENUE.trade_url(SPOT) == "https://www.bitget.com/spot/BTCUSDT"
    assert VENUE.trade_url(PERP) == "https://www.bitget.com/futures/usdt/BTCUSDT"
    assert VENUE.trade_url(USDC) == "https://www.bitget.com/futures/usdc/BTCPERP"


def test_no_rate_limit_of_the_exchange_is_above_the_common_budget() -> None:
    [host] = VENUE.hosts
    assert replace(host, url="").weight / host.window_s <= 20

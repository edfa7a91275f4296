"""The record: topics there and back, requests, listings in our terms."""

import json
from typing import Any

import pytest

from services.collector.messages import Ack
from services.collector.plan import framed
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.paradex import VENUE
from services.collector.wants import quote_channels
from shared.instruments import Instrument
from tests.venues.paradex import packing


def perp(**changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTC-USD-PERP",
        "base_currency": "BTC",
        "quote_currency": "USD",
        "settlement_currency": "USDC",
        "order_size_increment": "0.00001",
        "price_tick_size": "0.1",
        "min_notional": "10",
        "open_at": 1683721800000,
        "expiry_at": 0,
        "asset_kind": "PERP",
        "max_funding_rate": "0.05",
        "funding_period_hours": 8,
        "trading_mode": "STANDARD",
        "tags": ["LAYER-1"],
    }
    return {**row, **changes}


def body(*rows: object) -> bytes:
    return json.dumps({"results": rows}).encode()


def listed(**changes: Any) -> list[Instrument]:
    return VENUE.listing({"markets": body(perp(**changes))})


def test_a_perpetual_is_quoted_in_dollars_and_settled_in_usdc() -> None:
    (one,) = listed()
    assert (one.symbol, one.native, one.base, one.quote, one.settle) == (
        "BTC/USD:USDC",
        "BTC-USD-PERP",
        "BTC",
        "USD",
        "USDC",
    )
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.1", "0.00001", None, "10")
    assert (one.funding_interval_h, one.funding_cap, one.funding_floor) == ("8", "0.05", "-0.05")
    assert (one.category, one.status, one.listed_ts) == ("crypto", "trading", 1683721800 * 10**9)
    assert (one.taker_fee_bps, one.maker_fee_bps) == (None, None)


def test_a_spot_pair_has_no_funding_and_settles_nowhere() -> None:
    (one,) = listed(symbol="ETH-USD", base_currency="ETH", asset_kind="SPOT")
    assert (one.market, one.symbol, one.settle) == ("spot", "ETH/USD", None)
    assert (one.funding_interval_h, one.funding_cap) == (None, None)


@pytest.mark.parametrize(
    ("base", "asset", "multiplier", "status"),
    [
        ("kPEPE", "PEPE", "1000", "trading"),
        ("kBONK", "BONK", "1000", "trading"),
        ("kSHIB", "SHIB", "1000", "trading"),
        ("kFLOKI", "FLOKI", "1000", "trading"),
        ("kNEW", "NEW", "1000", "quarantined"),
        ("1000NEW", "NEW", "1000", "quarantined"),
        ("KAITO", "KAITO", "1", "trading"),
    ],
)
def test_a_small_k_means_a_thousand(base: str, asset: str, multiplier: str, status: str) -> None:
    (one,) = listed(
        symbol=f"{base}-USD-PERP", base_currency=base, price_tick_size="0.000001", order_size_increment="10"
    )
    assert (one.base, one.symbol, one.multiplier, one.status) == (asset, f"{asset}/USD:USDC", multiplier, status)
    scaled = ("0.000000001", "10000") if multiplier == "1000" else ("0.000001", "10")
    assert (one.tick_size, one.lot_size) == scaled


def test_a_market_with_fees_of_its_own_says_so() -> None:
    fees = {"maker_fee": {"fee": "-0.00005"}, "taker_fee": {"fee": "0.000125"}}
    (one,) = listed(fee_config={"api_fee": fees, "interactive_fee": {"taker_fee": {"fee": "0"}}})
    assert (one.taker_fee_bps, one.maker_fee_bps) == ("1.25", "-0.5")


@pytest.mark.parametrize("fees", [None, {}, {"api_fee": {}}, {"api_fee": 7}, "x"])
def test_fees_that_are_not_there_cost_nothing_else(fees: object) -> None:
    (one,) = listed(fee_config=fees)
    assert (one.taker_fee_bps, one.maker_fee_bps) == (None, None)


@pytest.mark.parametrize(
    ("mode", "status"), [("STANDARD", "trading"), (None, "trading"), ("RFQ_ONLY", "halted"), ("NEW", "unknown")]
)
def test_a_trading_mode_has_a_status(mode: str | None, status: str) -> None:
    (one,) = listed(trading_mode=mode)
    assert one.status == status


@pytest.mark.parametrize(
    ("period", "hours"), [(8, "8"), ("24", "24"), (1.0, "1"), (0.5, "0.5"), (0, None), ("", None), (None, None)]
)
def test_a_funding_period_is_read_as_a_number_or_a_text(period: object, hours: str | None) -> None:
    (one,) = listed(funding_period_hours=period)
    assert one.funding_interval_h == hours


@pytest.mark.parametrize(
    ("tags", "category"), [(["RWA"], "unknown"), (["MEME"], "crypto"), ([], "crypto"), (None, "crypto")]
)
def test_what_is_no_coin_is_not_called_one(tags: object, category: str) -> None:
    (one,) = listed(tags=tags)
    assert one.category == category


@pytest.mark.parametrize(
    "changes",
    [{"asset_kind": "PERP_OPTION"}, {"asset_kind": "OPTION"}, {"asset_kind": "FUTURE"}, {"expiry_at": 1795766400000}],
)
def test_what_is_out_of_scope_is_named_and_not_listed(changes: dict[str, Any]) -> None:
    bodies = {"markets": body(perp(**changes))}
    assert VENUE.listing(bodies) == []
    assert VENUE.outside(bodies) == {"BTC-USD-PERP"}


def test_a_broken_row_does_not_cost_the_others() -> None:
    bodies = {
        "markets": body(perp(symbol="A", price_tick_size="x"), {"symbol": [7]}, 7, perp(base_currency=""), perp())
    }
    assert [one.native for one in VENUE.listing(bodies)] == ["BTC-USD-PERP"]
    assert VENUE.outside(bodies) == frozenset()


@pytest.mark.parametrize("bad", [b"<html>", b"[]", b'{"error":"NOT_FOUND","message":"x"}', b'{"results":7}'])
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="paradex markets"):
        VENUE.listing({"markets": bad})


@pytest.mark.parametrize(
    ("rows", "call"), [([perp()], "markets"), ([{"symbol": "X", "mark_price": "1"}], None), ([], None), ([7], None)]
)
def test_a_listing_is_known_by_its_form(rows: list[object], call: str | None) -> None:
    assert VENUE.is_listing(body(*rows)) == call


def test_every_topic_leads_back_to_its_channel_and_is_what_an_ack_says() -> None:
    (one,) = listed()
    decode = VENUE.decoder(Table([one]), DecoderOptions())
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, None if channel.scope == "market" else one)
        asked = json.loads(VENUE.subscribe([topic], 7))
        assert asked == {"jsonrpc": "2.0", "method": "subscribe", "params": {"channel": topic}, "id": 7}
        answer = {"jsonrpc": "2.0", "result": asked["params"], "usIn": 1, "usDiff": 2, "usOut": 3, "id": 7}
        assert VENUE.channel_of(topic) == channel.name
        assert decode(json.dumps(answer).encode(), 1) == [Ack(topic, 7)]


@pytest.mark.parametrize(
    ("frame", "topic"),
    [
        (packing.best("1", "1", "2", "1"), "bbo.BTC-USD-PERP"),
        (packing.trade("1", "1"), "trades.BTC-USD-PERP"),
        (packing.book(1, 5, [], []), "order_book.BTC-USD-PERP.deltas"),
        (packing.summary(), "markets_summary.BTC-USD-PERP"),
        (packing.funding(), "funding_data.BTC-USD-PERP"),
        (packing.frame(40, b"\0" * 16), None),
        (packing.best("1", "1", "2", "1")[:30], None),
        (b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"bbo.X"}}', "bbo.X"),
        (b'{"jsonrpc":"2.0","result":{"channel":"bbo.X"},"id":1}', None),
        (b"pong", None),
    ],
)
def test_a_frame_tells_its_topic_by_template_and_market(frame: bytes, topic: str | None) -> None:
    assert VENUE.topic_of(frame) == topic
    assert VENUE.market_of(frame) is None


def test_a_request_asks_for_one_channel() -> None:
    limits = VENUE.endpoints[0].limits
    count, data = framed(("bbo.A", "bbo.B"), limits, VENUE.unsubscribe, 3)
    assert count == 1
    assert json.loads(data) == {"jsonrpc": "2.0", "method": "unsubscribe", "params": {"channel": "bbo.A"}, "id": 3}


def test_every_socket_asks_for_the_schema_that_is_served() -> None:
    assert {one.url for one in VENUE.endpoints} == {
        "wss://ws.api.prod.paradex.trade/v1?sbeSchemaId=1&sbeSchemaVersion=1"
    }


def test_topics_whose_frames_look_the_same_never_share_a_connection() -> None:
    (one,) = listed()
    homes: dict[str, set[str]] = {}
    for channel in VENUE.channels:
        homes.setdefault(channel.endpoint, set()).add(VENUE.topic(channel, None if channel.scope == "market" else one))
    assert all(not {"trades.ALL", "trades.BTC-USD-PERP"} <= topics for topics in homes.values())


def test_the_best_bid_and_offer_is_the_channel_of_quotes() -> None:
    assert quote_channels(VENUE) == {"spot": "bbo", "perp": "bbo"}


def test_an_instrument_has_a_page_on_the_exchange() -> None:
    (one,) = listed()
    assert VENUE.trade_url(one) == "https://app.paradex.trade/trade/BTC-USD-PERP"

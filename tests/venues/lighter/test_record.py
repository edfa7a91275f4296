"""The record: topics there and back, requests, listings in our terms."""

import json
from typing import Any

import pytest

from services.collector.messages import Ack
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.lighter import VENUE
from services.collector.wants import Selection, Wants, quote_channels, selected
from shared.instruments import Instrument


def market(**changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "ETH",
        "market_id": 0,
        "market_type": "perp",
        "status": "active",
        "taker_fee": "0.0000",
        "maker_fee": "0.0000",
        "min_base_amount": "0.0050",
        "min_quote_amount": "10.000000",
        "supported_size_decimals": 4,
        "supported_price_decimals": 2,
        "created_at": "1737098461100",
        "multiplier": "1.000000000000000000",
        "market_config": {"force_reduce_only": False, "trading_hours": "", "hidden": False},
    }
    return {**row, **changes}


def body(*perps: object, spots: tuple[object, ...] = ()) -> dict[str, bytes]:
    text = json.dumps({"code": 200, "order_book_details": perps, "spot_order_book_details": spots})
    return {"order_book_details": text.encode()}


def listed(**changes: Any) -> list[Instrument]:
    return VENUE.listing(body(market(**changes)))


def test_a_perpetual_is_listed_with_steps_from_its_numbers_of_decimals() -> None:
    (one,) = listed()
    assert (one.symbol, one.native, one.base, one.quote, one.settle) == ("ETH/USDC:USDC", "0", "ETH", "USDC", "USDC")
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.01", "0.0001", "0.005", "10.000000")
    assert (one.status, one.funding_interval_h, one.listed_ts) == ("trading", "1", 1737098461100 * 10**6)
    # zero is the fee of accounts whose orders wait: the venue's default is that of the interface
    assert one.taker_fee_bps is None


def test_a_spot_pair_is_named_by_its_symbol() -> None:
    spot = market(symbol="SKY/USDC", market_id=2053, market_type="spot", supported_size_decimals=0)
    (one,) = VENUE.listing(body(spots=(spot,)))
    assert (one.market, one.symbol, one.native, one.settle) == ("spot", "SKY/USDC", "2053", None)
    assert (one.lot_size, one.funding_interval_h) == ("1", None)


def test_a_multiple_is_taken_apart_exactly() -> None:
    (one,) = listed(
        symbol="1000PEPE", supported_price_decimals=6, supported_size_decimals=0, min_base_amount="500", market_id=4
    )
    assert (one.symbol, one.base, one.multiplier, one.status) == ("PEPE/USDC:USDC", "PEPE", "1000", "trading")
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.000000001", "1000", "500000")


def test_a_multiple_that_nobody_reviewed_waits_for_its_price() -> None:
    (one,) = listed(symbol="1000NEWDOG")
    assert (one.base, one.multiplier, one.status) == ("NEWDOG", "1000", "quarantined")
    assert one.quarantine_reason == "multiplier_unconfirmed"


@pytest.mark.parametrize(
    ("symbol", "multiplier", "status"),
    [
        ("ETH", "1", "trading"),
        ("ETH", "", "trading"),
        ("1000PEPE", "1000.000", "trading"),
        ("ETH", "2.0", "quarantined"),
        ("1000PEPE", "10", "quarantined"),
    ],
)
def test_a_multiplier_that_the_name_does_not_explain_waits_for_its_price(
    symbol: str, multiplier: str, status: str
) -> None:
    (one,) = listed(symbol=symbol, multiplier=multiplier)
    assert one.status == status


@pytest.mark.parametrize(
    ("state", "config", "status"),
    [
        ("active", {}, "trading"),
        ("active", {"force_reduce_only": True}, "halted"),
        ("active", {"hidden": True}, "pre"),
        ("inactive", {}, "halted"),
        ("in-settlement", {}, "halted"),
        ("waiting-for-settlement", {}, "delisting"),
        ("settled", {}, "delisting"),
        ("whatever comes", {}, "unknown"),
        ("", {}, "unknown"),
    ],
)
def test_a_state_has_a_status(state: str, config: dict[str, bool], status: str) -> None:
    (one,) = listed(status=state, market_config=config)
    assert one.status == status


def test_a_market_of_another_kind_is_named_and_not_listed() -> None:
    bodies = body(market(), market(market_id=900, market_type="binary_options"))
    assert [one.native for one in VENUE.listing(bodies)] == ["0"]
    assert VENUE.outside(bodies) == {"900"}


def test_the_list_decides_where_a_row_does_not_say_its_kind() -> None:
    plain = {name: value for name, value in market().items() if name != "market_type"}
    made = VENUE.listing(body(plain, spots=({**plain, "symbol": "ETH/USDC", "market_id": 2048},)))
    assert [one.market for one in made] == ["perp", "spot"]


def test_a_number_where_text_was_and_a_null_cost_no_instrument() -> None:
    odd = market(
        created_at=1737098461100, multiplier=1, min_base_amount=0.005, min_quote_amount=None, market_config=None
    )
    (made,) = VENUE.listing(body(odd))
    assert (made.min_size, made.min_notional, made.listed_ts) == ("0.005", None, 1737098461100000000)
    assert made.status == "trading"


def test_a_broken_row_does_not_cost_the_others() -> None:
    broken = (
        {"market_id": "x"},
        7,
        market(market_id=5, min_base_amount="x"),
        market(market_id=12, min_quote_amount="-10"),
        market(market_id=6, supported_size_decimals="1.5"),
        market(market_id=7, supported_price_decimals=-2),
        market(market_id=8, created_at="yesterday"),
        market(market_id=9, symbol=""),
        market(market_id=10, symbol="ETHUSDC", market_type="spot"),
        market(market_id=11, multiplier="x"),
    )
    assert [one.native for one in VENUE.listing(body(*broken, market()))] == ["0"]


@pytest.mark.parametrize("bad", [b"<html>", b"[]", b'{"code":23000,"message":"Too Many Requests!"}', b'{"code":200}'])
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="lighter order_book_details"):
        VENUE.listing({"order_book_details": bad})


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (b'{"code":200,"order_book_details":[]}', "order_book_details"),
        (b'{"code":200,"spot_order_book_details":[]}', "order_book_details"),
        (b'{"code":200,"order_books":[]}', "order_books"),
        (b'{"code":200,"fundings":[]}', None),
        (b"[]", None),
        (b"<html>", None),
    ],
)
def test_a_listing_is_known_by_its_form(text: bytes, call: str | None) -> None:
    assert VENUE.is_listing(text) == call


def test_every_topic_leads_back_to_its_channel_and_is_what_an_ack_says() -> None:
    (one,) = listed()
    decode = VENUE.decoder(Table([one]), DecoderOptions())
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, None if channel.scope == "market" else one)
        asked = json.loads(VENUE.subscribe([topic], 7))
        assert asked == {"type": "subscribe", "channel": topic.replace(":", "/")}
        assert VENUE.channel_of(topic) == channel.name
        answer = json.dumps({"type": f"subscribed/{channel.name}", "channel": topic}).encode()
        assert decode(answer, 1) == [Ack(topic)]
        assert VENUE.topic_of(answer) == topic
    assert VENUE.topic_of(b'{"type":"unsubscribed","channel":"ticker:0"}') is None
    assert VENUE.topic_of(b"<html>") is None


def test_unsubscribing_names_the_channel_with_a_slash() -> None:
    assert json.loads(VENUE.unsubscribe(["order_book:0"], 3)) == {"type": "unsubscribe", "channel": "order_book/0"}


def test_liquidations_come_of_all_perpetuals_and_trades_of_those_asked_for() -> None:
    instruments = selected(VENUE.listing(body(market(), market(symbol="BTC", market_id=1))))
    demand = {"trade": {"ETH/USDC:USDC"}}
    topics, places = Wants(VENUE).of(instruments, Selection(range(64), demand))
    kinds = {name: topic.kinds for (_, name), topic in topics.items()}
    assert kinds["trade:1"] == ("liquidation",)
    assert set(kinds["trade:0"]) == {"liquidation", "trade"}
    assert ("trade", "ETH/USDC:USDC") in places
    assert ("trade", "BTC/USDC:USDC") not in places
    assert len(topics) == len({name for _, name in topics}) == 5  # two tickers, two trades, the figures of all


def test_quotes_come_from_the_ticker() -> None:
    assert quote_channels(VENUE) == {"perp": "ticker", "spot": "ticker"}


@pytest.mark.parametrize(
    ("symbol", "kind", "page"),
    [
        ("1000PEPE", "perp", "https://app.lighter.xyz/trade/1000PEPE"),
        ("ETH/USDC", "spot", "https://app.lighter.xyz/trade/ETH_USDC"),
    ],
)
def test_an_instrument_has_a_page_on_the_exchange(symbol: str, kind: str, page: str) -> None:
    (one,) = listed(symbol=symbol, market_type=kind)
    assert VENUE.trade_url(one) == page

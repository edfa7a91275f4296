"""The record's facts, and the listing row by row."""

import json
from typing import Any

import pytest

from services.collector.messages import Ack
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.apex import VENUE
from services.collector.venues.apex.instruments import with_dash
from shared.instruments import Instrument


def row(**fields: Any) -> dict[str, Any]:
    plain = {
        "crossSymbolName": "BTCUSDT",
        "enableDisplay": True,
        "enableOpenPosition": True,
        "enableTrade": True,
        "minOrderSize": "0.0010",
        "settleAssetId": "USDT",
        "baseTokenId": "BTC",
        "stepSize": "0.001",
        "symbol": "BTC-USDT",
        "tickSize": "0.1",
        "isPrelaunch": False,
        "category": "L1",
    }
    return {**plain, **fields}


def body(*rows: Any) -> bytes:
    return json.dumps({"data": {"contractConfig": {"perpetualContract": rows}}}).encode()


def listed(**fields: Any) -> list[Instrument]:
    return VENUE.listing({"symbols": body(row(**fields))})


def test_a_contract_is_known_by_both_of_its_names() -> None:
    (one,) = listed()
    assert one == Instrument(
        venue="apex",
        market="perp",
        symbol="BTC/USDT:USDT",
        native="BTCUSDT",
        aliases=("BTC-USDT",),
        base="BTC",
        quote="USDT",
        settle="USDT",
        category="crypto",
        tick_size="0.1",
        lot_size="0.001",
        min_size="0.0010",
        status="trading",
    )
    assert with_dash(one) == "BTC-USDT"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "trading"),
        ({"enableTrade": False}, "halted"),
        ({"enableDisplay": False}, "halted"),
        ({"isPrelaunch": True}, "pre"),
        ({"enableOpenPosition": False}, "delisting"),
        ({"enableTrade": None}, "unknown"),
        ({"enableTrade": "true"}, "unknown"),
    ],
)
def test_what_may_not_be_traded_or_is_not_shown_or_cannot_be_opened_is_not_trading(
    fields: dict[str, Any], status: str
) -> None:
    (one,) = listed(**fields)
    assert one.status == status
    assert one.collected == (status == "trading")


def test_a_multiple_is_converted_and_waits_for_its_price_check() -> None:
    (one,) = listed(baseTokenId="1000PEPE", symbol="1000PEPE-USDT", crossSymbolName="1000PEPEUSDT", stepSize="10")
    assert (one.base, one.multiplier, one.status) == ("PEPE", "1000", "quarantined")
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.0001", "10000", "1")


def test_a_contract_whose_name_is_of_another_coin_than_its_field_waits_for_a_price_check() -> None:
    (one,) = listed(symbol="1000BTC-USDT", crossSymbolName="1000BTCUSDT")
    assert (one.base, one.multiplier, one.quarantine_reason) == ("BTC", "1", "multiplier_unconfirmed")


def test_numbers_where_text_was_list_the_same_and_null_counts_as_absent() -> None:
    (text,) = listed(minOrderSize="0.001")
    (number,) = listed(minOrderSize=0.001, stepSize=0.001, tickSize=0.1)
    assert number == text
    for name in row():
        absent = row()
        del absent[name]
        nulls = VENUE.listing({"symbols": body(row(**{name: None}))})
        assert nulls == VENUE.listing({"symbols": body(absent)}), name


@pytest.mark.parametrize(
    ("fields", "outside"),
    [
        ({"settleAssetId": "BTC"}, {"BTCUSDT", "BTC-USDT"}),
        ({"settleAssetId": ""}, {"BTCUSDT", "BTC-USDT"}),
        ({"baseTokenId": ""}, {"BTCUSDT", "BTC-USDT"}),
        ({"tickSize": "none"}, set()),
        ({"crossSymbolName": None}, set()),
        ({"symbol": []}, set()),
    ],
)
def test_what_cannot_be_used_lists_nothing(fields: dict[str, Any], outside: set[str]) -> None:
    rows = [row(**fields), row(symbol="ETH-USDT", crossSymbolName="ETHUSDT", baseTokenId="ETH"), 7]
    found = {"symbols": body(*rows)}
    assert "ETH/USDT:USDT" in {one.symbol for one in VENUE.listing(found)}
    assert "BTCUSDT" not in {one.native for one in VENUE.listing(found)}
    assert VENUE.outside(found) == outside


@pytest.mark.parametrize(
    "wrong", [b"nothing", b"{}", b"[]", b'{"code": 3, "msg": "x"}', b'{"data": {"contractConfig": 7}}']
)
def test_a_body_that_is_no_listing_says_what_was_expected(wrong: bytes) -> None:
    assert VENUE.is_listing(wrong) is None
    with pytest.raises(Unreadable, match=r"apex symbols: expected contractConfig\.perpetualContract"):
        VENUE.listing({"symbols": wrong})


@pytest.mark.parametrize(
    ("answer", "call"),
    [
        (body(row()), "symbols"),
        (json.dumps({"contractConfig": {"perpetualContract": [row()]}}).encode(), "symbols"),
        (json.dumps({"perpetualContract": [row()]}).encode(), "symbols"),
        (body({"symbol": "BTC-USDT"}), None),
        (body(), None),
        (body(7), None),
    ],
)
def test_a_listing_is_known_by_its_form(answer: bytes, call: str | None) -> None:
    assert VENUE.is_listing(answer) == call


def test_every_topic_leads_back_to_its_channel_and_is_what_an_ack_and_its_data_say() -> None:
    (one,) = listed()
    decode = VENUE.decoder(Table([one]), DecoderOptions())
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, one)
        asked = json.loads(VENUE.subscribe([topic], 7))
        assert asked == {"op": "subscribe", "args": [topic]}
        ack = json.dumps({"success": True, "ret_msg": "", "conn_id": "x", "request": asked}).encode()
        assert VENUE.channel_of(topic) == channel.name
        assert decode(ack, 1) == [Ack(topic)]
        assert VENUE.topic_of(json.dumps({"topic": topic, "type": "delta", "data": {}}).encode()) == topic
        assert VENUE.topic_of(ack) is None
    assert VENUE.topic_of(b"{") is None
    assert VENUE.channel_of("instrumentInfo.all") == "instrumentInfo.all"


def test_an_unsubscribe_names_its_topics() -> None:
    assert json.loads(VENUE.unsubscribe(["orderBook25.H.BTCUSDT"], 3)) == {
        "op": "unsubscribe",
        "args": ["orderBook25.H.BTCUSDT"],
    }


def test_a_history_is_asked_for_by_the_name_with_a_dash_and_a_book_by_the_other() -> None:
    (one,) = listed()
    assert {call.name: call.naming(one) for call in VENUE.calls} == {
        "symbols": {},
        "depth": {"symbol": "BTCUSDT"},
        "history_funding": {"symbol": "BTC-USDT"},
    }
    assert with_dash(listed(symbol="BTCUSDT")[0]) == "BTCUSDT"


def test_an_instrument_has_a_page_on_the_exchange_and_no_market_but_one() -> None:
    (one,) = listed()
    assert VENUE.trade_url(one) == "https://omni.apex.exchange/trade/BTCUSDT"
    assert VENUE.market_of(b"anything") == "perp"

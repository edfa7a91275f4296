"""The record: topics there and back, one channel a request, the exchange's listing in our terms."""

import json
from typing import Any

import pytest

from services.collector.jobs import spanned
from services.collector.messages import Ack, Answer, Pong
from services.collector.naming import resolve_collisions
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.edgex import VENUE
from services.collector.wants import quote_channels
from shared.instruments import Instrument

COINS = {"1000": "USDC", "1001": "BTC", "1030": "1000PEPE", "1031": "PEPE", "1040": "HAJIMI", "1050": "1INCH"}


def contract(**changes: Any) -> dict[str, Any]:
    row = {
        "contractId": "30000001",
        "contractName": "BTCUSDC",
        "baseCoinId": "1001",
        "quoteCoinId": "1000",
        "tickSize": "0.1",
        "stepSize": "0.001",
        "minOrderSize": "0.002",
        "enableTrade": True,
        "enableDisplay": True,
        "enableOpenPosition": True,
        "fundingRateIntervalMin": "240",
        "defaultTakerFeeRate": "0.00038",
        "defaultMakerFeeRate": "0.00018",
    }
    return {**row, **changes}


def body(*rows: object, **changes: Any) -> bytes:
    coins = [{"coinId": number, "coinName": name, "stepSize": "0.1"} for number, name in COINS.items()]
    return json.dumps(
        {"code": "SUCCESS", "data": {"coinList": coins, "contractList": rows}, "msg": None, **changes}
    ).encode()


def listed(**changes: Any) -> list[Instrument]:
    return VENUE.listing({"metadata": body(contract(**changes))})


def test_a_contract_is_listed_under_its_coins_names() -> None:
    (one,) = listed()
    assert (one.symbol, one.native, one.aliases) == ("BTC/USDC:USDC", "30000001", ("BTCUSDC",))
    assert (one.base, one.quote, one.settle, one.market) == ("BTC", "USDC", "USDC", "perp")
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.1", "0.001", "0.002")
    assert (one.multiplier, one.contract_size, one.status) == ("1", "1", "trading")
    assert (one.funding_interval_h, one.taker_fee_bps, one.maker_fee_bps) == ("4", "3.8", "1.8")


def test_a_contract_may_be_spelled_otherwise_than_its_coin() -> None:
    (one,) = listed(contractId="30000040", contractName="哈基米USDC", baseCoinId="1040")
    assert one.symbol == "HAJIMI/USDC:USDC"
    assert VENUE.trade_url(one) == "https://pro.edgex.exchange/en-US/perpetuals/哈基米USDC"


def test_a_thousand_is_one_coins_price_and_waits_for_a_price_check() -> None:
    (one,) = listed(baseCoinId="1030", tickSize="0.0000001", stepSize="100", minOrderSize="200")
    assert (one.symbol, one.multiplier) == ("PEPE/USDC:USDC", "1000")
    assert (one.status, one.quarantine_reason) == ("quarantined", "multiplier_unconfirmed")
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.0000000001", "100000", "200000")
    assert listed(baseCoinId="1050")[0].multiplier == "1"


def test_of_two_contracts_of_one_coin_the_plain_one_has_the_symbol() -> None:
    rows = contract(baseCoinId="1030"), contract(contractId="30000002", baseCoinId="1031")
    both = resolve_collisions(VENUE.listing({"metadata": body(*rows)}))
    assert [(one.native, one.quarantine_reason) for one in both] == [("30000001", "collision"), ("30000002", None)]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "trading"),
        ({"enableOpenPosition": None, "enableDisplay": None}, "trading"),
        ({"enableTrade": False}, "halted"),
        ({"enableTrade": False, "enableDisplay": False}, "halted"),
        ({"enableOpenPosition": False}, "halted"),
        ({"enableDisplay": False}, "pre"),
        ({"enableTrade": None}, "unknown"),
    ],
)
def test_what_is_shut_hidden_or_may_only_be_closed_is_not_collected(changes: dict[str, Any], status: str) -> None:
    (one,) = listed(**changes)
    assert one.status == status
    assert one.collected == (status == "trading")


@pytest.mark.parametrize(
    ("minutes", "hours"),
    [("240", "4"), ("60", "1"), ("480", "8"), ("90", "1.5"), ("50", None), ("0", None), ("", None)],
)
def test_minutes_are_hours_where_a_decimal_says_them(minutes: str, hours: str | None) -> None:
    assert listed(fundingRateIntervalMin=minutes)[0].funding_interval_h == hours


@pytest.mark.parametrize(
    "changes",
    [
        {"contractId": "10000001", "contractName": "BTCUSD"},
        {"baseCoinId": "9999"},
        {"quoteCoinId": "9999"},
        {"baseCoinId": "1000"},
        {"contractId": ""},
        {"tickSize": "x"},
        {"fundingRateIntervalMin": "often"},
        {"enableTrade": "yes"},
        {"contractId": None},
    ],
)
def test_a_row_that_cannot_be_used_does_not_cost_the_others(changes: dict[str, Any]) -> None:
    made = VENUE.listing({"metadata": body(contract(**changes), 7, contract(contractId="30000009"))})
    assert [one.native for one in made] == ["30000009"]


def test_numbers_where_text_was_and_nulls_cost_no_instrument() -> None:
    (plain,) = listed()
    numbers = listed(contractId=30000001, tickSize=0.1, stepSize=0.001, fundingRateIntervalMin=240, baseCoinId=1001)
    assert numbers == [plain]
    (bare,) = listed(
        **dict.fromkeys(["tickSize", "stepSize", "minOrderSize", "defaultTakerFeeRate", "defaultMakerFeeRate"])
    )
    assert (bare.tick_size, bare.lot_size, bare.min_size, bare.taker_fee_bps, bare.maker_fee_bps) == (None,) * 5


@pytest.mark.parametrize(
    "bad", [b"<html>", b"[]", b'{"code":"SUCCESS","data":null}', b'{"code":"SUCCESS","data":{}}', body(code="BUSY")]
)
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="edgex metadata"):
        VENUE.listing({"metadata": bad})
    assert VENUE.is_listing(bad) is None


def test_a_listing_is_known_by_its_form() -> None:
    assert VENUE.is_listing(body(contract())) == "metadata"
    assert VENUE.is_listing(b'{"code":"SUCCESS","data":[]}') is None


def test_every_topic_leads_back_to_its_channel_and_is_what_an_ack_and_its_data_say() -> None:
    decode = VENUE.decoder(Table(listed()), DecoderOptions())
    assert [VENUE.topic(channel, None) for channel in VENUE.channels] == ["bookTicker.all.1s", "ticker.all.1s"]
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, None)
        assert VENUE.channel_of(topic) == channel.name
        assert json.loads(VENUE.subscribe([topic], 7)) == {"type": "subscribe", "channel": topic}
        assert json.loads(VENUE.unsubscribe([topic], 8)) == {"type": "unsubscribe", "channel": topic}
        ack = json.dumps({"type": "subscribed", "channel": topic, "request": "…"}).encode()
        assert decode(ack, 1) == [Ack(topic)]
        assert VENUE.topic_of(ack) is None
        data = json.dumps({"type": "quote-event", "channel": topic, "content": {"data": []}}).encode()
        assert VENUE.topic_of(data) == topic
        assert VENUE.market_of(data) == "perp"
    assert VENUE.topic(VENUE.channels[1], listed()[0]) == "ticker.30000001"
    assert VENUE.topic_of(b"nothing") is None
    with pytest.raises(ValueError, match="too many"):
        VENUE.subscribe(["bookTicker.all.1s", "ticker.all.1s"], 1)


def test_both_sides_ask_for_signs_of_life() -> None:
    (endpoint,) = VENUE.endpoints
    decode = VENUE.decoder(Table(), DecoderOptions())
    ours = endpoint.ping.at(1_789_136_310_001_999_999)
    assert ours == b'{"type":"ping","time":"1789136310001"}'
    assert decode(ours, 1) == [Answer('{"type":"pong","time":"1789136310001"}')]
    assert decode(ours.replace(b"ping", b"pong"), 1) == [Pong()]
    assert "{ms}" in endpoint.url


def test_quotes_come_from_the_channel_with_sizes() -> None:
    assert quote_channels(VENUE) == {"perp": "bookTicker"}
    assert [channel.makes for channel in VENUE.channels] == [("quote",), ("mark", "funding", "stats")]


def test_payments_are_asked_for_in_milliseconds() -> None:
    (call,) = [call for call in VENUE.calls if call.job == "settlements"]
    assert spanned(call, 1_789_000_000_123_456_789, 1_789_100_000_000_000_000) == {
        "filterBeginTimeInclusive": 1_789_000_000_123,
        "filterEndTimeExclusive": 1_789_100_000_000,
    }
    assert call.params["filterSettlementFundingRate"] == "true"

"""The record: topics there and back, requests within the venue's limits, listings in our terms."""

import json
from typing import Any

import pytest

from services.collector.messages import Ack
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.grvt import VENUE
from shared.instruments import Instrument


def perp(**changes: Any) -> dict[str, Any]:
    row = {
        "instrument": "BTC_USDT_Perp",
        "base": "BTC",
        "quote": "USDT",
        "kind": "PERPETUAL",
        "venues": ["ORDERBOOK", "RFQ"],
        "settlement_period": "PERPETUAL",
        "tick_size": "0.1",
        "min_size": "0.001",
        "create_time": "1787802370345408848",
        "funding_interval_hours": 8,
        "adjusted_funding_rate_cap": "0.3",
        "adjusted_funding_rate_floor": "-0.3",
        "min_notional": "100.0",
        "asset_class": "UNSPECIFIED",
    }
    return {**row, **changes}


def body(*rows: object) -> bytes:
    return json.dumps({"result": rows}).encode()


def listed(**changes: Any) -> list[Instrument]:
    return VENUE.listing({"instruments": body(perp(**changes))})


def test_a_perpetual_is_listed_with_its_funding_terms() -> None:
    (one,) = listed()
    assert (one.symbol, one.native, one.base, one.quote, one.settle) == (
        "BTC/USDT:USDT",
        "BTC_USDT_Perp",
        "BTC",
        "USDT",
        "USDT",
    )
    assert (one.tick_size, one.lot_size, one.min_size, one.min_notional) == ("0.1", "0.001", "0.001", "100.0")
    assert (one.multiplier, one.contract_size, one.status) == ("1", "1", "trading")
    assert (one.funding_interval_h, one.funding_cap, one.funding_floor) == ("8", "0.003", "-0.003")
    assert one.listed_ts == 1787802370345408848


@pytest.mark.parametrize(
    ("base", "asset", "multiplier", "status"),
    [
        ("KPEPE", "PEPE", "1000", "trading"),
        ("KBONK", "BONK", "1000", "trading"),
        ("KSHIB", "SHIB", "1000", "trading"),
        ("KAIA", "KAIA", "1", "trading"),
        ("KAITO", "KAITO", "1", "trading"),
        ("KODEX200", "KODEX200", "1", "trading"),
        ("1INCH", "1INCH", "1", "trading"),
        ("1000FLOKI", "FLOKI", "1000", "quarantined"),
        ("kNEIRO", "NEIRO", "1000", "quarantined"),
    ],
)
def test_a_capital_k_is_a_thousand_only_in_the_reviewed_names(
    base: str, asset: str, multiplier: str, status: str
) -> None:
    (one,) = listed(base=base, instrument=f"{base}_USDT_Perp")
    assert (one.base, one.multiplier, one.status) == (asset, multiplier, status)
    assert one.symbol == f"{asset}/USDT:USDT"


def test_tick_and_lot_of_thousands_are_for_one_coin() -> None:
    (one,) = listed(base="KPEPE", tick_size="0.000001", min_size="10.0")
    assert (one.tick_size, one.lot_size, one.min_size) == ("0.000000001", "10000", "10000")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "trading"),
        ({"status": "ACTIVE"}, "trading"),
        ({"status": "UNSPECIFIED"}, "trading"),
        ({"status": "HALTED"}, "unknown"),
        ({"venues": ["RFQ"]}, "halted"),
        ({"venues": []}, "halted"),
    ],
)
def test_only_what_is_active_and_has_a_book_trades(changes: dict[str, Any], status: str) -> None:
    (one,) = listed(**changes)
    assert one.status == status


@pytest.mark.parametrize(
    ("hours", "expected"), [(8, "8"), ("4", "4"), (1, "1"), (0, None), ("0", None), (None, None), ("", None)]
)
def test_an_interval_of_zero_is_none(hours: object, expected: str | None) -> None:
    (one,) = listed(funding_interval_hours=hours)
    assert one.funding_interval_h == expected


def test_caps_come_as_text_or_numbers() -> None:
    (one,) = listed(adjusted_funding_rate_cap=2.5, adjusted_funding_rate_floor="-2.5")
    assert (one.funding_cap, one.funding_floor) == ("0.025", "-0.025")


@pytest.mark.parametrize(
    "changes", [{"kind": "FUTURE"}, {"kind": "CALL"}, {"kind": "PUT"}, {"quote": "BTC"}, {"base": ""}, {"quote": ""}]
)
def test_what_is_out_of_scope_is_named_and_not_listed(changes: dict[str, Any]) -> None:
    bodies = {"instruments": body(perp(**changes))}
    assert VENUE.listing(bodies) == []
    assert VENUE.outside(bodies) == {"BTC_USDT_Perp"}


def test_a_broken_row_does_not_cost_the_others() -> None:
    rows = [perp(instrument="A", tick_size="x"), {"instrument": 7}, perp(), perp(instrument="B", create_time="soon")]
    assert [one.native for one in VENUE.listing({"instruments": body(*rows)})] == ["BTC_USDT_Perp"]


@pytest.mark.parametrize(
    "bad", [b"<html>", b"[]", b'{"code":1006,"message":"rate limit","status":429}', b'{"result":7}']
)
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="grvt instruments"):
        VENUE.listing({"instruments": bad})


SHORT = {
    "i": "KBONK_USDT_Perp",
    "ih": "0x031a01",
    "b": "KBONK",
    "q": "USDT",
    "k": "PERPETUAL",
    "v": ["ORDERBOOK"],
    "sp1": "PERPETUAL",
    "ts": "0.000001",
    "ms": "1.0",
    "ct": "1787802370345435649",
    "fi": 4,
    "af": "2.0",
    "af1": "-2.0",
    "mn": "5.0",
}


def test_a_listing_in_the_lite_encoding_is_the_same() -> None:
    short = json.dumps({"r": [SHORT]}).encode()
    full = body(
        perp(
            instrument="KBONK_USDT_Perp",
            base="KBONK",
            venues=["ORDERBOOK"],
            tick_size="0.000001",
            min_size="1.0",
            create_time="1787802370345435649",
            funding_interval_hours=4,
            adjusted_funding_rate_cap="2.0",
            adjusted_funding_rate_floor="-2.0",
            min_notional="5.0",
        )
    )
    assert VENUE.is_listing(short) == "instruments"
    assert VENUE.listing({"instruments": short}) == VENUE.listing({"instruments": full})


@pytest.mark.parametrize(
    ("answer", "call"),
    [
        (body(perp()), "instruments"),
        (json.dumps({"result": perp()}).encode(), "instruments"),
        (body({"instrument": "BTC_USDT_Perp", "funding_rate": "1"}), None),
        (body(), None),
        (body(7), None),
        (b"{}", None),
        (b"nothing", None),
    ],
)
def test_a_listing_is_known_by_its_form(answer: bytes, call: str | None) -> None:
    assert VENUE.is_listing(answer) == call


def test_every_topic_leads_back_to_its_channel_and_is_what_an_ack_and_its_data_say() -> None:
    (one,) = listed()
    decode = VENUE.decoder(Table([one]), DecoderOptions())
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, one)
        asked = json.loads(VENUE.subscribe([topic], 7))["params"]
        result = {"stream": asked["stream"], "subs": asked["selectors"], "unsubs": []}
        ack = json.dumps({"jsonrpc": "2.0", "result": result, "id": 7, "method": "subscribe"}).encode()
        data = {"stream": asked["stream"], "selector": asked["selectors"][0], "sequence_number": "1", "feed": {}}
        assert VENUE.channel_of(topic) == channel.name
        assert decode(ack, 1) == [Ack(topic, 7)]
        assert VENUE.topic_of(json.dumps(data).encode()) == topic
        assert VENUE.topic_of(ack) is None


def test_requests_name_one_stream_and_all_their_selectors() -> None:
    assert json.loads(VENUE.unsubscribe(["v1.mini.d:BTC_USDT_Perp@0", "v1.mini.d:ETH_USDT_Perp@0"], 3)) == {
        "jsonrpc": "2.0",
        "method": "unsubscribe",
        "params": {"stream": "v1.mini.d", "selectors": ["BTC_USDT_Perp@0", "ETH_USDT_Perp@0"]},
        "id": 3,
    }
    with pytest.raises(ValueError, match="one stream"):
        VENUE.subscribe(["v1.mini.d:BTC_USDT_Perp@0", "v1.trade:BTC_USDT_Perp@50"], 1)


def test_every_stream_has_connections_of_its_own() -> None:
    assert len({channel.endpoint for channel in VENUE.channels}) == len(VENUE.channels)
    assert {channel.endpoint for channel in VENUE.channels} == {endpoint.name for endpoint in VENUE.endpoints}


def test_every_rest_call_is_a_post() -> None:
    assert all(call.body is not None for call in VENUE.calls)


@pytest.mark.parametrize(
    ("native", "url"),
    [
        ("BTC_USDT_Perp", "https://grvt.io/exchange/perpetual/BTC-USDT"),
        ("KBONK_USDT_Perp", "https://grvt.io/exchange/perpetual/KBONK-USDT"),
    ],
)
def test_an_instrument_has_a_page_on_the_exchange(native: str, url: str) -> None:
    (one,) = listed(instrument=native)
    assert VENUE.trade_url(one) == url

"""The record: topics there and back, requests within the venue's limits, listings in our terms."""

import json

import pytest

from services.collector.messages import Ack
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.okx import VENUE
from shared.instruments import Instrument


def swap(**changes: str) -> dict[str, str]:
    row = {
        "instType": "SWAP",
        "instId": "BTC-USDT-SWAP",
        "ctType": "linear",
        "ctVal": "0.01",
        "ctMult": "1",
        "ctValCcy": "BTC",
        "settleCcy": "USDT",
        "uly": "BTC-USDT",
        "tickSz": "0.1",
        "lotSz": "0.01",
        "minSz": "0.01",
        "instCategory": "1",
        "state": "live",
        "listTime": "1573557408000",
        "expTime": "",
    }
    return {**row, **changes}


def body(*rows: object) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def listed(**changes: str) -> list[Instrument]:
    return VENUE.listing({"swap": body(swap(**changes))})


def test_a_swap_is_listed_in_base_units() -> None:
    (one,) = listed()
    assert (one.symbol, one.native, one.base, one.quote, one.settle) == (
        "BTC/USDT:USDT",
        "BTC-USDT-SWAP",
        "BTC",
        "USDT",
        "USDT",
    )
    assert (one.contract_size, one.tick_size, one.lot_size, one.min_size) == ("0.01", "0.1", "0.0001", "0.0001")
    assert (one.aliases, one.category, one.status, one.listed_ts) == (
        ("BTC-USDT",),
        "crypto",
        "trading",
        1573557408 * 10**9,
    )


def test_contract_value_and_multiplier_multiply_exactly() -> None:
    (one,) = listed(ctVal="0.0005", ctMult="2.5", lotSz="3")
    assert (one.contract_size, one.lot_size) == ("0.00125", "0.00375")


def test_a_dollar_contract_margined_in_a_stablecoin_is_quoted_in_dollars() -> None:
    (one,) = listed(instId="BTC-USD_UM-SWAP", settleCcy="USDC", uly="BTC-USD")
    assert one.symbol == "BTC/USD:USDC"


@pytest.mark.parametrize(
    ("state", "expires", "status"),
    [
        ("live", "", "trading"),
        ("live", "1800000000000", "delisting"),
        ("suspend", "", "halted"),
        ("post_only", "", "halted"),
        ("rebase", "", "halted"),
        ("settling", "", "halted"),
        ("preopen", "", "pre"),
        ("test", "", "unknown"),
        ("whatever comes", "", "unknown"),
    ],
)
def test_a_state_has_a_status(state: str, expires: str, status: str) -> None:
    (one,) = listed(state=state, expTime=expires)
    assert one.status == status


@pytest.mark.parametrize(
    ("code", "category"),
    [("1", "crypto"), ("3", "equity"), ("4", "commodity"), ("5", "fx"), ("6", "unknown"), ("", "unknown")],
)
def test_a_category_says_what_is_traded(code: str, category: str) -> None:
    (one,) = listed(instCategory=code)
    assert one.category == category


@pytest.mark.parametrize(
    "changes",
    [
        {"ctType": "inverse"},
        {"instType": "FUTURES"},
        {"instType": "OPTION"},
        {"ctValCcy": ""},
        {"ctValCcy": "USDT"},
        {"ctVal": ""},
    ],
)
def test_what_is_out_of_scope_is_named_and_not_listed(changes: dict[str, str]) -> None:
    bodies = {"swap": body(swap(**changes))}
    assert VENUE.listing(bodies) == []
    assert VENUE.outside(bodies) == {"BTC-USDT-SWAP"}


def test_funding_terms_come_with_their_own_body() -> None:
    terms = {
        "instId": "BTC-USDT-SWAP",
        "fundingRate": "0.0001",
        "fundingTime": "1785945600000",
        "nextFundingTime": "1785960000000",
        "maxFundingRate": "0.00375",
        "minFundingRate": "-0.00375",
    }
    (one,) = VENUE.listing({"swap": body(swap()), "funding": body(terms)})
    assert (one.funding_interval_h, one.funding_cap, one.funding_floor) == ("4", "0.00375", "-0.00375")


def test_a_broken_row_does_not_cost_the_others() -> None:
    bodies = {"swap": body(swap(instId="A", tickSz="x"), {"instType": 7}, swap())}
    assert [one.native for one in VENUE.listing(bodies)] == ["BTC-USDT-SWAP"]


@pytest.mark.parametrize("bad", [b"<html>", b"[]", b'{"code":"50011","msg":"Too Many Requests","data":[]}'])
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="okx swap"):
        VENUE.listing({"swap": bad})


@pytest.mark.parametrize(
    ("rows", "call"),
    [
        ([swap()], "swap"),
        ([swap(instType="SPOT")], "spot"),
        ([swap(instType="FUTURES")], "futures"),
        ([{"instId": "X", "fundingTime": "1", "nextFundingTime": "2"}], "funding"),
        ([{"instId": "X", "markPx": "2"}], None),
        ([], None),
        ([7], None),
    ],
)
def test_a_listing_is_known_by_its_form(rows: list[object], call: str | None) -> None:
    assert VENUE.is_listing(body(*rows)) == call


def test_every_topic_leads_back_to_its_channel_and_is_what_an_ack_says() -> None:
    (one,) = listed()
    decode = VENUE.decoder(Table([one]), DecoderOptions())
    for channel in VENUE.channels:
        topic = VENUE.topic(channel, None if channel.scope == "market" else one)
        (arg,) = json.loads(VENUE.subscribe([topic], 7))["args"]
        ack = json.dumps({"id": "7", "event": "subscribe", "arg": arg}).encode()
        assert VENUE.channel_of(topic) == channel.name
        assert decode(ack, 1) == [Ack(topic, 7)]
        assert VENUE.topic_of(json.dumps({"arg": arg, "data": []}).encode()) == topic


def test_requests_name_their_number_and_all_their_topics() -> None:
    assert json.loads(VENUE.unsubscribe(["bbo-tbt:BTC-USDT", "liquidation-orders:SWAP"], 3)) == {
        "id": "3",
        "op": "unsubscribe",
        "args": [{"channel": "bbo-tbt", "instId": "BTC-USDT"}, {"channel": "liquidation-orders", "instType": "SWAP"}],
    }


def test_the_largest_request_stays_below_64_kilobytes() -> None:
    longest = ["liquidation-orders:" + "X" * 40] * VENUE.endpoints[0].limits.topics_per_frame
    assert len(VENUE.subscribe(longest, 10**9)) < 64 * 1024


def test_the_market_is_told_only_by_frames_that_name_it() -> None:
    assert VENUE.market_of(b'{"arg":{"channel":"tickers","instId":"A"},"data":[{"instType":"SWAP"}]}') == "perp"
    assert VENUE.market_of(b'{"arg":{"channel":"tickers","instId":"A"},"data":[{"instType":"SPOT"}]}') == "spot"
    assert VENUE.market_of(b'{"arg":{"channel":"trades","instId":"A"},"data":[{}]}') is None
    assert VENUE.market_of(b"pong") is None


def test_an_instrument_has_a_page_on_the_exchange() -> None:
    (one,) = listed()
    assert VENUE.trade_url(one) == "https://www.okx.com/trade-swap/btc-usdt-swap"

"""The record: topics there and back, requests as the venue takes them, listings in our terms."""

import json
from typing import Any

import pytest

from services.collector.messages import Ack
from services.collector.naming import resolve_collisions
from services.collector.plan import Plan
from services.collector.table import Table
from services.collector.variables import configured
from services.collector.venue import DecoderOptions, Unreadable
from services.collector.venues.hyperliquid import VENUE
from services.collector.wants import Selection, Wants, selected
from shared.config import SettingError
from shared.instruments import Instrument
from shared.streams import BUCKETS

Row = dict[str, Any]
TOKENS = [("USDC", 0, 8), ("PURR", 1, 0), ("HYPE", 150, 2), ("UBTC", 197, 5), ("USDT0", 268, 2), ("USDH", 360, 2)]


def perp(name: str, decimals: int = 2, **more: object) -> Row:
    return {"name": name, "szDecimals": decimals, "maxLeverage": 10, **more}


def metas(*universes: tuple[int, list[Row]]) -> bytes:
    return json.dumps([{"universe": rows, "collateralToken": token} for token, rows in universes]).encode()


def spot_meta(*pairs: tuple[str, int, int], tokens: list[tuple[str, int, int]] = TOKENS) -> bytes:
    rows = [{"name": name, "tokens": [base, quote], "index": 5} for name, base, quote in pairs]
    named = [{"name": name, "index": index, "szDecimals": decimals} for name, index, decimals in tokens]
    return json.dumps({"universe": rows, "tokens": named}).encode()


def one(row: Row, token: int = 0, **bodies: bytes) -> Instrument:
    (made,) = VENUE.listing({"perps": metas((token, [row])), **bodies})
    return made


def pair(name: str, base: int, quote: int, **bodies: bytes) -> Instrument:
    (made,) = VENUE.listing({"spot": spot_meta((name, base, quote)), **bodies})
    return made


def test_a_perpetual_is_listed_in_coins() -> None:
    made = one(perp("BTC", 5))
    assert (made.symbol, made.native, made.base, made.quote, made.settle) == (
        "BTC/USDC:USDC",
        "BTC",
        "BTC",
        "USDC",
        "USDC",
    )
    assert (made.tick_size, made.lot_size, made.min_size, made.min_notional) == ("0.1", "0.00001", "0.00001", "10")
    assert (made.category, made.status, made.funding_interval_h) == ("crypto", "trading", "1")
    assert (made.funding_cap, made.funding_floor, made.taker_fee_bps) == ("0.04", "-0.04", None)


def test_a_thousand_coins_are_one_coin_each() -> None:
    made = one(perp("kPEPE", 0))
    assert (made.symbol, made.multiplier, made.status) == ("PEPE/USDC:USDC", "1000", "trading")
    assert (made.tick_size, made.lot_size, made.min_size) == ("0.000000001", "1000", "1000")


def test_a_name_of_that_form_that_nobody_reviewed_waits_for_its_price() -> None:
    made = one(perp("kNEWCOIN", 0))
    assert (made.symbol, made.multiplier) == ("NEWCOIN/USDC:USDC", "1000")
    assert (made.status, made.quarantine_reason) == ("quarantined", "multiplier_unconfirmed")
    gone = one(perp("kNEWCOIN", 0, isDelisted=True))
    assert (gone.status, gone.quarantine_reason) == ("delisting", None)


@pytest.mark.parametrize(("mode", "fees"), [(None, ("9", "3")), ("enabled", ("0.9", "0.3")), ("disabled", ("9", "3"))])
def test_a_builders_perpetual_has_the_coin_and_the_builders_fees(mode: str | None, fees: tuple[str, str]) -> None:
    made = one(perp("xyz:TSLA", 3, growthMode=mode))
    assert (made.symbol, made.native, made.category) == ("TSLA/USDC:USDC", "xyz:TSLA", "unknown")
    assert (made.taker_fee_bps, made.maker_fee_bps) == fees
    assert (made.funding_cap, made.funding_floor) == (None, None)


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("stocks", "equity"),
        ("preipo", "equity"),
        ("indices", "index"),
        ("commodities", "commodity"),
        ("fx", "fx"),
        ("crypto", "crypto"),
        ("other", "unknown"),
    ],
)
def test_a_category_says_what_is_traded(word: str, category: str) -> None:
    assert one(perp("xyz:A"), categories=json.dumps([["xyz:A", word]]).encode()).category == category


@pytest.mark.parametrize(
    ("token", "spot", "settle"),
    [
        (0, True, "USDC"),
        (268, True, "USDT"),
        (268, False, "USDT"),
        (360, True, "USDH"),
        (235, False, "USDE"),
        (197, True, "BTC"),
    ],
)
def test_what_a_perpetual_is_settled_in_is_a_token(token: int, spot: bool, settle: str) -> None:
    bodies = {"perps": metas((token, [perp("xyz:A")]))}
    if spot:
        bodies["spot"] = spot_meta()
    (made,) = VENUE.listing(bodies)
    assert (made.quote, made.settle, made.symbol) == (settle, settle, f"A/{settle}:{settle}")


def test_a_perpetual_settled_in_something_unknown_is_not_listed() -> None:
    assert VENUE.listing({"perps": metas((999, [perp("xyz:A")]))}) == []


@pytest.mark.parametrize(
    ("name", "base", "quote", "symbol"),
    [
        ("PURR/USDC", 1, 0, "PURR/USDC"),
        ("@107", 150, 0, "HYPE/USDC"),
        ("@142", 197, 0, "BTC/USDC"),
        ("@207", 150, 268, "HYPE/USDT"),
        ("@232", 150, 360, "HYPE/USDH"),
    ],
)
def test_a_pair_is_named_by_its_tokens(name: str, base: int, quote: int, symbol: str) -> None:
    made = pair(name, base, quote)
    assert (made.symbol, made.native, made.market, made.settle, made.status) == (symbol, name, "spot", None, "trading")


def test_a_pair_is_listed_in_coins() -> None:
    made = pair("@142", 197, 0)
    assert (made.tick_size, made.lot_size, made.min_notional, made.category) == ("0.001", "0.00001", "10", "crypto")


@pytest.mark.parametrize(("mid", "status"), [("42.1", "trading"), (None, "halted")])
def test_a_pair_that_nobody_makes_a_market_of_is_not_collected(mid: str | None, status: str) -> None:
    contexts = json.dumps([{"universe": [], "tokens": []}, [{"coin": "@107", "midPx": mid}, {"coin": 5}]]).encode()
    assert pair("@107", 150, 0, spot_contexts=contexts).status == status
    assert pair("@142", 197, 0, spot_contexts=contexts).status == "trading"


def test_a_pair_or_a_token_without_a_name_is_left_out() -> None:
    assert VENUE.listing({"spot": spot_meta(("", 150, 0))}) == []
    assert VENUE.listing({"spot": spot_meta(("@107", 1, 0), tokens=[("USDC", 0, 8), ("", 1, 2)])}) == []


def test_a_pair_of_tokens_that_are_not_listed_is_left_out() -> None:
    assert VENUE.listing({"spot": spot_meta(("@1", 7, 0))}) == []


def test_what_is_delisted_stays_for_its_frames_and_gives_way_to_the_same_coin_elsewhere() -> None:
    bodies = {
        "perps": metas(
            (0, [perp("MATIC", isDelisted=True), perp("BTC")]),
            (0, [perp("flx:GOLD", isDelisted=True), perp("flx:OIL", isDelisted=True)]),
            (0, [perp("xyz:GOLD")]),
        )
    }
    assert {made.native: made.status for made in VENUE.listing(bodies)} == {
        "MATIC": "delisting",
        "BTC": "trading",
        "flx:OIL": "delisting",
        "xyz:GOLD": "trading",
    }
    assert VENUE.outside(bodies) == {"flx:GOLD", "flx[0]"}
    assert [made.native for made in selected(VENUE.listing(bodies))] == ["BTC", "xyz:GOLD"]


def test_of_one_coin_on_two_exchanges_the_first_ones_keeps_the_symbol() -> None:
    made = resolve_collisions(VENUE.listing({"perps": metas((0, [perp("HYPE")]), (0, [perp("xyz:HYPE")]))}))
    assert [(row.native, row.status) for row in made] == [("HYPE", "trading"), ("xyz:HYPE", "quarantined")]


def test_places_count_every_row_of_an_exchange_readable_or_not() -> None:
    universe = [perp("A"), {"nom": "B"}, perp("C", isDelisted=True), perp("D")]
    made = VENUE.listing({"perps": metas((0, universe), (0, [perp("xyz:E")]))})
    assert [(row.native, row.aliases) for row in made] == [
        ("A", ("[0]",)),
        ("C", ("[2]",)),
        ("D", ("[3]",)),
        ("xyz:E", ("xyz[0]",)),
    ]


def test_texts_where_numbers_were_and_nulls_cost_no_instrument() -> None:
    plain = one(perp("BTC", 5))
    odd = {
        "universe": [{"name": "BTC", "szDecimals": "5", "isDelisted": None, "growthMode": None}],
        "collateralToken": None,
    }
    assert VENUE.listing({"perps": json.dumps([odd]).encode()}) == [plain]
    texts = spot_meta(("@107", 150, 0)).replace(b'"szDecimals": 2', b'"szDecimals": "2"')
    assert VENUE.listing({"spot": texts}) == [pair("@107", 150, 0)]


@pytest.mark.parametrize("row", [perp("BTC", -1), perp("BTC", 99), perp(""), perp("xyz:")])
def test_a_perpetual_without_a_name_or_with_impossible_decimals_is_not_listed(row: Row) -> None:
    assert VENUE.listing({"perps": metas((0, [row]))}) == []


def test_metas_may_come_alone_with_their_contexts_or_as_one() -> None:
    meta = {"universe": [perp("BTC")], "collateralToken": 0}
    for body in (meta, [meta], [[meta, [{"markPx": "1"}]]], {"universe": [perp("BTC")]}):
        assert [made.native for made in VENUE.listing({"perps": json.dumps(body).encode()})] == ["BTC"]


@pytest.mark.parametrize("bad", [b"<html>", b'{"code":5}', b"[5]", b"[[]]", b"\xff", b"null"])
@pytest.mark.parametrize("call", ["perps", "spot"])
def test_a_body_that_is_no_listing_is_said_to_be_unreadable(call: str, bad: bytes) -> None:
    with pytest.raises(Unreadable, match=f"hyperliquid {call}: expected"):
        VENUE.listing({call: bad})


@pytest.mark.parametrize("bad", [b"<html>", b"5", b'{"a":1}'])
def test_terms_that_cannot_be_read_are_said_to_be_unreadable(bad: bytes) -> None:
    with pytest.raises(Unreadable, match="hyperliquid categories: expected"):
        one(perp("BTC"), categories=bad)
    with pytest.raises(Unreadable, match="hyperliquid spot_contexts: expected"):
        pair("@107", 150, 0, spot_contexts=bad)


@pytest.mark.parametrize(
    ("body", "call"),
    [
        (metas((0, [perp("BTC")]), (0, [])), "perps"),
        (json.dumps({"universe": []}).encode(), "perps"),
        (spot_meta(), "spot"),
        (b'[["xyz:TSLA","stocks"]]', "categories"),
        (b'[{"universe":[]},[{"markPx":"1"}]]', None),
        (b'[{"universe":[],"tokens":[]},[{"coin":"@1"}]]', None),
        (b'{"BTC":"1"}', None),
        (b'[["AVAX",[["HlPerp",{}]]]]', None),
        (b"[]", None),
        (b"[[]]", None),
        (b"<html>", None),
    ],
)
def test_a_listing_is_known_by_its_form_and_contexts_are_none(body: bytes, call: str | None) -> None:
    assert VENUE.is_listing(body) == call


def test_every_topic_leads_back_to_its_channel_and_is_what_an_answer_says() -> None:
    rows = [one(perp("BTC")), one(perp("xyz:TSLA")), pair("PURR/USDC", 1, 0), pair("@107", 150, 0)]
    decode = VENUE.decoder(Table(rows), DecoderOptions())
    for channel in VENUE.channels:
        for row in rows:
            topic = VENUE.topic(channel, None if channel.scope == "market" else row)
            asked = json.loads(VENUE.subscribe([topic], 7))
            assert asked["method"] == "subscribe"
            filled = {**asked["subscription"], "nSigFigs": None, "mantissa": None}
            ack = {"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": filled}}
            assert VENUE.channel_of(topic) == channel.name
            assert decode(json.dumps(ack).encode(), 1) == [Ack(topic)]


def test_a_frame_tells_its_topic() -> None:
    for frame, topic in (
        ({"channel": "bbo", "data": {"coin": "xyz:TSLA"}}, "bbo:xyz:TSLA"),
        ({"channel": "l2Book", "data": {"coin": "BTC"}}, "l2Book:BTC"),
        ({"channel": "trades", "data": [{"coin": "@107"}]}, "trades:@107"),
        ({"channel": "activeAssetCtx", "data": {"coin": "BTC"}}, "activeAssetCtx:BTC"),
        ({"channel": "activeSpotAssetCtx", "data": {"coin": "@107"}}, "activeAssetCtx:@107"),
        ({"channel": "allDexsAssetCtxs", "data": {"ctxs": []}}, "allDexsAssetCtxs"),
        ({"channel": "fastAssetCtxs", "data": ""}, "fastAssetCtxs"),
        ({"channel": "trades", "data": []}, None),
        ({"channel": "pong"}, None),
        ({"channel": "error", "data": "x"}, None),
        ([], None),
    ):
        assert VENUE.topic_of(json.dumps(frame).encode()) == topic


def test_requests_carry_one_subscription_and_books_are_asked_for_quickly() -> None:
    assert VENUE.endpoints[0].limits.topics_per_frame == 1
    assert json.loads(VENUE.subscribe(["l2Book:kPEPE"], 1)) == {
        "method": "subscribe",
        "subscription": {"type": "l2Book", "coin": "kPEPE", "fast": True},
    }
    assert json.loads(VENUE.unsubscribe(["l2Book:kPEPE"], 1))["subscription"]["fast"] is True
    assert json.loads(VENUE.unsubscribe(["trades:xyz:TSLA"], 2)) == {
        "method": "unsubscribe",
        "subscription": {"type": "trades", "coin": "xyz:TSLA"},
    }
    assert json.loads(VENUE.subscribe(["fastAssetCtxs"], 1))["subscription"] == {"type": "fastAssetCtxs"}


def test_the_market_is_told_only_by_channels_that_have_one() -> None:
    assert VENUE.market_of(b'{"channel":"activeSpotAssetCtx","data":{}}') == "spot"
    assert VENUE.market_of(b'{"channel":"allDexsAssetCtxs","data":{}}') == "perp"
    assert VENUE.market_of(b'{"channel":"bbo","data":{}}') is None
    assert VENUE.market_of(b"pong") is None


def test_all_that_the_venue_lists_fits_into_what_an_address_may_hold() -> None:
    """The census of September 2026: 178 perpetuals, 148 of builders, 420 pairs at the most."""
    perps = [perp(f"P{n}") for n in range(178)]
    built = [perp(f"xyz:B{n}") for n in range(148)]
    tokens = [("USDC", 0, 8), *((f"T{n}", n, 2) for n in range(1, 421))]
    pairs = [(f"@{n}", n, 0) for n in range(1, 421)]
    bodies = {"perps": metas((0, perps), (0, built)), "spot": spot_meta(*pairs, tokens=tokens)}
    chosen = selected(VENUE.listing(bodies))
    topics, _ = Wants(VENUE).of(chosen, Selection(range(BUCKETS)))
    plan = Plan(VENUE.endpoints)
    plan.update(topics, 0.8)
    assert not plan.unplaced
    assert len(topics) == 178 + 148 + 420 + 2
    assert len(plan.slots()) <= 8


def test_an_instrument_has_a_page_on_the_exchange() -> None:
    assert VENUE.trade_url(one(perp("xyz:TSLA"))) == "https://app.hyperliquid.xyz/trade/xyz:TSLA"
    assert VENUE.trade_url(pair("@107", 150, 0)) == "https://app.hyperliquid.xyz/trade/@107"


def test_users_may_choose_the_network_the_addresses_and_how_often_funding_is_asked_for() -> None:
    made = configured(VENUE, {"HYPERLIQUID_ENVIRONMENT": "testnet"})
    assert made.endpoints[0].url == "wss://api.hyperliquid-testnet.xyz/ws"
    assert made.hosts[0].url == "https://api.hyperliquid-testnet.xyz"
    own = {
        "HYPERLIQUID_ENVIRONMENT": "testnet",
        "HYPERLIQUID_API_BASE_URL": "http://gateway:8081/info",
        "HYPERLIQUID_WS_PUBLIC_URL": "ws://gateway:8081/ws",
        "HYPERLIQUID_FUNDING_REFRESH_SECONDS": "30",
    }
    made = configured(VENUE, own)
    assert (made.hosts[0].url, made.endpoints[0].url) == ("http://gateway:8081", "ws://gateway:8081/ws")
    assert [call.every_s for call in made.calls if call.name == "perp_contexts"] == [30.0]
    with pytest.raises(SettingError, match="HYPERLIQUID_ENVIRONMENT='main': expected one of mainnet, testnet"):
        configured(VENUE, {"HYPERLIQUID_ENVIRONMENT": "main"})

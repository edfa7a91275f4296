"""What a process should carry and publish."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.collector.plan import Topic, TopicKey
from services.collector.venue import Channel
from services.collector.wants import Place, Selection, Wants, selected
from shared.instruments import Instrument, Market
from shared.streams import BUCKETS, bucket_of
from tests.collector.fakes import instrument, venue

ALL = frozenset(range(BUCKETS))
MARKETS: tuple[Market, ...] = ("spot", "perp")
COINS = [instrument(base, market) for base in ("BTC", "ETH", "SOL", "XRP", "PEPE") for market in MARKETS]


def topics_of(instruments: Sequence[Instrument], selection: Selection) -> dict[TopicKey, Topic]:
    return Wants(venue()).of(instruments, selection)[0]


def places_of(instruments: Sequence[Instrument], selection: Selection) -> list[Place]:
    return Wants(venue()).of(instruments, selection)[1]


def test_quotes_come_from_the_best_channel_and_others_ride_for_what_else_they_make() -> None:
    found = topics_of(selected(COINS), Selection(ALL))
    assert found["open", "best:BTC-USDT-perp"].kinds == ("quote",)
    assert found["open", "ticker:BTC-USDT-perp"].kinds == ("stats",)
    assert not any(name.startswith("slow") for _, name in found)
    assert found["wide", "marks:perp"].symbols == ()
    assert ("wide", "news:perp") in found


def test_demand_adds_topics_of_the_symbols_asked_for_and_no_others() -> None:
    demand = {"trade": frozenset({"BTC/USDT:USDT", "NO/USDT:USDT"}), "book": frozenset({"ETH/USDT:USDT"})}
    found = topics_of(selected(COINS), Selection(ALL, demand))
    on_demand = {name for _, name in found if name.startswith(("trades", "books"))}
    assert on_demand == {"trades:BTC-USDT-perp", "books:ETH-USDT-perp"}


def test_members_share_topics_and_places_by_bucket_without_loss_or_doubles() -> None:
    half = frozenset(range(0, BUCKETS, 2))
    whole = topics_of(selected(COINS), Selection(ALL))
    parts = [topics_of(selected(COINS), Selection(buckets)) for buckets in (half, ALL - half)]
    assert set(parts[0]) | set(parts[1]) == set(whole)
    assert not set(parts[0]) & set(parts[1])
    places = [places_of(selected(COINS), Selection(buckets)) for buckets in (half, ALL - half)]
    assert not set(places[0]) & set(places[1])
    marks = [part for part in places if ("mark", "BTC/USDT:USDT") in part]
    assert len(marks) == 1
    assert {symbol for kind, symbol in marks[0] if kind == "mark"} == {
        one.symbol for one in COINS if one.settle or ":" in one.symbol
    }
    assert (marks[0] is places[0]) == (bucket_of("marks:perp") in half)


def test_what_is_not_collected_is_not_subscribed_but_an_unconfirmed_multiplier_is() -> None:
    rows = [
        instrument("BTC", status="halted"),
        instrument("ETH", quote="EUR"),
        instrument("TWIN", status="quarantined", quarantine_reason="collision"),
        instrument("NEW", status="quarantined", quarantine_reason="multiplier_unconfirmed"),
        instrument("SOL"),
    ]
    assert [one.base for one in selected(rows)] == ["NEW", "SOL"]
    assert [one.base for one in selected(rows, {"NEW"})] == ["NEW"]


def test_the_market_between_the_quote_currencies_is_always_collected() -> None:
    rate = instrument("USDC", "spot")
    assert selected([rate, instrument("USDC", "perp"), instrument("SOL")], {"BTC"}) == [rate]


def test_a_refused_topic_is_left_out() -> None:
    found = topics_of(selected(COINS), Selection(ALL, refused={("open", "best:BTC-USDT-perp")}))
    assert ("open", "best:BTC-USDT-perp") not in found
    assert ("open", "best:ETH-USDT-perp") in found


def test_one_topic_of_two_instruments_is_asked_for_once_and_serves_both() -> None:
    twins = [instrument("BTC"), instrument("BTC", symbol="BTC/USDC:USDC", quote="USDC")]
    found = topics_of(selected(twins), Selection(ALL))
    assert set(found["open", "best:BTC-USDT-perp"].symbols) == {"BTC/USDT:USDT", "BTC/USDC:USDC"}


def test_what_was_worked_out_before_changes_nothing() -> None:
    wants, rows = Wants(venue()), selected(COINS)
    for selection in (
        Selection(ALL),
        Selection(ALL, {"trade": frozenset({"BTC/USDT:USDT"})}),
        Selection(frozenset({1, 2, 3})),
        Selection(ALL, refused={("open", "best:BTC-USDT-perp")}),
        Selection(ALL),
    ):
        assert wants.of(rows, selection) == Wants(venue()).of(rows, selection)
        other: Any = rows[::2]
        assert wants.of(other, selection) == Wants(venue()).of(other, selection)


def test_market_wide_topics_that_make_one_kind_belong_to_one_member() -> None:
    wide = (
        Channel("swift", "wide", "perp", ("mark",), scope="market"),
        Channel("whole", "wide", "perp", ("mark", "funding"), scope="market"),
        Channel("rates", "wide", "perp", ("funding",), scope="market"),
        Channel("other", "wide", "perp", ("stats",), scope="market"),
    )
    made = replace(venue(), channels=(*venue().channels[:1], *wide))
    seat, elsewhere = bucket_of("swift:perp"), bucket_of("other:perp")
    assert bucket_of("whole:perp") != seat != elsewhere
    topics, places = Wants(made).of(selected(COINS), Selection({seat}))
    assert [name for endpoint, name in topics if endpoint == "wide"] == ["swift:perp", "whole:perp", "rates:perp"]
    assert {topic.seat for topic in topics.values() if not topic.symbols} == {seat}
    perps = {one.symbol for one in selected(COINS) if one.market == "perp"}
    assert {place for place in places if place[0] != "quote"} == {
        (kind, symbol) for kind in ("mark", "funding") for symbol in perps
    }

"""From a venue's list to the instruments of a run."""

import msgspec

from services.collector.listing import difference, field_of, holders_of, kept, resolved
from tests.collector.fakes import instrument, venue


def test_fees_and_quote_mode_come_from_the_venue_where_the_list_is_silent() -> None:
    rows = resolved(venue(), [instrument("BTC"), instrument("ETH", "spot", taker_fee_bps="2")], {})
    assert [(one.taker_fee_bps, one.maker_fee_bps) for one in rows] == [("5", "2"), ("2", "8")]
    assert {one.quote_mode for one in rows} == {"on_change"}


def test_a_symbol_stays_with_the_instrument_that_held_it_in_this_run() -> None:
    first = instrument("BTC", native="OLD", listed_ts=5)
    rival = instrument("BTC", native="NEW", listed_ts=1)
    rows = resolved(venue(), [first], {})
    again = resolved(venue(), [first, rival], holders_of(rows))
    assert [(one.native, one.status) for one in again] == [("OLD", "trading"), ("NEW", "quarantined")]


def test_markets_whose_calls_failed_stay_as_they_were_known() -> None:
    known = [instrument("BTC"), instrument("BTC", "spot"), instrument("ETH", "spot")]
    fresh = [instrument("BTC"), instrument("SOL")]
    assert [field_of(one) for one in kept(known, fresh, {"spot"})] == [
        "perp:BTC-USDT-perp",
        "perp:SOL-USDT-perp",
        "spot:BTC-USDT-spot",
        "spot:ETH-USDT-spot",
    ]
    assert kept(known, fresh, set()) == fresh
    assert kept(known, fresh, {None}) == known
    assert kept([], fresh, {"perp"}) == fresh


def test_the_difference_names_what_came_went_and_changed() -> None:
    old = [instrument("BTC"), instrument("ETH"), instrument("SOL")]
    halted = msgspec.structs.replace(old[1], status="halted")
    change = difference(old, [old[0], halted, instrument("XRP")])
    assert [one.base for one in change.added] == ["XRP"]
    assert [one.base for one in change.removed] == ["SOL"]
    assert change.changed == (halted,)
    assert not difference(old, old)

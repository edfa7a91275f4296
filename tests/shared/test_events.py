"""The vocabulary as a whole: promises that hold for every kind of event."""

from typing import get_args

import msgspec
import pytest

from shared.events import KIND, STREAM, STREAM_KINDS, Event, Quote, State

#: Fields are only ever appended: what stands here never changes, it only grows at the end of a line.
FIELDS = {
    "q": "symbol bid bid_size ask ask_size ts recv source seq",
    "t": "symbol price size side id ts recv flag",
    "b": "symbol bids asks seq ts recv source",
    "d": "symbol bands total_bid_size total_ask_size ts recv",
    "m": "symbol mark index ts recv source",
    "f": "symbol rate interval_h next_ts funding_index ts recv source",
    "p": "symbol rate interval_h settle_ts mark recv",
    "l": "symbol side price size ts recv id price_kind",
    "s": "symbol last volume turnover open_interest ts recv open_interest_value source",
    "x": "symbol state reason recv",
}


def test_fields_stand_in_the_documented_order() -> None:
    found = {kind.__struct_config__.tag: " ".join(kind.__struct_fields__) for kind in get_args(Event)}
    assert found == FIELDS


def test_every_kind_has_a_name_and_all_but_states_have_a_stream() -> None:
    assert set(KIND) == set(get_args(Event))
    assert set(STREAM) == set(get_args(Event)) - {State}
    assert set(STREAM.values()) == set(STREAM_KINDS)


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_an_event_never_changes(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen
    assert kind.__struct_config__.array_like


def test_a_quote_comes_from_the_socket_unless_it_says_otherwise() -> None:
    assert Quote("BTC/USDT", None, None, None, None, None, 1).source == "ws"

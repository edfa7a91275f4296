"""Entries become rows and come back the same, whatever is in them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archive.records import Entry
from shared.archive.rows import SCHEMAS, Unfit, columns_of, item_of, items_of, rows_of
from shared.codec import encode_batch
from shared.events import STREAM, STREAM_KINDS, Event, Quote, State, Trade
from shared.streams import control, market_data, signals
from tests.shared.archive.made import EVENTS, T0

EVENT_TYPES: list[type[Event]] = [*STREAM, State]
WORDS = st.text(max_size=6)
#: Text as msgpack carries it, and integers that a column holds.
EVENT: dict[type[Event], Any] = {
    kind: st.builds(
        kind,
        **{
            name: WORDS if name not in ("ts", "recv", "seq", "next_ts", "settle_ts") else st.integers(0, (1 << 63) - 1)
            for name in kind.__struct_fields__
            if name in ("symbol", "reason", "id", "price", "size", "rate", "bid", "ask", "ts", "recv", "next_ts", "seq")
        },
    )
    for kind in (Trade, Quote)
}


@pytest.mark.parametrize("kind", STREAM_KINDS)
def test_every_event_of_a_stream_comes_back(kind: str) -> None:
    key = market_data(3, "alpha", kind)
    made = [
        Entry(key, T0 + n, n, encode_batch("p", n, events)) for n, events in enumerate((EVENTS[kind], [], EVENTS[kind]))
    ]
    columns = columns_of(kind, [row for entry in made for row in rows_of(entry)])
    assert list(columns) == list(SCHEMAS[kind])
    assert list(items_of(kind, [columns])) == [item_of(entry) for entry in made]


@given(st.lists(st.lists(EVENT[Quote], max_size=4), max_size=4), st.integers(1, 5))
def test_batches_come_back_however_the_rows_are_cut(batches: list[list[Event]], size: int) -> None:
    key = market_data(0, "alpha", "quote")
    made = [Entry(key, T0, n, encode_batch("p", n, events)) for n, events in enumerate(batches)]
    rows = [row for entry in made for row in rows_of(entry)]
    chunks = [columns_of("quote", rows[at : at + size]) for at in range(0, len(rows), size)]
    assert list(items_of("quote", chunks)) == [item_of(entry) for entry in made]


@pytest.mark.parametrize(("kind", "key"), [("control", control(2)), ("signal", signals(2))])
def test_what_is_the_scanners_own_stays_bytes(kind: str, key: str) -> None:
    made = Entry(key, T0, 4, b"\x00\xff")
    assert list(items_of(kind, [columns_of(kind, rows_of(made))])) == [(T0, key, 4, b"\x00\xff")]


def test_a_column_that_an_older_file_lacks_has_its_default() -> None:
    entry = Entry(market_data(0, "alpha", "quote"), T0, 0, encode_batch("p", 0, [EVENTS["quote"][0]]))
    columns = columns_of("quote", rows_of(entry))
    del columns["seq"]
    ((_, _, _, batch),) = items_of("quote", [columns])
    assert not isinstance(batch, bytes)
    (quote,) = batch.events
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.seq) == ("43250.10", None)


@pytest.mark.parametrize(
    "events",
    [
        [Quote("A/B", "1", "1", "2", "2", None, 1 << 63)],
        [Trade("A/B", "1", "1", "buy", "1", None, 1)],
    ],
    ids=["a time beyond 63 bits", "a trade among quotes"],
)
def test_what_has_no_place_is_refused(events: list[Event]) -> None:
    with pytest.raises(Unfit):
        rows_of(Entry(market_data(0, "alpha", "quote"), T0, 0, encode_batch("p", 0, events)))

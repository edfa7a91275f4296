"""Batches and events to bytes and back."""

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import decode_batch, decode_event, decode_events, decode_head, encode_batch, encode_events, join_batch
from shared.events import Event, Quote, State, Trade

TEXT = st.text(max_size=12)
TIME = st.integers(0, 2**63 - 1)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Quote, TEXT, st.none() | TEXT, st.none() | TEXT, TEXT, TEXT, st.none() | TIME, TIME),
    st.builds(Trade, TEXT, TEXT, TEXT, st.sampled_from(["buy", "sell"]), TEXT, TIME, TIME),
    st.builds(State, st.none() | TEXT, st.sampled_from(["down", "stale", "gap", "up"]), TEXT, TIME),
)


@given(producer=TEXT, seq=st.integers(0, 2**63 - 1), events=st.lists(EVENTS, max_size=40))
def test_a_batch_comes_back_as_it_was(producer: str, seq: int, events: list[Event]) -> None:
    batch = decode_batch(encode_batch(producer, seq, events))
    assert (batch.producer, batch.seq, batch.events) == (producer, seq, events)


@given(producer=TEXT, seq=st.integers(0, 2**63 - 1), parts=st.lists(st.lists(EVENTS, max_size=20), max_size=5))
def test_a_batch_joined_from_pieces_has_the_same_bytes(producer: str, seq: int, parts: list[list[Event]]) -> None:
    whole = [event for part in parts for event in part]
    body = b"".join(map(encode_events, parts))
    assert join_batch(producer, seq, len(whole), body) == encode_batch(producer, seq, whole)
    assert decode_events(len(whole), body) == whole


def test_fields_that_a_newer_writer_appended_are_ignored() -> None:
    data = msgpack.packb(["one", 3, [["x", "BTC/USDT", "up", "", 5, "new", {"more": 1}]], "later"])
    batch = decode_batch(data)
    assert (batch.seq, batch.events) == (3, [State("BTC/USDT", "up", "", 5)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\x93\xa4\x00\x00\x00\x80",
        msgpack.packb({}),
        msgpack.packb(["one", 0]),
        msgpack.packb(["one", 0, [["?", 1]]]),
    ],
)
def test_what_is_no_batch_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_batch(data)


@given(data=st.binary(max_size=80))
def test_no_bytes_make_a_decoder_raise_anything_else(data: bytes) -> None:
    for decode in (decode_batch, decode_event, decode_head):
        try:
            decode(data)
        except msgspec.DecodeError:
            continue

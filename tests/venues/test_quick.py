"""What is decoded many frames at a time is what is decoded frame by frame."""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.messages import Message
from services.collector.table import Table
from services.collector.venue import DecoderOptions, nothing_quick
from services.collector.venues import VENUES
from shared.events import KIND
from tests.venues.anything import frames, table
from tests.venues.recordings import HERE

QUICK = [name for name in VENUES if VENUES[name].quick is not nothing_quick]


@cache
def instruments(venue: str) -> list[Table]:
    return [table(venue, path.parent.name) for path in sorted((HERE / venue).glob("*/instruments.json"))]


@cache
def recorded(venue: str) -> list[bytes]:
    return [one.frame for one in frames(venue) if one.request is None]


@pytest.mark.parametrize("venue", QUICK)
@given(data=st.data())
@settings(max_examples=200)
def test_frames_of_one_read_make_the_same_events_together_and_singly(venue: str, data: st.DataObject) -> None:
    record = VENUES[venue]
    read = data.draw(st.lists(st.sampled_from(recorded(venue)), max_size=12))
    for number, frame in enumerate(read):
        if data.draw(st.integers(0, 3)) == 0:
            at, length = data.draw(st.integers(0, len(frame))), data.draw(st.integers(0, 4))
            read[number] = frame[:at] + data.draw(st.binary(max_size=4)) + frame[at + length :]
    endpoint = data.draw(st.sampled_from(record.endpoints))
    channels = [one.name for one in record.channels if "quote" in one.makes]
    quotes = {endpoint.market: data.draw(st.sampled_from(channels))} if endpoint.market and channels else {}
    made_for = data.draw(st.sampled_from(instruments(venue))), DecoderOptions(endpoint.name, endpoint.market, quotes)
    together, left = record.quick(*made_for)(read, 7)
    decode = record.decoder(*made_for)
    singly = [(frame, decode(frame, 7)) for frame in read]

    rest = iter(left)
    following = next(rest, None)
    quick: list[Message] = []
    for frame, messages in singly:  # what was left is left in order; what was not is all events, in order
        if frame == following:
            following = next(rest, None)
        else:
            quick += messages
    assert following is None
    assert together == quick
    assert all(type(event) in KIND for event in together)


@pytest.mark.parametrize("venue", QUICK)
def test_most_of_what_comes_most_is_decoded_together(venue: str) -> None:
    record = VENUES[venue]
    for endpoint in record.endpoints:
        channels = [c.name for c in record.channels if c.endpoint == endpoint.name and c.makes == ("quote",)]
        if not channels:
            continue
        options = DecoderOptions(endpoint.name, endpoint.market)
        made = [
            record.quick(found, options)([frame], 7)[0] for found in instruments(venue) for frame in recorded(venue)
        ]
        assert any(made), endpoint.name


@pytest.mark.parametrize("venue", QUICK)
def test_two_numbers_where_one_should_be_are_no_number(venue: str) -> None:
    """The numbers of many frames are checked with spaces between them: one that brings its own is found out."""
    record, tried = VENUES[venue], 0
    for endpoint in record.endpoints:
        for found in instruments(venue):
            quick = record.quick(found, DecoderOptions(endpoint.name, endpoint.market))
            for frame in recorded(venue):
                broken = re.sub(rb'"(\d+\.\d+)"', rb'"1 \1"', frame, count=1)
                if broken != frame and quick([frame], 7)[0]:
                    tried += 1
                    assert quick([broken], 7) == ([], [broken])
    assert tried

"""What the property tests of all decoders share: the instruments and frames of their cases, and input of every kind."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import strategies as st

from services.collector.capture import Captured, read
from services.collector.messages import Message, Replayed
from services.collector.naming import resolve_collisions
from services.collector.table import Table
from services.collector.venues import VENUES
from shared.codec import encode_event
from shared.events import KIND
from tests.venues.recordings import HERE

#: prices and sizes as exchanges write them
PRICES = st.decimals(min_value="0.00000001", max_value="99999999", places=8).map(lambda d: format(d, "f"))


def bodies(venue: str, case: str) -> dict[str, bytes]:
    """The listing bodies of a case, by call."""
    path = HERE / venue / case / "instruments.json"
    found = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    return {call: bytes(body) for call, body in found.items()}


def table(venue: str, case: str) -> Table:
    """The instruments of a case."""
    found = bodies(venue, case)
    return Table(resolve_collisions(VENUES[venue].listing(found)), VENUES[venue].outside(found))


def frames(venue: str, case: str = "*") -> list[Captured]:
    """The frames and REST answers of one case or of all, as the decoder gets them."""
    found: list[Captured] = []
    for path in sorted((HERE / venue).glob(f"{case}/frames.jsonl")):
        with path.open("rb") as handle:
            found += [one for one in read(handle) if one.skipped is None]
    return found


def check(messages: Sequence[Message]) -> None:
    """At least one message, and every event can go on the bus."""
    assert messages
    for message in messages:
        event = message.event if isinstance(message, Replayed) else message
        if type(event) in KIND:
            encode_event(event)  # type: ignore[arg-type]
        else:
            msgspec.msgpack.encode(event)


def scalars(*texts: str) -> st.SearchStrategy[Any]:
    """Any value without parts; `texts` are those that a venue may know. Odd numbers are among them."""
    odd = ["-1", "1e9", "1e-400", "", "0", "00", ".5", "5.", "NaN", "9" * 19, "9" * 80]
    one_of = [st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)]
    return st.one_of(*one_of, st.sampled_from([*odd, *texts]))


def values(simple: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Any JSON value whose objects have a venue's own keys."""
    return st.recursive(
        simple, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=8), max_leaves=20
    )


@st.composite
def damaged(draw: st.DrawFn, found: Sequence[Captured]) -> Captured:
    """A real frame of which up to twelve bytes are missing, or others."""
    one = draw(st.sampled_from(found))
    start = draw(st.integers(0, len(one.frame)))
    end = draw(st.integers(start, min(len(one.frame), start + 12)))
    return replace(one, frame=one.frame[:start] + draw(st.binary(max_size=12)) + one.frame[end:])

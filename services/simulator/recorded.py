"""What a venue says about sessions recorded from it, so that they can be played: which frame belongs to which topic.

A frame belongs to a *family*: what a client subscribes to, without the pace that it asks for (a book every 100 ms and
the same book every 500 ms are one family). The family is a text of the venue's own making.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from services.simulator.listing import Listed, Market
from services.simulator.wire import Request

if TYPE_CHECKING:
    from services.simulator.hub import Topic

Params = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Frame:
    """One recorded frame: `at` seconds after its session's start, and the payload a client of its family gets."""

    at: float
    venue: str
    family: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded REST answer. `params`: the query, and the fields of the JSON object that was posted."""

    at: float
    venue: str
    host: str
    path: str
    params: Params
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A venue's recorded sessions. All functions are pure and never raise.

    `family(host, frame)`: the family and the payload of a frame, None for what is no data (acknowledgements, pongs);
    `host` is the address or the connection's name, empty where the recording has none.
    `topic(topic)`: the family of a topic that a client follows.
    `listed(answer)`: the instruments of a listing's body, made with `silent`; nothing for another body.
    `instruments(family)`: what a family may be of, likeliest first; one of them is made where the listings have none.
    `looks(frame)`: whether a frame without a host has this venue's form. `rest(path)`: the same for an answer.
    `empty(request)`: the answer to a question that was not recorded.
    `loose`: parameters whose difference does not matter where the same question was not recorded, tried one group
    after the other.
    """

    family: Callable[[str, bytes], tuple[str, bytes] | None]
    topic: "Callable[[Topic], str]"
    listed: Callable[[Answer], Sequence[Listed]]
    instruments: Callable[[str], Sequence[Listed]]
    looks: Callable[[bytes], bool]
    rest: Callable[[str], bool]
    empty: Callable[[Request], bytes]
    loose: Sequence[frozenset[str]] = (frozenset({"limit"}),)


def silent(venue: str, market: Market, native: str, base: str = "", quote: str = "", number: int = -1) -> Listed:
    """An instrument that exists and has no price of its own."""
    row = Listed(venue, market, native, native, base, quote, 1.0, 0, 2, 2, status="closed", collectable=False)
    row.number = number
    return row


def objects(body: bytes, name: str) -> list[dict[str, object]]:
    """The objects in the array `name` of a JSON body, none where it has no such array."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(fields.get(name, b"[]"), type=list[dict[str, object]])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return []


def texts(fields: Mapping[str, object]) -> Params:
    """Parameters as they are compared: texts as they are, anything else as JSON."""
    return frozenset(
        (name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
        for name, value in fields.items()
    )


def posted(body: bytes) -> Params:
    """The fields of a JSON object that was posted; a body of another form is one field without a name."""
    try:
        return texts(msgspec.json.decode(body, type=dict[str, object])) if body else frozenset()
    except (msgspec.DecodeError, msgspec.ValidationError):
        return frozenset({("", body.decode("utf-8", "replace"))})


def asked(request: Request) -> Params:
    """What a request asks for: its query, and the fields that it posts."""
    return frozenset(request.query.items()) | posted(request.body)

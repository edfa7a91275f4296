"""GRVT's answers to requests, and topics as text: `stream:selector`, as in `v1.mini.d:BTC_USDT_Perp@0`.

Requests are JSON-RPC 2.0; answers of the older form, which recordings hold, have `request_id` and `subs` instead.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.collector.messages import Ack, Message, Refused, Unknown
from services.collector.typed_rows import UNREADABLE
from services.collector.venues.grvt.shapes import begins

EMPTY: Final = "empty"
_SEQUENCE: Final = re.compile("[1-9][0-9]{0,17}").fullmatch
#: too many requests for the account's tier
RATE_LIMITED: Final = "1006"
BAD_SHAPE: Final = "bad_shape"


class Subscribed(msgspec.Struct):
    """What a subscribe or unsubscribe was answered with."""

    stream: str
    subs: list[str] | None = None
    unsubs: list[str] | None = None
    first_sequence_number: list[str | int] | None = None


class Failed(msgspec.Struct):
    """An error, of a request or of a REST call."""

    code: int | str
    message: str | None = None


_subscribed: Final = msgspec.json.Decoder(Subscribed)
_failed: Final = msgspec.json.Decoder(Failed)
_number: Final = msgspec.json.Decoder(int)


def topic_text(stream: str, selector: str) -> str:
    return f"{stream}:{selector}"


def request_frame(method: str, topics: Sequence[str], number: int) -> bytes:
    """One request for topics of one stream: a frame can name no more."""
    streams = {topic.partition(":")[0] for topic in topics}
    if len(streams) != 1:
        raise ValueError(f"one request is for one stream, got {sorted(streams)}")
    params = {"stream": streams.pop(), "selectors": [topic.partition(":")[2] for topic in topics]}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params, "id": number})


def accepted(result: msgspec.Raw | bytes, number: msgspec.Raw | None) -> list[Message]:
    """An acknowledgement for each topic that the answer names, come or gone."""
    try:
        read = _subscribed.decode(result)
    except UNREADABLE:
        return [Unknown(BAD_SHAPE)]
    asked = number_of(number)
    named = (*(read.subs or ()), *(read.unsubs or ()))
    return [Ack(topic_text(read.stream, one), asked) for one in named] or [Unknown(EMPTY)]


def note(told: dict[str, int], result: msgspec.Raw | bytes) -> None:
    """Keep the number before the first delta of each topic that an answer names, until the topic is let go."""
    try:
        read = _subscribed.decode(result)
    except UNREADABLE:
        return
    for selector, number in zip(read.subs or (), read.first_sequence_number or (), strict=False):
        first = str(number)
        if _SEQUENCE(first):
            told[topic_text(read.stream, selector)] = int(first) - 1
    for selector in read.unsubs or ():
        told.pop(topic_text(read.stream, selector), None)


def refused(error: msgspec.Raw | bytes, number: msgspec.Raw | None) -> list[Message]:
    """A refusal names no topic: its id tells what was asked."""
    try:
        read = _failed.decode(error)
    except UNREADABLE:
        return [Unknown(BAD_SHAPE)]
    return [Refused(None, number_of(number), str(read.code), read.message or "", busy=str(read.code) == RATE_LIMITED)]


def number_of(raw: msgspec.Raw | None) -> int | None:
    """The id of a request of ours; None where it is none."""
    try:
        found = None if raw is None else _number.decode(raw)
    except UNREADABLE:
        return None
    return found if found is not None and 0 <= found < 1 << 63 else None


def is_request(keys: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a client sent it: a request of either form, or the body of a REST request."""
    if "params" in keys or ("feed" in keys and begins(keys["feed"], b"[")):
        return True
    return keys.keys() <= _ASKED


#: what REST requests ask with, in both encodings
_ASKED: Final = frozenset(
    {"instrument", "is_active", "kind", "base", "quote", "limit", "depth", "start_time", "end_time", "cursor"}
    | {"interval", "type", "agg_type", "i", "ia", "k", "b", "q", "l", "d", "st", "et", "c", "i1", "t", "at"}
)

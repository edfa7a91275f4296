"""Paradex's answers to requests: JSON-RPC 2.0 in text frames. A topic's name is the channel's own text.

A request names one channel and has a number, which its answer repeats. A refusal names nothing but that number.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.collector.messages import Ack, Message, Refused, Unknown
from services.collector.typed_rows import UNREADABLE

#: a channel that was asked for twice is refused the second time: it stands (the documentation does not give the text)
STANDING: Final = re.compile("already|duplicate", re.IGNORECASE)
METHODS: Final = frozenset({"subscribe", "unsubscribe", "auth"})


class Params(msgspec.Struct):
    """What a request or an old push carries: `data` is the push's."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class Result(msgspec.Struct):
    channel: str = ""
    node_id: str = ""


class Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    data: Any = None


class Answer(msgspec.Struct):
    """Everything a JSON-RPC frame may be. The id is a number of ours; other clients send texts."""

    jsonrpc: str
    method: str = ""
    params: Params | None = None
    result: Result | None = None
    error: Error | None = None
    id: int | str | None = None


class Named(msgspec.Struct):
    """As much of an old push's row as names its market."""

    market: str = ""
    symbol: str = ""


_named: Final = msgspec.json.Decoder(Named)


def answer(read: Answer) -> list[Message]:
    """An answer's one message; a push in JSON is of the time before the binary frames."""
    number = number_of(read.id)
    if read.error is not None:
        error = read.error
        detail = ": ".join(str(part) for part in (error.message, error.data) if part)
        if number is not None and STANDING.search(detail):
            return [Ack(None, number)]
        return [Refused(None, number, None if error.code is None else str(error.code), detail)]
    if read.result is not None:
        if read.result.channel:
            return [Ack(read.result.channel, number)]
        return [Unknown("auth" if read.result.node_id else "bad_shape")]
    if read.method == "subscription":
        return [Unknown("old_api", native_of(read.params))]
    return [Unknown("client_frame" if read.method in METHODS else "bad_shape")]


def number_of(number: int | str | None) -> int | None:
    """The number of a request, where it is one."""
    text = str(number)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def native_of(params: Params | None) -> str | None:
    try:
        row = _named.decode(params.data) if params is not None else Named()
    except UNREADABLE:
        return None
    return row.market or row.symbol or None


def request_frame(method: str, topics: Sequence[str], number: int) -> bytes:
    """One request; the exchange takes one channel in each."""
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": {"channel": topics[0]}, "id": number})

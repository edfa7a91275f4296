"""Lighter's frames, socket and REST, to messages.

A push names its channel, `channel:market id`, and whether it is the first of its subscription (`subscribed/…`, which
answers the request) or a change (`update/…`). Frames without a channel are answers; a REST answer has a `code`
(`decode_rest.py`).

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from typing import Final

import msgspec

from services.collector.messages import Ack, Answer, Closing, Message, Pong, Refused, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.lighter import rows
from services.collector.venues.lighter.decode_rest import Rest
from services.collector.venues.lighter.reading import Reader, market_of, native_of
from services.collector.venues.lighter.shapes import Error, Frame, TickerFrame

#: codes of refusals: the first two say that it is as we want it, the last two that we ask too much at once
NOT_SUBSCRIBED: Final = "30002"
ALREADY_SUBSCRIBED: Final = "30003"
BUSY: Final = frozenset({"30009", "30010"})
SUBSCRIBED: Final = "subscribed/"
UPDATE: Final = "update/"

_TICKER_PREFIX: Final = b'{"channel":"ticker:'

_frame: Final = msgspec.json.Decoder(Frame)
_ticker: Final = msgspec.json.Decoder(TickerFrame)


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader, rest = Reader(table), Rest(table)
    read_ticker = _ticker.decode
    ticker_at = len("ticker:")

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(frame, recv, request)
        if not frame.startswith(_TICKER_PREFIX):
            return general(frame, recv)
        try:
            hot = read_ticker(frame)
        except UNREADABLE:
            return general(frame, recv)
        if hot.type != "update/ticker":
            return general(frame, recv)
        native = hot.channel[ticker_at:]
        listed = reader.find(native)
        if listed is None:
            return [reader.missing(native)]
        at = hot.ticker.last_updated_at or hot.last_updated_at
        try:
            return [rows.quote(hot.ticker, listed, None if at is None else at * rows.US, recv, hot.nonce)]
        except BadNumber:
            return [Unknown("bad_number", native)]

    def general(frame: bytes, recv: int) -> list[Message]:
        try:
            read = _frame.decode(frame)
        except msgspec.ValidationError:
            native = native_of(frame)
            return rest(frame, recv, None) if native is None else [Unknown("bad_shape", native)]
        except UNREADABLE:
            return [Unknown("not_json")]
        if read.error is not None:
            return [refused(read.error)]
        if read.type.startswith((SUBSCRIBED, UPDATE)):
            first = read.type.startswith(SUBSCRIBED)
            made = reader.push(read, recv, first=first)
            return [Ack(read.channel), *made] if first else made or [Unknown("empty", market_of(read.channel))]
        told = answer(read) if read.type else None
        return rest(frame, recv, None) if told is None else [told]

    return decode


def answer(read: Frame) -> Message | None:
    """What is neither data nor a refusal; None for what is no frame of the socket."""
    kind = read.type
    if kind in ("connected", "unsubscribed"):
        return Ack()  # it proves no topic
    if kind == "pong":
        return Pong()
    if kind == "ping":
        return Answer('{"type":"pong"}')
    if kind == "shutdown":
        return Closing("shutdown announced")
    if kind in ("subscribe", "unsubscribe"):
        return Unknown("client_frame")
    if kind.startswith("jsonapi/"):
        return Unknown("unused_answer")  # the answer to a transaction
    return Unknown("unused_channel") if read.channel else None


def refused(error: Error) -> Message:
    """A refusal names the channel at the end of its text, if at all."""
    code, text = None if error.code is None else str(error.code), error.message or ""
    if code == ALREADY_SUBSCRIBED:
        topic = text.rpartition(" ")[2]
        return Ack(topic) if ":" in topic[:-1] else Ack()
    if code == NOT_SUBSCRIBED:
        return Ack()
    return Refused(None, None, code, text, busy=code in BUSY)

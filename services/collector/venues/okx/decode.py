"""OKX's frames, socket and REST, to messages.

A push is `{"arg": {"channel", "instId" | "instType"}, "action"?, "data": [row, ...]}`: the channel says what the rows
are. An answer to a request has `event`; the old interface's frames have `table`; a REST answer has `code` and `data`
(`decode_rest.py`).

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from typing import Final

import msgspec

from services.collector.messages import Message, Pong, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.okx import reading, rows
from services.collector.venues.okx.answers import Answer, Arg, answer
from services.collector.venues.okx.decode_rest import rest
from services.collector.venues.okx.reading import BEST, CHANNELS, LISTED_ROWS, Named, Reader, best, books, native_of
from shared.instruments import Market

#: pictures of fixed depth, without `action`: the levels of a side
PICTURES: Final = {"books5": 5}
#: a snapshot, then changes: the levels at which the exchange keeps a side
DIFFS: Final = {"books": 400, "books50-l2-tbt": 50, "books-l2-tbt": 400, "books-rpi": 400, "books-elp": 400}

MARKETS: Final[tuple[Market, ...]] = ("spot", "perp")
_BEST_PREFIX: Final = b'{"arg":{"channel":"bbo-tbt"'


class Frame(Answer):
    """Everything a frame may be; `data` is read by the channel's own types."""

    action: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    table: str = ""


class BestFrame(msgspec.Struct, gc=False):
    """The hot one: a push of `bbo-tbt`."""

    arg: Arg
    data: list[rows.BookRow]


_frame: Final = msgspec.json.Decoder(Frame)
_best: Final = msgspec.json.Decoder(BestFrame)


def push(reader: Reader, frame: Frame, arg: Arg, recv: int) -> list[Message]:
    """The messages of one push of any channel."""
    channel = arg.channel
    if channel == "instruments":
        return relists(frame.data)
    if channel in PICTURES:
        return books(reader, arg.inst_id, frame.data, "snapshot", recv, "ws", PICTURES[channel])
    if channel in DIFFS:
        if frame.action not in ("snapshot", "update"):
            return [Unknown("bad_shape", arg.inst_id)]
        return books(reader, arg.inst_id, frame.data, frame.action, recv, "ws", DIFFS[channel])
    if channel == BEST:
        return best(reader, arg.inst_id, reading.BOOK_ROWS.read(frame.data), recv)
    known = CHANNELS.get(channel)
    if known is None:
        return [Unknown("unused_channel", arg.inst_id or None)]
    read, make = known
    return make(reader, read.read(frame.data), recv, "ws")


def relists(data: bytes | msgspec.Raw) -> list[Message]:
    """A push of changed instruments: which one, or None for several (as the first push after a subscribe is)."""
    found = LISTED_ROWS.read(data)
    named = [row.inst_id for row in found if isinstance(row, Named)]
    if not named:
        return [Unknown("bad_shape" if found else "empty")]
    return [Relist(named[0] if len(named) == 1 else None, "instruments pushed")]


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table, options)
    perps, spots, read_best = table.perp.get, table.spot.get, _best.decode
    quoting = {market: reader.quote_channel.get(market, BEST) == BEST for market in MARKETS}

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(reader, frame, recv, request)
        if not frame.startswith(_BEST_PREFIX):
            return general(frame, recv)
        try:
            hot = read_best(frame)
        except UNREADABLE:
            return general(frame, recv)
        native = hot.arg.inst_id
        listed = perps(native) or spots(native)
        if listed is None or len(hot.data) != 1 or not quoting[listed.instrument.market]:
            return best(reader, native, hot.data, recv) or [Unknown("empty", native)]
        try:
            return [rows.top(hot.data[0], listed, recv)]
        except BadNumber:
            return [Unknown("bad_number", native)]

    def general(frame: bytes, recv: int) -> list[Message]:
        if frame == b"pong":
            return [Pong()]
        try:
            read = _frame.decode(frame)
        except msgspec.ValidationError:
            return [Unknown("bad_shape", native_of(frame))]
        except UNREADABLE:
            return [Unknown("not_json")]
        if read.event:
            return answer(read)
        if read.table:
            return [Unknown("old_api", first_native(read.data))]
        if read.arg is not None:
            return push(reader, read, read.arg, recv) or [Unknown("empty", read.arg.inst_id or None)]
        if read.op:
            return [Unknown("client_frame")]
        return rest(reader, frame, recv, None)

    return decode


def first_native(data: bytes | msgspec.Raw) -> str | None:
    found = LISTED_ROWS.read(data)
    row = found[0] if found else None
    return (row.inst_id or row.instrument_id) if isinstance(row, Named) else None

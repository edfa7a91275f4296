"""Hyperliquid's frames, socket and REST, to messages.

A frame is `{"channel": ..., "data": ...}`: the channel says what the data is, and the data names its coins. What has no
channel is a REST body (`decode_rest.py`), or a request of a client.

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from services.collector.messages import Message, Pong, Unknown
from services.collector.normalise import POSITIVE_FOUR
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.hyperliquid import answers, reading, rows
from services.collector.venues.hyperliquid.decode_rest import rest
from services.collector.venues.hyperliquid.reading import Reader
from shared.events import Quote

_BBO_PREFIX: Final = b'{"channel":"bbo"'


class Frame(msgspec.Struct):
    """What any frame may be."""

    channel: str = ""
    method: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class BboFrame(msgspec.Struct, gc=False):
    """The hot one."""

    data: rows.BboRow


Read = Callable[[Reader, msgspec.Raw, int], Sequence[Message]]

_frame: Final = msgspec.json.Decoder(Frame)
_hot: Final = msgspec.json.Decoder(BboFrame)

#: channel -> how to read its data
CHANNELS: Final[dict[str, Read]] = {
    answers.BBO: reading.best,
    answers.BOOK: lambda reader, data, recv: reading.book(reader, data, recv, "ws"),
    answers.TRADES: lambda reader, data, recv: reading.trades(reader, data, recv, "ws"),
    answers.CONTEXT: reading.context,
    answers.SPOT_CONTEXT: reading.context,
    answers.CONTEXTS: reading.contexts,
    answers.FAST: reading.fast,
    "error": lambda _reader, data, _recv: answers.error(data),
    "pong": lambda _reader, _data, _recv: [Pong()],
}


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table, options)
    perps, spots, read = table.getter("perp"), table.getter("spot"), _hot.decode
    quoting = reader.quoting

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return list(rest(reader, frame, recv, request))
        if not frame.startswith(_BBO_PREFIX):
            return list(general(reader, frame, recv))
        try:
            row = read(frame).data
        except UNREADABLE:
            return list(general(reader, frame, recv))
        listed, sides = perps(row.coin) or spots(row.coin), row.bbo
        if listed is not None and listed.plain and len(sides) == 2 and quoting[listed.instrument.market]:
            bid, ask = sides
            if bid is not None and ask is not None and POSITIVE_FOUR(f"{bid.px} {bid.sz} {ask.px} {ask.sz}"):
                return [Quote(listed.symbol, bid.px, bid.sz, ask.px, ask.sz, row.time * rows.MS, recv)]
        return list(general(reader, frame, recv))

    return decode


def general(reader: Reader, frame: bytes, recv: int) -> Sequence[Message]:
    """Every frame but the hot one, and that too."""
    try:
        read = _frame.decode(frame)
    except msgspec.ValidationError:
        return rest(reader, frame, recv, None) if frame.lstrip().startswith(b"[") else [Unknown("bad_shape")]
    except UNREADABLE:
        return [Unknown("not_json")]
    if read.channel == "subscriptionResponse":
        return subscribed(reader, read.data)
    if read.channel:
        make = CHANNELS.get(read.channel)
        return make(reader, read.data, recv) if make is not None else [Unknown("unused_channel")]
    if read.method:
        return [Unknown("client_frame")]
    return rest(reader, frame, recv, None)


def subscribed(reader: Reader, data: msgspec.Raw) -> list[Message]:
    """An answer. Trades that are subscribed anew begin anew."""
    topic = answers.subscribed(data)
    if topic is not None:
        channel, _, coin = topic.partition(":")
        if channel == answers.TRADES:
            reader.started.discard(coin)
    return answers.answer(data)

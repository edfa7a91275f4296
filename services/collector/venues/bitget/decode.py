"""Bitget's frames, socket and REST, v2 and v3, to messages.

A push has `arg` and `data` (`reading.py`), an answer to a request `event` (`topics.py`), a REST answer `code`
(`decode_rest.py`); what the retired v1 and its predecessor sent is told by its product names and by `table`.

Never raises: what cannot be read is one `Unknown` with its reason, and the good rows of its frame are kept.
"""

from typing import Final

import msgspec

from services.collector.messages import Message, Pong, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.bitget import rows
from services.collector.venues.bitget.decode_rest import rest
from services.collector.venues.bitget.reading import ACTIONS, BEST, Reader, push
from services.collector.venues.bitget.shapes import BestPush, Frame, native_of
from services.collector.venues.bitget.topics import MARKET, SETTLE, answer

#: how a push of the quote channel is told: its name is among the first bytes
_BEST_NAME: Final = b'"channel":"books1"'
_HEAD: Final = 96

_frame: Final = msgspec.json.Decoder(Frame)
_best: Final = msgspec.json.Decoder(BestPush)


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table, options)
    quoting = {market: reader.quote_channel(market) == BEST for market in MARKET.values()}
    #: product -> how to look up, what its instruments settle in; only where this channel makes the quotes
    products = {
        product: (table.getter(market), SETTLE.get(product)) for product, market in MARKET.items() if quoting[market]
    }
    read_best, top, nowhere = _best.decode, rows.top, (lambda native: None, None)

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(reader, frame, recv, request)
        if frame.find(_BEST_NAME, 0, _HEAD) < 0:
            return general(frame, recv)
        try:
            hot = read_best(frame)
        except UNREADABLE:
            return general(frame, recv)
        arg, found = hot.arg, hot.data
        get, settle = products.get(arg.inst_type, nowhere)
        listed = get(arg.inst_id)
        if listed is None or len(found) != 1 or listed.instrument.settle != settle or hot.action not in ACTIONS:
            return general(frame, recv)
        try:
            return [top(found[0], listed, recv)]
        except BadNumber:
            return general(frame, recv)

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
            return [Unknown("old_api")]
        if read.arg is not None:
            native = read.arg.inst_id or read.arg.symbol
            return push(reader, read.action, read.arg, read.data, recv) or [Unknown("empty", native or None)]
        if read.op:
            return [Unknown("client_frame")]
        return rest(reader, frame, recv, None)

    return decode

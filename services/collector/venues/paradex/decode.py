"""Paradex's frames, socket and REST, to messages.

Data comes in binary frames (sbe.py) that name their market and their kind, never the channel; answers to requests come
in text (answers.py). A REST answer is `{"results": [...]}` or an order book (decode_rest.py).

Never raises: what cannot be read is one `Unknown` with its reason.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

import msgspec

from services.collector.messages import Ack, Message, Pong, Refused, Unknown
from services.collector.normalise import BadNumber, scaled
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Decode, DecoderOptions, Request
from services.collector.venues.paradex import events, sbe
from services.collector.venues.paradex.answers import Answer, answer
from services.collector.venues.paradex.decode_rest import rest
from services.collector.venues.paradex.reading import BBO, FORCED, PUBLIC, SUMMARIES, Reader
from services.collector.venues.paradex.sbe import DECIMALS, Malformed
from shared.events import Quote
from shared.instruments import Market

MARKETS: Final[tuple[Market, ...]] = ("spot", "perp")
#: block 48, template 2, schema 1: a best bid and offer as it has always been
_BEST_PREFIX: Final = b"\x30\x00\x02\x00\x01\x00"
_BEST: Final = Struct("<8x6qB")
_TEXT_AT: Final = 57
#: what every answer begins with, and no REST body holds
JSON_RPC: Final = b'"jsonrpc"'

_answer: Final = msgspec.json.Decoder(Answer)


def binary(reader: Reader, frame: bytes, recv: int) -> list[Message]:
    """The messages of any binary frame. What is behind one that cannot be read is lost with it."""
    made: list[Message] = []
    while frame:
        try:
            one, frame = sbe.split(frame)
        except Malformed as error:
            return [*made, Unknown(error.reason, error.market)]
        made += of_one(reader, one, recv)
    return made


def of_one(reader: Reader, one: sbe.Read, recv: int) -> list[Message]:
    """What one message becomes."""
    if isinstance(one, sbe.Subscribed | sbe.Other):
        return [uncollected(one)]
    listed = reader.find(one.market)
    if listed is None:
        return [reader.missing(one.market)]
    try:
        return HANDLERS[type(one)](reader, one, listed, recv)
    except BadNumber:
        return [Unknown("bad_number", one.market)]


def uncollected(one: sbe.Subscribed | sbe.Other) -> Message:
    """A frame that is of no market, or of a channel that is not subscribed."""
    if isinstance(one, sbe.Subscribed):
        return Refused(one.channel, None, str(one.status)) if one.status else Ack(one.channel)
    return Pong() if one.template == sbe.HEARTBEAT else Unknown("unused_channel", one.market)


def best(reader: Reader, one: sbe.Best, at: Listed, recv: int) -> list[Message]:
    if not reader.quotes(BBO, at):
        return [Unknown("other_quote_channel", one.market)]
    return [events.quote(one, at, recv)]


def trade(reader: Reader, one: sbe.Trade, at: Listed, recv: int) -> list[Message]:
    """Trades come by two topics: those of one market, and those of all for the sake of what was forced."""
    if one.kind in events.OFF_BOOK:
        return [Unknown("off_book", one.market)]
    if one.kind not in events.FLAGS:
        return [Unknown("bad_shape", one.market)]
    if reader.endpoint == PUBLIC:
        return [events.trade(one, at, recv)]
    made = events.of_trade(one, at, recv)
    if reader.endpoint == FORCED:
        return made[1:] or [Unknown("unused_trade", one.market)]
    return made


def book(_reader: Reader, one: sbe.Book, at: Listed, recv: int) -> list[Message]:
    make = events.snapshot if one.package == sbe.SNAPSHOT else events.delta
    return [make(one, at, recv)]


def summary(reader: Reader, one: sbe.Summary, at: Listed, recv: int) -> list[Message]:
    """Mark, index and figures; the rate too, until the market's own rates arrive, which know their period and index."""
    out: list[Message] = []
    if reader.quotes(SUMMARIES, at):
        out.append(events.quote(one, at, recv))
    if at.instrument.market == "perp":
        marked = events.mark(one, at, recv)
        rate = None if one.market in reader.rated else events.rate_of_summary(one, at, recv)
        out += [event for event in (marked, rate) if event is not None]
    out.append(events.stats(one, at, recv))
    return out


def funding(reader: Reader, one: sbe.Funding, at: Listed, recv: int) -> list[Message]:
    if at.instrument.market != "perp":
        return [Unknown("out_of_scope", one.market)]
    made = events.funding(one, at, recv)
    reader.rated.add(one.market)
    return [made]


HANDLERS: Final[dict[type, Callable[[Reader, Any, Listed, int], list[Message]]]] = {
    sbe.Best: best,
    sbe.Trade: trade,
    sbe.Book: book,
    sbe.Summary: summary,
    sbe.Funding: funding,
}


def text(reader: Reader, frame: bytes, recv: int) -> list[Message]:
    """An answer, a push of the old interface, or a REST body without its request."""
    try:
        read = _answer.decode(frame)
    except msgspec.ValidationError:
        return [Unknown("bad_shape")] if JSON_RPC in frame else rest(reader, frame, recv, None)
    except UNREADABLE:
        return [Unknown("not_json")]
    return answer(read)


def decoder(table: Table, options: DecoderOptions) -> Decode:
    """Makes the `decode` of one connection, or of REST answers."""
    reader = Reader(table, options)
    perps, spots, unpack = table.getter("perp"), table.getter("spot"), _BEST.unpack_from
    quoting = {market: reader.quote_channel.get(market, BBO) == BBO for market in MARKETS}

    def decode(frame: bytes, recv: int, request: Request | None = None) -> list[Message]:
        if request is not None:
            return rest(reader, frame, recv, request)
        if not frame.startswith(_BEST_PREFIX) or len(frame) < _TEXT_AT:
            return binary(reader, frame, recv) if sbe.is_binary(frame) else text(reader, frame, recv)
        ts, seq, bid, bid_size, ask, ask_size, length = unpack(frame)
        try:
            native = frame[_TEXT_AT : _TEXT_AT + length].decode()
        except UnicodeDecodeError:
            return [Unknown("bad_shape")]
        listed = perps(native) or spots(native)
        if (
            listed is None
            or listed.price_shift is None
            or listed.size_shift is None
            or not quoting[listed.instrument.market]
            or not (bid > 0 and bid_size > 0 and ask > 0 and ask_size > 0 and 0 < ts <= events.LATEST_US)
            or len(frame) != _TEXT_AT + length
        ):
            return binary(reader, frame, recv)
        places, lots = DECIMALS - listed.price_shift, DECIMALS - listed.size_shift
        number = seq if seq != sbe.NULL else None
        return [
            Quote(
                listed.symbol,
                scaled(bid, places),
                scaled(bid_size, lots),
                scaled(ask, places),
                scaled(ask_size, lots),
                ts * 1000,
                recv,
                "ws",
                number,
            )
        ]

    return decode

"""What a decoder returns: events (`shared.events`) or one of these. A decoder never raises."""

from collections.abc import Iterator
from typing import Final

import msgspec

from shared.events import Event, Level, Liquidation, Trade

#: a frame of more rows than this may come as `Rows`
ROWS_AT_ONCE: Final = 32


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The venue accepted a subscription, by topic or by the id of the frame that asked."""

    topic: str | None = None
    id: int | None = None


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The venue refused a subscription, a frame or a REST call.

    `busy`: it was too much at once, and nothing is wrong with what was asked for. `whole`: with the topic that it names
    all others of the same frame were refused, for no fault of theirs (a topic that is live already is let be).
    """

    topic: str | None = None
    id: int | None = None
    code: str | None = None
    reason: str = ""
    busy: bool = False
    whole: bool = False


class Pong(msgspec.Struct, frozen=True, gc=False):
    """An answer to our application-level ping."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The venue asks for a sign of life in a frame of its own, and wants this text in return."""

    text: str


class Closing(msgspec.Struct, frozen=True, gc=False):
    """The venue says that it will close this connection: open another one before it does."""

    reason: str


class Relist(msgspec.Struct, frozen=True, gc=False):
    """The venue says that its instruments changed: fetch the listing again. `native` None: several."""

    native: str | None
    reason: str


class Lost(msgspec.Struct, frozen=True, gc=False):
    """A change was lost, so what a topic says of a symbol is not known any more (a book's sync finds that out itself).

    The topic that brings this stream is said to be down, and asked for anew, which begins with the whole again: it must
    be the symbol's own. Where a topic of a whole market loses a change, the connection ends (`Closing`).
    """

    symbol: str
    stream: str
    reason: str


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A row or frame that makes no event, with the reason it is counted under and the native symbol if it has one."""

    reason: str
    native: str | None = None


class Rows(msgspec.Struct, frozen=True):
    """The messages of a frame of many rows, made as they are taken: where a connection takes its time with them."""

    messages: "Iterator[Message]"


class Replayed(msgspec.Struct, frozen=True, gc=False):
    """A row that the venue sends again on subscribing: published only if newer than the topic's last live row."""

    event: Trade | Liquidation


class BookSnapshot(msgspec.Struct, frozen=True):
    """A whole book of one instrument, in normalised prices and sizes, best first as the venue sent it.

    `seq` is the venue's number of the last change in it. `limit`: how many levels a side may have; a side with as many
    was cut and is known only so far (None: as the venue's record says).
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    seq: int | None
    ts: int | None
    recv: int
    source: str = "ws"
    checksum: int | None = None
    #: the venue's own digits where normalising changed them: needed by checksums over the original text
    raw: tuple[tuple[Level, ...], tuple[Level, ...]] | None = None
    limit: int | None = None


class BookDelta(msgspec.Struct, frozen=True):
    """Changed levels of one book, absolute sizes, a size of zero removes the level.

    It covers the venue's sequence numbers `first_seq`..`seq`; `prev_seq` is the one before where the venue names it.
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    first_seq: int | None
    seq: int | None
    prev_seq: int | None
    ts: int | None
    recv: int
    checksum: int | None = None
    raw: tuple[tuple[Level, ...], tuple[Level, ...]] | None = None


Control = Ack | Refused | Pong | Answer | Closing | Relist | Lost | Unknown | Rows | Replayed | BookSnapshot | BookDelta
Message = Event | Control

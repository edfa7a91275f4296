"""Delta feeds kept whole: a snapshot (number 0), then only the fields that changed. One connection's state.

Procedure (the exchange's, from its description of the subscribe answer):

1. a picture has number 0, deltas have 1 and up;
2. the answer to the subscription tells the number of the first delta after the picture; where nobody saw it, that may
   be any;
3. from then on each delta names the number before it;
4. the same number again is a retry;
5. anything else is a gap, a frame that cannot be used makes one: what was known is forgotten, and known again field by
   field as they come. An unknown field is never guessed.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from services.collector.venues.grvt.shapes import Mini, Ticker

#: the number of a picture that nobody told more of, and what follows a frame that could not be used
PICTURE: Final = 0
SPOILED: Final = -1

Verdict = Literal["snapshot", "next", "doubled", "gap"]


def judge(last: int, seq: int, before: int | None) -> Verdict:
    """What a frame is to the one applied last. `before` None: the frame does not name it."""
    if seq == PICTURE:
        return "snapshot"
    if seq == last:
        return "doubled"
    if last == PICTURE or (seq == last + 1 if before is None else before == last):
        return "next"
    return "gap"


class Top:
    """What a mini ticker has said: None where it has not said yet, empty where there is none."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "index", "last", "mark", "text")

    def __init__(self, unsaid: str | None) -> None:
        self.last = PICTURE
        #: the number of the frame applied last as its text
        self.text: str | None = None
        self.bid = self.bid_size = self.ask = self.ask_size = self.mark = self.index = unsaid

    def spoil(self) -> None:
        self.last, self.text = SPOILED, None

    def sides(self) -> tuple[str, str, str, str] | None:
        """Bid, its size, ask, its size; None while any of them is not known."""
        bid, bid_size, ask, ask_size = self.bid, self.bid_size, self.ask, self.ask_size
        if bid is None or bid_size is None or ask is None or ask_size is None:
            return None
        return bid, bid_size, ask, ask_size

    def take(self, feed: Mini) -> tuple[bool, bool]:
        """Take in what a frame says: whether it spoke of the sides, whether of mark or index."""
        spoke = marked = False
        if feed.best_bid_price is not UNSET:
            self.bid, spoke = feed.best_bid_price or "", True
        if feed.best_bid_size is not UNSET:
            self.bid_size, spoke = feed.best_bid_size or "", True
        if feed.best_ask_price is not UNSET:
            self.ask, spoke = feed.best_ask_price or "", True
        if feed.best_ask_size is not UNSET:
            self.ask_size, spoke = feed.best_ask_size or "", True
        if feed.mark_price is not UNSET:
            self.mark, marked = feed.mark_price or "", True
        if feed.index_price is not UNSET:
            self.index, marked = feed.index_price or "", True
        return spoke, marked


_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ticker: Final = msgspec.json.Decoder(Ticker)
_TEXT_NONE: Final = (b'""', b"null")


class Whole:
    """A full ticker kept whole from its deltas, field by field as they were written."""

    __slots__ = ("fields", "last")

    def __init__(self) -> None:
        self.last = PICTURE
        self.fields: dict[str, msgspec.Raw] = {}

    def spoil(self) -> None:
        self.last = SPOILED

    def take(self, feed: msgspec.Raw) -> Ticker:
        """The ticker after this delta. Raises what `shapes.UNREADABLE` names, and then nothing has changed."""
        fields = self.fields | _copied(_fields.decode(feed))
        ticker = _ticker.decode(msgspec.json.encode(fields))
        self.fields = fields
        return ticker


def _copied(fields: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Values of their own, not views into the frame; what is said to be none is left as null."""
    return {
        name: msgspec.Raw(b"null") if bytes(value) in _TEXT_NONE else value.copy() for name, value in fields.items()
    }

"""Quotes compared: which is older, which is the same, and which stands still while REST says otherwise. Pure.

A quote that REST contradicts means that its topic has frozen, whatever the socket's other frames do. One look is not
enough, for REST may be the older of the two: the socket must have been silent for a while, and REST must say otherwise
twice, some time apart, while the socket's quote stays what it was.
"""

from typing import Final

from shared.events import Quote

SECOND: Final = 1_000_000_000
#: a quote younger than this is not doubted
SILENT_NS: Final = 30 * SECOND
#: between the two looks
APART_NS: Final = 15 * SECOND
#: prices that differ by less are the same: two basis points
SAME: Final = 2e-4
#: how often everything is compared
EVERY_S: Final = 60.0


class CrossCheck:
    """Of all quotes of a process; remembers those that were odd at the last look."""

    def __init__(self) -> None:
        #: symbol -> (the socket's quote, when REST first said otherwise)
        self._odd: dict[str, tuple[Quote, int]] = {}

    def frozen(self, last: Quote, rest: Quote) -> bool:
        """Whether `last`, the newest quote of a socket, has stood still while the market moved."""
        if rest.recv - last.recv < SILENT_NS or (_agree(last.bid, rest.bid) and _agree(last.ask, rest.ask)):
            self._odd.pop(rest.symbol, None)
            return False
        odd = self._odd.get(rest.symbol)
        if odd is None or odd[0] is not last:
            self._odd[rest.symbol] = (last, rest.recv)
            return False
        if rest.recv - odd[1] < APART_NS:
            return False
        del self._odd[rest.symbol]
        return True


def _agree(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(float(one) - float(other)) <= SAME * float(other)


def behind(quote: Quote, last: Quote) -> bool:
    """Whether a quote is older than the last one: by the venue's number, else by its time."""
    if quote.seq is not None and last.seq is not None:
        return quote.seq < last.seq
    if quote.ts is not None and last.ts is not None:
        return quote.ts < last.ts
    return False


def same(quote: Quote, last: Quote) -> bool:
    """The same prices, sizes, number and time."""
    return (quote.bid, quote.bid_size, quote.ask, quote.ask_size, quote.seq, quote.ts) == (
        last.bid,
        last.bid_size,
        last.ask,
        last.ask_size,
        last.seq,
        last.ts,
    )

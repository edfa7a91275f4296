"""Markets that their venue lists no more, until nothing is left of them. Pure.

A leg that has left the list is `delisted`, and shown so. It is let go, and a coin with its last leg, once it has been
off the list and without a quote for LEFT_NS of event time, and no route is pending, open or cooling on it. That falls
on a sampling instant, so whoever folds the same entries lets the same legs go at the same moment.
"""

from typing import TYPE_CHECKING, Final

from services.scanner.market import SECOND, Leg
from services.scanner.rulings import name

if TYPE_CHECKING:
    from services.scanner.fold import Fold

#: as long as the streams keep quotes
LEFT_NS: Final = 120 * SECOND


class Leaving:
    """The legs that have left their venue's list."""

    def __init__(self) -> None:
        self._since: dict[Leg, int] = {}

    def __bool__(self) -> bool:
        return bool(self._since)

    def note(self, leg: Leg, at: int) -> None:
        """This leg has left, at this event time."""
        leg.gone, leg.left = True, at
        self._since[leg] = at

    def let_go(self, fold: "Fold", at: int) -> None:
        """At an instant: those whose time is over."""
        busy = {leg for route in fold.cycle.routes.values() for leg in (route.buy, route.sell)}
        for leg, since in list(self._since.items()):
            heard = leg.quote.recv if leg.quote is not None else 0
            if not leg.gone or leg not in leg.asset.legs:
                del self._since[leg]  # listed again
            elif at - max(since, heard) >= LEFT_NS and leg not in busy:
                del self._since[leg]
                _forget(fold, leg)


def _forget(fold: "Fold", leg: Leg) -> None:
    asset = leg.asset
    asset.legs.remove(leg)
    natives, symbols = fold.natives[leg.venue], fold.venues[leg.venue]
    if natives.get((leg.market, leg.native)) is leg:
        del natives[leg.market, leg.native]
    if symbols.get(leg.symbol) is leg:
        twin = next((one for one in asset.legs if (one.venue, one.symbol) == (leg.venue, leg.symbol)), None)
        if twin is None:
            del symbols[leg.symbol]
        else:
            name(fold, twin)
    fold.judge.doubts.drop(leg)
    fold.touched.add(asset)
    if not asset.legs:
        del fold.assets[asset.name]
        fold.screen.forget(asset)

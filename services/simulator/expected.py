"""What a scenario file says of the signals that are to come of it: `[[expect]]` tables. docs/simulator.md."""

from collections.abc import Iterable

import msgspec

from services.simulator.options import OptionError
from shared.signals import CloseReason

Range = tuple[float, float]
MARKETS = ("spot", "perp")


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signals of one coin, one for each market that `buy` names with each that `sell` names (`"okx perp"`).

    `opens` and `closes` are seconds since the start, from and to; `reason` is why it closes, several if either will do;
    `edge_bps` is that of the opening. What is left out is not looked at. A signal that is named and not found, or found
    and not named, is a mistake.
    """

    coin: str
    buy: str | tuple[str, ...]
    sell: str | tuple[str, ...]
    opens: Range
    closes: Range | None = None
    reason: CloseReason | tuple[CloseReason, ...] | None = None
    edge_bps: Range | None = None

    def routes(self) -> list[tuple[tuple[str, str], tuple[str, str]]]:
        """(venue, market) bought and (venue, market) sold, of each signal."""
        buys, sells = markets(self.buy), markets(self.sell)
        return [(buy, sell) for buy in buys for sell in sells]


def markets(given: str | tuple[str, ...]) -> list[tuple[str, str]]:
    """`"okx perp"` as (venue, market)."""
    texts = (given,) if isinstance(given, str) else given
    return [(venue, market) for venue, _, market in (text.partition(" ") for text in texts)]


def check(expected: Expected, venues: Iterable[str], seconds: float) -> None:
    """Raises `OptionError` where an expectation cannot come true."""
    known = sorted(venues)
    for name in ("buy", "sell"):
        value = getattr(expected, name)
        for venue, market in markets(value):
            if venue not in known or market not in MARKETS:
                raise OptionError(f"expect: {name} {value!r}: expected a venue out of {known} and spot or perp")
    for name in ("opens", "closes", "edge_bps"):
        given: Range | None = getattr(expected, name)
        if given is not None and given[0] > given[1]:
            raise OptionError(f"expect: {name} {list(given)}: expected the lower bound first")
        if given is not None and name != "edge_bps" and not 0 <= given[0] <= seconds:
            raise OptionError(f"expect: {name} {list(given)}: expected within the {seconds:g} seconds of the scenario")
    if not expected.coin:
        raise OptionError("expect: coin '': expected the name of a coin")

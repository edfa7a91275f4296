"""Markets that are listed and do not trade, and that the fold was therefore never told of: nobody collects them.

Who asks why a coin gives no signal is told of them all the same. Pure.
"""

from collections.abc import Collection
from typing import Final

from services.scanner.control import Row
from shared.instruments import COLLECTED_QUOTES, Market, Status
from shared.signals import LegState
from shared.why import LegWhy

Key = tuple[Market, str]
#: As `Leg.state` names them; every other status is a halt.
STATES: Final[dict[Status, LegState]] = {"quarantined": "quarantined", "delisting": "delisted"}


class Idle:
    """By coin, then by venue, market and native id."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, Key], Row]] = {}
        self._coins: dict[tuple[str, Key], str] = {}

    def note(self, venue: str, key: Key, row: Row | None) -> None:
        """What an instrument is now; None: the fold knows it, or it is gone."""
        place = venue, key
        coin = self._coins.pop(place, None)
        if coin is not None:
            del self._rows[coin][place]
        if row is not None and row.status != "trading" and row.quote in COLLECTED_QUOTES:
            self._coins[place] = row.base
            self._rows.setdefault(row.base, {})[place] = row

    def of(self, coin: str) -> Collection[LegWhy]:
        return [told(venue, row) for (venue, _), row in sorted(self._rows.get(coin, {}).items())]


def told(venue: str, row: Row) -> LegWhy:
    """Such a market as an answer shows it; a status that is neither a halt nor a delisting is the reason."""
    reason = row.reason if row.status == "quarantined" else row.status
    return LegWhy(
        venue=venue,
        market=row.market,
        symbol=row.symbol,
        native=row.native,
        state=STATES.get(row.status, "halted"),
        reason=None if row.status in ("halted", "delisting") else reason,
    )

"""What is quarantined and why: by a venue's listing, or by the scanner's look at its price. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.instruments import Instrument, Market
from shared.signals import BoardRow

#: (venue, market, native id)
Place = tuple[str, Market, str]


def reasons(rows: Iterable[BoardRow]) -> dict[Place, str]:
    """Of every market on the board that is quarantined, what the scanner says."""
    return {
        (leg.venue, leg.market, leg.native): leg.reason
        for row in rows
        for leg in row.legs
        if leg.state == "quarantined" and leg.reason is not None
    }


def quarantined(listed: Iterable[Instrument], said: Mapping[Place, str]) -> list[dict[str, Any]]:
    """Those of a venue's instruments that are quarantined, each with its reason, in the order of their symbols."""
    found = []
    for one in listed:
        reason = said.get((one.venue, one.market, one.native))
        if one.status == "quarantined" or (reason is not None and one.status == "trading"):
            found.append(
                {
                    "symbol": one.native,
                    "unified_symbol": one.symbol,
                    "asset": one.asset,
                    "market": one.market,
                    "multiplier": one.multiplier,
                    "reason": reason or one.quarantine_reason,
                }
            )
    return sorted(found, key=lambda entry: (entry["unified_symbol"], entry["symbol"]))

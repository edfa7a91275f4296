"""What a venue's base name stands for: the coin and how many of it, and who keeps a name that two instruments claim.

A reviewed table of the venue's folder comes first. A name that is not in it but looks like a multiple (`1000PEPE`,
`1MBABYDOGE`, `kPEPE`, `SHIB1000`) is read by its pattern and marked unconfirmed: its instrument is quarantined until a
price check against other venues has confirmed it. `1INCH` has no such form, it is a coin.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from shared.instruments import COLLISION, UNCONFIRMED, Instrument, Status

#: base -> (asset, multiplier)
Reviewed = Mapping[str, tuple[str, str]]

_PREFIX: Final = re.compile(r"(10{3,})([^\W\d_].*)")
_MILLION: Final = re.compile(r"1M([^\W\d_]{2}.*)")
_KILO: Final = re.compile(r"k([A-Z].*)")
_SUFFIX: Final = re.compile(r"([^\W\d_]{2,})(10{3,})")


@dataclass(frozen=True, slots=True)
class Named:
    """One base name read: the coin, how many of it one unit is, and whether the reading was reviewed."""

    asset: str
    multiplier: str
    confirmed: bool


def read_pattern(base: str) -> tuple[str, str] | None:
    """(asset, multiplier) of a name that has the form of a multiple, None of a plain one."""
    if found := _PREFIX.fullmatch(base):
        return found[2].upper(), found[1]
    if found := _MILLION.fullmatch(base):
        return found[1].upper(), "1000000"
    if found := _KILO.fullmatch(base):
        return found[1].upper(), "1000"
    if found := _SUFFIX.fullmatch(base):
        return found[1].upper(), found[2]
    return None


def name(base: str, reviewed: Reviewed) -> Named:
    """Read a base name: the reviewed table first, then the pattern (unconfirmed), else the name itself."""
    known = reviewed.get(base)
    if known is not None:
        return Named(known[0], known[1], confirmed=True)
    read = read_pattern(base)
    if read is not None:
        return Named(read[0], read[1], confirmed=False)
    return Named(base.upper(), "1", confirmed=True)


def status_of(named: Named, status: Status) -> tuple[Status, str | None]:
    """Status and quarantine reason of an instrument that the venue says is in `status`.

    One that does not trade has no price to check: it keeps its status, and is quarantined once it trades.
    """
    return (status, None) if named.confirmed or status != "trading" else ("quarantined", UNCONFIRMED)


def resolve_collisions(instruments: Iterable[Instrument], holders: Mapping[str, str] | None = None) -> list[Instrument]:
    """Make (venue, symbol) unique: of those that claim one symbol all but one are quarantined, none is left out.

    Order of claim: who holds the symbol in this run already (`holders`: symbol -> native, a symbol never changes hands
    while a producer runs), then not already quarantined, then multiplier 1, then the older `listed_ts` (unknown last),
    then native order. The order of the input is kept.
    """
    listed = list(instruments)
    claims: dict[tuple[str, str], list[int]] = {}
    for index, instrument in enumerate(listed):
        claims.setdefault((instrument.venue, instrument.symbol), []).append(index)
    for rivals in claims.values():
        if len(rivals) > 1:
            _quarantine_losers(listed, rivals, holders or {})
    return listed


def _quarantine_losers(listed: list[Instrument], rivals: Sequence[int], holders: Mapping[str, str]) -> None:
    def claim(index: int) -> tuple[bool, bool, bool, bool, int, str]:
        one = listed[index]
        return (
            holders.get(one.symbol) != one.native,
            one.status == "quarantined",
            one.multiplier != "1",
            one.listed_ts is None,
            one.listed_ts or 0,
            one.native,
        )

    for index in sorted(rivals, key=claim)[1:]:
        listed[index] = msgspec.structs.replace(listed[index], status="quarantined", quarantine_reason=COLLISION)

"""What is said of single instruments beside their venue's list: another coin or multiplier, quarantine, trust.

Users say it in a file (`parse`), the scanner's price check in Redis (`checked`). A user's word comes first; the price
check can only confirm a reading that waits for it. Pure.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, Inexact
from typing import Any, Final, get_args

import msgspec

from services.collector.normalise import EXACT, plain
from shared.config import SettingError
from shared.instruments import COLLISION, UNCONFIRMED, Instrument, Market, unified_symbol

_FIELDS: Final = ("venue", "native", "market", "asset", "multiplier", "quarantine", "trust")
_SAYS: Final = ("asset", "multiplier", "quarantine", "trust")
_ASSET: Final = re.compile(r"[^\s/:]{1,40}")
_MULTIPLIER: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_REASON_CHARS: Final = 200


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one instrument. `market` None: of the spot pair and the perpetual that go by this native id.

    `asset`: the coin it is. `multiplier`: how many assets one native base unit stands for. `quarantine`: why it must
    not be used. `trust`: it is what it is read as, whatever its price.
    """

    venue: str
    native: str
    market: Market | None = None
    asset: str | None = None
    multiplier: str | None = None
    quarantine: str | None = None
    trust: bool = False

    def concerns(self, one: Instrument) -> bool:
        return one.native == self.native and self.market in (None, one.market)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that the price check has confirmed: the value of a field of `overrides:<venue>`. `at`: epoch ms."""

    multiplier: str
    asset: str
    by: str = ""
    at: int = 0


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one venue's instruments: by users, and by the price check (by native id)."""

    given: tuple[Override, ...] = ()
    checked: Mapping[str, Checked] = {}

    def applied(self, instruments: Iterable[Instrument]) -> list[Instrument]:
        """The instruments as they are to be read. Collisions are resolved after it."""
        given: dict[str, list[Override]] = {}
        for override in self.given:
            given.setdefault(override.native, []).append(override)
        found = []
        for one in instruments:
            for override in given.get(one.native, ()):
                one = _applied(one, override) if override.concerns(one) else one
            confirmed = self.checked.get(one.native)
            if confirmed is not None and one.quarantine_reason == UNCONFIRMED and confirmed.asset == one.asset:
                one = _confirmed(rescaled(one, confirmed.multiplier))
            found.append(one)
        return found

    def unused(self, instruments: Collection[Instrument]) -> list[Override]:
        """What users say of instruments that the venue does not list."""
        return [override for override in self.given if not any(map(override.concerns, instruments))]


def _applied(one: Instrument, override: Override) -> Instrument:
    if override.multiplier is not None:
        one = rescaled(one, override.multiplier)
    if override.asset is not None and override.asset != one.base:
        symbol = unified_symbol(override.asset, one.quote, one.settle)
        one = msgspec.structs.replace(one, base=override.asset, symbol=symbol)
    if override.multiplier is not None or override.trust:
        one = _confirmed(one)
    if override.trust:
        one = msgspec.structs.replace(one, trusted=True)
    if override.quarantine is not None:
        one = msgspec.structs.replace(one, status="quarantined", quarantine_reason=override.quarantine)
    return one


def _confirmed(one: Instrument) -> Instrument:
    if one.quarantine_reason != UNCONFIRMED:
        return one
    return msgspec.structs.replace(one, status="trading", quarantine_reason=None)


def rescaled(one: Instrument, multiplier: str) -> Instrument:
    """The instrument with another multiplier: price steps and sizes of one asset, exact; a notional stays."""
    factor = EXACT.divide(Decimal(multiplier), Decimal(one.multiplier))
    if factor == 1:
        return one
    return msgspec.structs.replace(
        one,
        multiplier=multiplier,
        tick_size=_times(one.tick_size, EXACT.divide(Decimal(1), factor)),
        lot_size=_times(one.lot_size, factor),
        min_size=_times(one.min_size, factor),
    )


def _times(text: str | None, factor: Decimal) -> str | None:
    return None if text is None else plain(EXACT.multiply(Decimal(text), factor))


def multiplier_of(text: str) -> str | None:
    """A multiplier as it is kept, None where it is none: prices must divide by it exactly."""
    if not _MULTIPLIER.fullmatch(text) or not text.strip("0."):
        return None
    try:
        EXACT.divide(Decimal(1), Decimal(text))
    except Inexact:
        return None
    return plain(Decimal(text))


def checked(fields: Mapping[bytes, bytes]) -> tuple[dict[str, Checked], list[str]]:
    """(confirmed readings by native id, one sentence for each field that cannot be used)."""
    found: dict[str, Checked] = {}
    wrong = []
    for name, value in fields.items():
        native = name.decode(errors="replace")
        try:
            one = msgspec.json.decode(value, type=Checked)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            wrong.append(f"{native}={value[:80]!r}: expected an object with multiplier and asset ({error})")
            continue
        multiplier = multiplier_of(one.multiplier)
        if multiplier is None:
            wrong.append(f"{native}: multiplier={one.multiplier!r}: expected {_EXPECTED['multiplier']}")
        else:
            found[native] = msgspec.structs.replace(one, multiplier=multiplier)
    return found, wrong


# ---- the file


def parse(text: str, venues: Collection[str], where: str = "overrides") -> tuple[Override, ...]:
    """The entries of a file in TOML. Raises `SettingError` that names entry, field, value and what was expected."""
    try:
        data = tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(where, str(error), "a file in TOML with [[instrument]] entries") from error
    for name in data:
        if name != "instrument":
            raise SettingError(f"{where}, {name}", data[name], "nothing but [[instrument]] entries")
    entries = data.get("instrument", [])
    if not isinstance(entries, list):
        raise SettingError(f"{where}, instrument", entries, "entries that begin with [[instrument]]")
    found: list[Override] = []
    for number, entry in enumerate(entries, 1):
        override = _entry(entry, venues, f"{where}, instrument {number}")
        for other in found:
            if (other.venue, other.native) == (override.venue, override.native) and (
                other.market == override.market or None in (other.market, override.market)
            ):
                raise SettingError(f"{where}, instrument {number}, native", override.native, "one entry an instrument")
        found.append(override)
    return tuple(found)


_EXPECTED: Final = {
    "native": "the exchange's own id of the instrument",
    "market": "one of " + ", ".join(get_args(Market)),
    "asset": "a coin's symbol in capitals",
    "multiplier": "a number above 0 by which prices divide exactly, such as 1000",
    "quarantine": f"a reason of 1 to {_REASON_CHARS} characters",
    "trust": "true",
}


def _entry(entry: Any, venues: Collection[str], where: str) -> Override:
    if not isinstance(entry, dict):
        raise SettingError(where, entry, "fields out of " + ", ".join(_FIELDS))
    for name in entry:
        if name not in _FIELDS:
            raise SettingError(f"{where}, {name}", entry[name], "fields out of " + ", ".join(_FIELDS))
    for name in ("venue", "native"):
        if name not in entry:
            raise SettingError(f"{where}, {name}", None, "a value")
    if entry["venue"] not in venues:
        raise SettingError(f"{where}, venue", entry["venue"], "one of " + ", ".join(venues))
    values = {name: _value(name, entry[name], where) for name in _FIELDS[1:] if name in entry}
    if not any(name in values for name in _SAYS):
        raise SettingError(where, values["native"], "at least one of " + ", ".join(_SAYS))
    if "quarantine" in values and "trust" in values:
        raise SettingError(f"{where}, trust", True, "no trust in what is quarantined")
    return Override(venue=entry["venue"], **values)


def _value(name: str, value: Any, where: str) -> Any:
    """A field as it is kept. Raises `SettingError`."""
    if name == "multiplier" and isinstance(value, int | str) and not isinstance(value, bool):
        kept: Any = multiplier_of(str(value))
    elif name == "trust":
        kept = True if value is True else None
    else:
        kept = value if isinstance(value, str) and _reads(name, value) else None
    if kept is None:
        raise SettingError(f"{where}, {name}", value, _EXPECTED[name])
    return kept


def _reads(name: str, text: str) -> bool:
    if name == "market":
        return text in get_args(Market)
    if name == "asset":
        return bool(_ASSET.fullmatch(text)) and text == text.upper()
    if name == "quarantine":
        return len(text.strip()) >= 1 and len(text) <= _REASON_CHARS and text not in (UNCONFIRMED, COLLISION)
    return bool(text)

"""From a venue's own list to the instruments of this run: one holder per symbol, defaults filled in. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from services.collector.naming import resolve_collisions
from services.collector.venue import Channel, Venue
from services.collector.wants import quote_channels
from shared.instruments import Instrument, Market

#: (market, native): the field of an instrument in the `instruments:<venue>` hash, joined by a colon
Place = tuple[Market, str]

_MARKETS: Final[tuple[Market, ...]] = ("spot", "perp")


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two listings. `changed` holds the new rows."""

    added: tuple[Instrument, ...]
    removed: tuple[Instrument, ...]
    changed: tuple[Instrument, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        return f"instruments: {len(self.added)} new, {len(self.removed)} gone, {len(self.changed)} changed"


def place(instrument: Instrument) -> Place:
    return instrument.market, instrument.native


def field_of(instrument: Instrument) -> str:
    return f"{instrument.market}:{instrument.native}"


def resolved(venue: Venue, fresh: Iterable[Instrument], holders: Mapping[str, str]) -> list[Instrument]:
    """One instrument a symbol, with the venue's fees and the mode of its quote channel where the list is silent.

    `holders` says which native id a symbol has had in this run: it keeps it.
    """
    return filled(venue, resolve_collisions(fresh, holders), quote_channels(venue))


def filled(venue: Venue, instruments: Iterable[Instrument], quotes: Mapping[Market, str]) -> list[Instrument]:
    """With the venue's fees and the mode of the quote channel of each market where the list is silent."""
    modes = {channel.market: channel for channel in venue.channels if quotes.get(channel.market) == channel.name}
    return [_filled(venue, modes.get(instrument.market), instrument) for instrument in instruments]


def _filled(venue: Venue, channel: Channel | None, instrument: Instrument) -> Instrument:
    return msgspec.structs.replace(
        instrument,
        taker_fee_bps=instrument.taker_fee_bps or venue.taker_fee_bps.get(instrument.market),
        maker_fee_bps=instrument.maker_fee_bps or venue.maker_fee_bps.get(instrument.market),
        quote_mode=instrument.quote_mode if channel is None else channel.mode,
        quote_period_ms=instrument.quote_period_ms if channel is None else channel.period_ms,
    )


def read_anew(old: Iterable[Instrument], new: Iterable[Instrument]) -> list[tuple[str, str]]:
    """(symbol before, symbol after) of the instruments whose frames mean something else now: another coin or scale."""
    before = {place(one): one for one in old}
    pairs = ((before[place(one)], one) for one in new if place(one) in before)
    return [(was.symbol, now.symbol) for was, now in pairs if _meaning(was) != _meaning(now)]


def _meaning(one: Instrument) -> tuple[str, str, str]:
    return one.symbol, one.multiplier, one.contract_size


def holders_of(instruments: Iterable[Instrument]) -> dict[str, str]:
    return {one.symbol: one.native for one in instruments if one.status != "quarantined"}


def kept(
    known: Iterable[Instrument], fresh: Iterable[Instrument], failed: Collection[Market | None]
) -> list[Instrument]:
    """The fresh list, with the markets whose calls failed as they were known."""
    lost = set(_MARKETS) if None in failed else set(failed)
    had = {one.market for one in known if one.market in lost}
    return [one for one in fresh if one.market not in had] + [one for one in known if one.market in had]


def difference(old: Iterable[Instrument], new: Iterable[Instrument]) -> Change:
    before, after = {place(one): one for one in old}, {place(one): one for one in new}
    return Change(
        added=tuple(one for key, one in after.items() if key not in before),
        removed=tuple(one for key, one in before.items() if key not in after),
        changed=tuple(one for key, one in after.items() if key in before and before[key] != one),
    )

"""What can be asked for, and by which names: assets, pairs, natives. Pure lookups over what the venues list.

A name is never cut up: every accepted spelling stands in a table that is made from the instruments themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.api.errors import ApiError
from services.api.numbers import EXACT, plain
from shared.instruments import Instrument, Market

#: Preference among several dollar markets of one venue.
QUOTES: Final = ("USDT", "USDC", "USD")
#: What follows a venue's name in an exchange id of the terminal, and the market it means. The first of a market is
#: the one we write; the others are understood.
_SUFFIXES: Final[tuple[tuple[str, Market], ...]] = (
    ("", "spot"),
    ("f", "perp"),
    ("_spot", "spot"),
    ("_futures", "perp"),
    ("_perp", "perp"),
)


def exchange_id(venue: str, market: Market) -> str:
    """The id by which a terminal knows a venue's market: the bare name is spot, a trailing `f` perpetuals."""
    return venue if market == "spot" else f"{venue}f"


def quote_rank(quote: str) -> int:
    return QUOTES.index(quote) if quote in QUOTES else len(QUOTES)


@dataclass(frozen=True)
class Target:
    """One instrument as a terminal asked for it: under `name`, in units of `scale` assets."""

    instrument: Instrument
    exchange: str
    name: str
    scale: Decimal

    @property
    def key(self) -> tuple[str, str]:
        return self.instrument.venue, self.instrument.symbol

    def price(self, text: str) -> str:
        return text if self.scale == 1 else plain(EXACT.multiply(Decimal(text), self.scale))

    def size(self, text: str) -> str:
        return text if self.scale == 1 else plain(EXACT.divide(Decimal(text), self.scale))


class Directory:
    """Every listed instrument of every venue, by all of its names. Made anew when a listing changes."""

    def __init__(
        self,
        listings: Mapping[str, Iterable[Instrument]] | None = None,
        generation: int = 0,
        expected: Iterable[str] = (),
    ) -> None:
        """`expected` are venues that are known to be collected, whether or not their listing is there yet."""
        self.generation = generation
        self.pending = frozenset(expected) - {venue for venue, listed in (listings or {}).items() if listed}
        self.by_venue: dict[str, list[Instrument]] = {}
        self.assets: dict[str, list[Instrument]] = {}
        #: by venue, market and the venue's own id
        self.instruments: dict[tuple[str, Market, str], Instrument] = {}
        self._spellings: dict[str, str] = {}
        self._targets: dict[tuple[str, str], Target] = {}
        for venue, listed in sorted((listings or {}).items()):
            collected = [found for found in listed if found.quote in QUOTES and found.status != "unknown"]
            self.by_venue[venue] = sorted(collected, key=_order)
            for instrument in self.by_venue[venue]:
                self._enter(instrument)
        for asset in self.assets:
            self._spellings[asset.upper()] = asset
        self.exchanges = self._exchanges()

    def _enter(self, instrument: Instrument) -> None:
        asset, exchange = instrument.asset, exchange_id(instrument.venue, instrument.market)
        self.assets.setdefault(asset, []).append(instrument)
        self.instruments[instrument.venue, instrument.market, instrument.native] = instrument
        pair = f"{instrument.base}{instrument.quote}".upper()
        for spelling in (instrument.symbol, f"{instrument.base}/{instrument.quote}", pair, instrument.native):
            self._spellings.setdefault(spelling.upper(), asset)
        normalised = Target(instrument, exchange, pair, Decimal(1))
        native = Target(instrument, exchange, instrument.native.upper(), Decimal(instrument.multiplier))
        for spelling in (pair, f"{instrument.base}/{instrument.quote}".upper(), instrument.symbol.upper()):
            self._targets.setdefault((exchange, spelling), normalised)
        self._targets.setdefault((exchange, native.name), native)

    def _exchanges(self) -> dict[str, tuple[str, Market]]:
        """Every accepted exchange id; a venue's own name always wins over another one's with a suffix."""
        venues = sorted({*self.by_venue, *self.pending})
        pairs = [(venue + suffix, (venue, market)) for suffix, market in _SUFFIXES for venue in venues]
        found: dict[str, tuple[str, Market]] = {}
        for name, meaning in pairs:
            found.setdefault(name, meaning)
        return found

    @property
    def empty(self) -> bool:
        return not self.assets

    def exchange_ids(self) -> list[str]:
        """The ids that we write: those that have instruments."""
        return sorted({exchange_id(found.venue, found.market) for row in self.by_venue.values() for found in row})

    def asset_of(self, text: str) -> str | None:
        """The asset that a user means: `btc`, `BTC`, `BTC/USDT`, `BTCUSDT`, `BTC/USDT:USDT` or a venue's own id."""
        return self._spellings.get(text.strip().upper())

    def targets(self, symbol: str, exchanges: Iterable[str] = ()) -> list[Target]:
        """The instruments that a terminal means by a symbol, on the ids given (none: on all), at most one each.

        Exchange ids must be known ones.
        """
        wanted = [exchange_id(*self.exchanges[name]) for name in exchanges] or self.exchange_ids()
        found = (self._targets.get((name, symbol.strip().upper())) for name in dict.fromkeys(wanted))
        return [target for target in found if target is not None]

    def names_on(self, venue: str, market: Market) -> dict[str, Instrument]:
        """Pair name -> instrument of one market, each name once."""
        found: dict[str, Instrument] = {}
        for instrument in self.by_venue.get(venue, ()):
            if instrument.market == market and instrument.status == "trading":
                found.setdefault(f"{instrument.base}{instrument.quote}", instrument)
        return found


def _order(instrument: Instrument) -> tuple[Any, ...]:
    """Trading ones first, then the usual quote, then the one settled in its quote, then by name."""
    return (
        instrument.status != "trading",
        quote_rank(instrument.quote),
        instrument.settle not in (None, instrument.quote),
        instrument.symbol,
    )


def unknown_symbol(value: object, directory: Directory, field: str = "symbol") -> ApiError:
    return ApiError(
        404,
        "unknown_symbol",
        f"There is no coin {str(value)[:60]!r} here.",
        field=field,
        value=value,
        expected=f"one of {len(directory.assets):,} assets; see /api/symbols",
    )


def unknown_exchange(value: object, known: Iterable[str], field: str = "exchange") -> ApiError:
    names = sorted(known)
    return ApiError(
        404,
        "unknown_exchange",
        f"There is no exchange {str(value)[:60]!r} here.",
        field=field,
        value=value,
        expected="one of " + ", ".join(names) if names else "an exchange that is being collected; none is yet",
    )

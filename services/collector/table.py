"""The lookup table of a venue's instruments, as decoders see it.

A decoder asks `table.spot.get(native)` or `table.perp.get(native)` and gets a `Listed` row or None. The mappings are
live: a refresh of the listing replaces rows in place, so a decoder made earlier sees it at once.

An instrument that lost its symbol to another one (`collision`) is withheld from the look-ups: its rows must never come
out under the winner's symbol. It is still one of the table's instruments.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from services.collector.messages import Unknown
from shared.instruments import COLLISION, Instrument, Market


class Listed:
    """One instrument, with its conversions worked out once.

    `divide_price` is None where prices are already per one asset, else the multiplier to divide them by; `times_size`
    is None where sizes are already in assets, else what to multiply them by (contract size times multiplier).
    `plain`: neither is needed. Where a factor is a power of ten, as nearly all are, `price_shift` and `size_shift` say
    by how many places the decimal point moves to the right.
    """

    __slots__ = ("divide_price", "instrument", "plain", "price_shift", "size_shift", "symbol", "times_size")

    def __init__(self, instrument: Instrument) -> None:
        multiplier = Decimal(instrument.multiplier)
        size = multiplier * Decimal(instrument.contract_size)
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.divide_price = None if multiplier == 1 else multiplier
        self.times_size = None if size == 1 else size
        self.plain = multiplier == 1 and size == 1
        places, self.size_shift = _places(multiplier), _places(size)
        self.price_shift = None if places is None else -places


def _places(factor: Decimal) -> int | None:
    """n where the factor is ten to the n, else None."""
    _, digits, exponent = factor.normalize().as_tuple()
    return exponent if digits == (1,) and isinstance(exponent, int) else None


class Table:
    """All spot pairs and linear perpetuals that the venue lists, whatever their quote or status."""

    def __init__(self, instruments: Iterable[Instrument] = (), outside: Iterable[str] = ()) -> None:
        self._rows: dict[Market, dict[str, Listed]] = {"spot": {}, "perp": {}}
        self._plain: dict[Market, dict[str, str]] = {"spot": {}, "perp": {}}
        self._aliases: dict[Market, dict[str, tuple[Listed, ...]]] = {"spot": {}, "perp": {}}
        self._symbols: dict[str, Instrument] = {}
        self._all: list[Instrument] = []
        self._withheld: set[tuple[Market, str]] = set()
        #: native ids that the venue lists and that are out of our scope (inverse, dated, options)
        self.outside: set[str] = set()
        self.spot: Mapping[str, Listed] = MappingProxyType(self._rows["spot"])
        self.perp: Mapping[str, Listed] = MappingProxyType(self._rows["perp"])
        #: second spellings and index ids -> every instrument that goes by them
        self.spot_aliases: Mapping[str, tuple[Listed, ...]] = MappingProxyType(self._aliases["spot"])
        self.perp_aliases: Mapping[str, tuple[Listed, ...]] = MappingProxyType(self._aliases["perp"])
        #: unified symbol -> instrument
        self.by_symbol: Mapping[str, Instrument] = MappingProxyType(self._symbols)
        self.replace(instruments, outside)

    def replace(self, instruments: Iterable[Instrument], outside: Iterable[str] = ()) -> None:
        """Put a new listing in place of the old one, keeping the mappings that were handed out."""
        self.outside.clear()
        self.outside.update(outside)
        for kept in (self._rows, self._plain, self._aliases):
            for mapping in kept.values():
                mapping.clear()
        self._symbols.clear()
        self._withheld.clear()
        self._all = list(instruments)
        for instrument in self._all:
            if instrument.status == "quarantined" and instrument.quarantine_reason == COLLISION:
                self._withheld.update((instrument.market, name) for name in (instrument.native, *instrument.aliases))
                continue
            row = Listed(instrument)
            self._rows[instrument.market][instrument.native] = row
            if row.plain:
                self._plain[instrument.market][instrument.native] = row.symbol
            aliases = self._aliases[instrument.market]
            for alias in instrument.aliases:
                aliases[alias] = (*aliases.get(alias, ()), row)
            self._symbols[instrument.symbol] = instrument

    def getter(self, market: Market) -> Callable[[str], Listed | None]:
        """The quickest look-up of a market, for hot paths; live as the mappings are."""
        return self._rows[market].get

    def plain(self, market: Market) -> Callable[[str], str | None]:
        """The symbol of a native id whose prices and sizes need no conversion; live and quick as `getter`."""
        return self._plain[market].get

    def market(self, market: Market) -> Mapping[str, Listed]:
        return self.spot if market == "spot" else self.perp

    def withheld(self, market: Market, native: str) -> bool:
        """Whether the venue lists it (by its id or an alias), but another instrument has its symbol."""
        return (market, native) in self._withheld

    def missing(self, native: str, *markets: Market) -> Unknown:
        """Why none of these markets has a row of it: out of scope, withheld in one of them, or not listed."""
        if native in self.outside:
            return Unknown("out_of_scope", native)
        withheld = any(self.withheld(market, native) for market in markets)
        return Unknown("quarantined" if withheld else "unknown_symbol", native)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._all)

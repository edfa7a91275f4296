"""The venue's list as it came, and what is made of it: overrides, one holder a symbol, what is collected. Pure."""

from collections.abc import Collection, Iterable

from services.collector import listing
from services.collector.listing import Change
from services.collector.overrides import Override, Overrides
from services.collector.table import Table
from services.collector.venue import Venue
from services.collector.wants import selected
from shared.instruments import Instrument, Market


class Roster:
    """Fills the table. It keeps the list unresolved, since what is said of instruments changes between two listings.

    `assets`: the coins to collect, all where empty.
    """

    def __init__(self, venue: Venue, table: Table, assets: Collection[str] = ()) -> None:
        self._venue, self._table, self._assets = venue, table, assets
        self._fresh: list[Instrument] = []
        self._outside: frozenset[str] = frozenset()
        self._overrides = Overrides()
        #: what is collected, in stable order, and its symbols by market
        self.selected: list[Instrument] = []
        self.members: dict[Market, frozenset[str]] = {}
        #: symbols that were collected until now -> why they are no more; emptied by who has told it
        self.gone: dict[str, str] = {}
        self._filled = False

    def take(self, fresh: Iterable[Instrument], outside: frozenset[str], failed: Collection[Market | None]) -> None:
        """A new list; of markets whose calls failed the last good one stays. `fill` must follow."""
        self._fresh = listing.kept(self._fresh, fresh, failed)
        self._outside = outside | self._outside if failed else outside

    def override(self, overrides: Overrides) -> bool:
        """Take in what is said of single instruments; whether `fill` must follow."""
        if overrides == self._overrides:
            return False
        self._overrides = overrides
        return bool(self._fresh)

    def fill(self) -> tuple[Change, list[tuple[str, str]]]:
        """Make the table anew. What changed, and (symbol before, symbol after) of what is read otherwise than before.

        A symbol stays with the instrument that has held it.
        """
        before = list(self._table)
        read = self._overrides.applied(self._fresh)
        rows = listing.resolved(self._venue, read, listing.holders_of(before))
        self._table.replace(rows, self._outside)
        change = listing.difference(before, rows)
        if change or not self._filled:
            self._select()
        self._filled = True
        return change, listing.read_anew(before, rows)

    def unused(self) -> list[Override]:
        """What users say of instruments that are not listed."""
        return self._overrides.unused(self._fresh)

    def _select(self) -> None:
        chosen = selected(self._table, self._assets)
        now_chosen, by_symbol = {one.symbol for one in chosen}, self._table.by_symbol
        lost = [one.symbol for one in self.selected if one.symbol not in now_chosen]
        self.gone |= {symbol: by_symbol[symbol].status if symbol in by_symbol else "delisted" for symbol in lost}
        self.members = {
            "spot": frozenset(one.symbol for one in chosen if one.market == "spot"),
            "perp": frozenset(one.symbol for one in chosen if one.market == "perp"),
        }
        self.selected = chosen

"""What is recorded in detail: the coins of the watch list, or all."""

from collections.abc import Iterable

from shared.config import Recorded
from shared.instruments import asset_of


class WatchList:
    """The coins whose seconds are kept; it may change while the recorder runs."""

    def __init__(self, assets: Iterable[str] = ()) -> None:
        self.assets = frozenset(assets)
        self._known: dict[str, bool] = {}

    def change(self, assets: Iterable[str]) -> None:
        found = frozenset(assets)
        if found != self.assets:
            self.assets, self._known = found, {}

    def has(self, symbol: str) -> bool:
        known = self._known.get(symbol)
        if known is None:
            known = self._known[symbol] = asset_of(symbol) in self.assets
        return known

    def takes(self, recorded: Recorded, symbol: str) -> bool:
        """Whether prints of a symbol are stored under this setting."""
        return recorded == "all" or (recorded == "watch" and self.has(symbol))

"""The registry: one line per venue. Adding a venue is its folder and its line here."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Final

from services.collector.venue import Venue

NAMES: Final = (
    "apex",
    "aster",
    "backpack",
    "binance",
    "bitget",
    "bybit",
    "edgex",
    "extended",
    "grvt",
    "hyperliquid",
    "lighter",
    "okx",
    "paradex",
)


class Registry(Mapping[str, Venue]):
    """Records by name. A venue's folder is imported when it is first asked for: a collector needs one of them."""

    def __getitem__(self, name: str) -> Venue:
        if name not in NAMES:
            raise KeyError(name)
        return _record(name)

    def __contains__(self, name: object) -> bool:
        return name in NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@cache
def _record(name: str) -> Venue:
    found: Venue = import_module(f"{__name__}.{name}").VENUE
    return found


VENUES: Final = Registry()

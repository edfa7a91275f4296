"""What the readers of one connection share: the table, by both spellings of a symbol."""

from typing import Final

import msgspec

from services.collector.messages import Unknown
from services.collector.table import Listed, Table
from services.collector.typed_rows import UNREADABLE
from services.collector.venues.apex.shapes import Named

_named: Final = msgspec.json.Decoder(Named)


class Reader:
    def __init__(self, table: Table) -> None:
        self._table = table
        #: by the native id (`BTCUSDT`)
        self.find = table.getter("perp")

    def find_with_dash(self, name: str) -> Listed | None:
        """By the spelling of histories (`BTC-USDT`)."""
        found = self._table.perp_aliases.get(name, ())
        return found[0] if len(found) == 1 else None

    def missing(self, name: str) -> Unknown:
        return self._table.missing(name, "perp")


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    """The instrument that a row names, however broken the rest of it is."""
    try:
        named = _named.decode(raw)
    except UNREADABLE:
        return None
    return named.s or named.symbol

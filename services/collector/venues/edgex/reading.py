"""Finds the contract that each row names, and makes messages of rows."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from services.collector.messages import ROWS_AT_ONCE, Message, Rows, Unknown
from services.collector.normalise import BadNumber
from services.collector.table import Listed, Table
from services.collector.typed_rows import Rows as TypedRows
from services.collector.venues.edgex.instruments import OLD_ID

Make = Callable[[Any, Listed], list[Message]]


class Reader:
    """The table, and whether frames of many rows are wanted in parts."""

    def __init__(self, table: Table, *, in_parts: bool) -> None:
        self._table, self._find, self._in_parts = table, table.getter("perp"), in_parts

    def missing(self, native: str) -> Unknown:
        """Why a contract has no row: not named, withheld, of the first generation, or not listed."""
        if not native:
            return Unknown("no_symbol")
        if self._table.withheld("perp", native):
            return Unknown("quarantined", native)
        return Unknown("old_api" if OLD_ID.fullmatch(native) else "unknown_symbol", native)

    def messages(self, data: bytes | msgspec.Raw, of: TypedRows, make: Make) -> list[Message]:
        """What the rows of a list become; a bad one costs itself alone."""
        found = of.read(data)
        if self._in_parts and len(found) > ROWS_AT_ONCE:
            return [Rows(self._each(found, make))]
        return list(self._each(found, make)) or [Unknown("empty")]

    def _each(self, found: list[Any], make: Make) -> Iterator[Message]:
        for row in found:
            yield from [row] if isinstance(row, Unknown) else self._made(row, make)

    def _made(self, row: Any, make: Make) -> list[Message]:
        listed = self._find(row.contract_id)
        if listed is None:
            return [self.missing(row.contract_id)]
        try:
            return make(row, listed)
        except BadNumber:
            return [Unknown("bad_number", row.contract_id)]

"""The tables that rows are copied into: their columns in the order of the lines, and what a line does to a row.

A table without a key takes its lines as they come. One with a key takes them through a temporary table, sorted by the
key, so that two writers of the same rows never wait for each other; of lines with one key the last one counts. Of a
table that is partitioned by day the first column is the time: a line begins with its day.
"""

from typing import Final

import msgspec

#: Lines per table, in the order in which they are to be stored.
Lines = dict[str, list[str]]


class Table(msgspec.Struct, frozen=True):
    """`time`: which column says when it was. `updated`: what a row held already takes over from a new one with its key
    (none: it stays as it is), under the condition `when` on the two (`held`, `EXCLUDED`). `source`: names the staging
    table where two writers fill different columns of one table.
    """

    name: str
    columns: tuple[str, ...]
    time: int
    key: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    when: str = ""
    by_day: bool = False
    source: str = ""

    @property
    def staging(self) -> str:
        return f"staged_{self.source or self.name}"

    @property
    def insert(self) -> str:
        """From the staging table into the table: of several lines with one key the last."""
        columns, key = ", ".join(self.columns), ", ".join(self.key)
        action = "NOTHING"
        if self.updated:
            action = "UPDATE SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in self.updated)
            action += f" WHERE {self.when}" if self.when else ""
        return (
            f"INSERT INTO {self.name} AS held ({columns}) SELECT DISTINCT ON ({key}) {columns} FROM {self.staging}"
            f" ORDER BY {key}, ctid DESC ON CONFLICT ({key}) DO {action}"
        )


_BAR_KEY: Final = ("start", "venue", "symbol")
_BAR_OF: Final = ("asset", "market")
#: what quotes, marks, funding and statistics make
QUOTED: Final = (
    *("mid_open", "mid_high", "mid_low", "mid_close", "bid_open", "bid_high", "bid_low", "bid_close"),
    *("ask_open", "ask_high", "ask_low", "ask_close", "spread_bps_mean", "mark_close", "index_close", "premium"),
    *("funding_rate", "funding_interval_h", "last", "volume_24h", "turnover_24h", "open_interest"),
    *("open_interest_value", "quotes"),
)
#: what prints make
TRADED: Final = ("volume", "turnover", "buy_volume", "trades")


def _bars(name: str, filled: tuple[str, ...], source: str) -> Table:
    resolution = ("resolution",) if name == "bars" else ()
    return Table(
        name,
        (*_BAR_KEY, *resolution, *_BAR_OF, *filled),
        0,
        key=("venue", "symbol", *resolution, "start"),
        updated=filled,
        by_day=True,
        source=source,
    )


#: In the order in which one transaction writes them. `bars` and `bars_1s` have two writers each.
TABLES: Final[dict[str, Table]] = {
    "bars": _bars("bars", QUOTED, "bars"),
    "bars_1s": _bars("bars_1s", QUOTED, "bars_1s"),
    "bars:traded": _bars("bars", TRADED, "traded"),
    "bars_1s:traded": _bars("bars_1s", TRADED, "traded_1s"),
    "funding": Table(
        "funding",
        ("minute", "venue", "symbol", "asset", "rate", "interval_h", "next_ts", "funding_index"),
        0,
        key=("venue", "symbol", "minute"),
        updated=("rate", "interval_h", "next_ts", "funding_index"),
        by_day=True,
    ),
    "settlements": Table(
        "settlements",
        ("venue", "symbol", "settle_ts", "asset", "rate", "interval_h", "mark"),
        2,
        key=("venue", "symbol", "settle_ts"),
    ),
    "trades": Table("trades", ("recv", "venue", "symbol", "ts", "id", "price", "size", "side", "flag"), 0, by_day=True),
    "liquidations": Table(
        "liquidations",
        ("recv", "venue", "symbol", "ts", "id", "price", "size", "side", "price_kind"),
        0,
        by_day=True,
    ),
    "signals": Table(
        "signals",
        (
            *("id", "rev", "asset", "kind", "key", "state", "buy_venue", "sell_venue", "opened_at", "closed_at"),
            *("close_reason", "record"),
        ),
        8,
        key=("id",),
        updated=("rev", "state", "closed_at", "close_reason", "record"),
        when="held.rev < EXCLUDED.rev",
    ),
    "signal_events": Table("signal_events", ("id", "rev", "at", "record"), 2, key=("id", "rev")),
    "alerts": Table(
        "alerts",
        ("id", "rev", "rule", "subject", "severity", "at", "ended_at", "record"),
        5,
        key=("id",),
        updated=("rev", "severity", "ended_at", "record"),
        when="held.rev < EXCLUDED.rev",
    ),
    "config_changes": Table("config_changes", ("entry_id", "at", "version", "changes"), 1, key=("entry_id",)),
}
#: partitioned by day; the detailed ones are kept for fewer days
COARSE: Final = ("bars", "funding")
DETAILED: Final = ("bars_1s", "trades", "liquidations")
BY_DAY: Final = (*COARSE, *DETAILED)

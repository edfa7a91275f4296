"""The live state of this process: what the readers have heard, and nothing that reads. Pure.

`Board` holds the newest row per asset, `SignalBook` the newest record per signal, `Processes` the health hashes.
Each tells its listeners what changed; listeners are called on the loop and must not block.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Literal

from services.api.symbols import Directory
from services.api.within import Routes
from shared.config import Runtime
from shared.signals import BoardRow, Signal

FeedState = Literal["warming", "live", "stale"]
#: Closed signals that are kept in memory; older ones are in the database.
RECENT_SIGNALS: Final = 2_000
#: Figures that are -1 while nothing was measured.
UNMEASURED: Final = frozenset({"lag_ms_p50", "lag_ms_p99", "last_frame_age_ms"})
RowListener = Callable[[list[BoardRow]], None]
SignalListener = Callable[[list[Signal]], None]


class Board:
    """The newest row of each asset; a lower (fence, ver) never replaces a higher one.

    A row without legs says that the asset has no market any more: listeners are told of it, and it is held no longer.
    """

    def __init__(self) -> None:
        self.rows: dict[str, BoardRow] = {}
        #: (fence, ver) of the assets that went
        self._gone: dict[str, tuple[int, int]] = {}
        self.newest_at = 0
        self.dropped = 0
        self.listeners: list[RowListener] = []

    def put(self, rows: Iterable[BoardRow]) -> list[BoardRow]:
        """Take what is newer, tell the listeners, return it."""
        taken = []
        for row in rows:
            held, now = self.rows.get(row.asset), (row.fence, row.ver)
            before = self._gone.get(row.asset, (-1, -1)) if held is None else (held.fence, held.ver)
            if now <= before:
                self.dropped += now < before
                continue
            self.newest_at = max(self.newest_at, row.at)
            if row.legs:
                self.rows[row.asset] = row
                self._gone.pop(row.asset, None)
                taken.append(row)
            else:
                self._gone[row.asset] = now
                taken += [row] if self.rows.pop(row.asset, None) is not None else []
        self._tell(taken)
        return taken

    def keep(self, assets: Collection[str]) -> None:
        """Only these have a row in the store: what went while nobody listened goes now."""
        lost = [self.rows.pop(asset) for asset in list(self.rows) if asset not in assets]
        self._gone.update({row.asset: (row.fence, row.ver) for row in lost})
        self._tell(lost)

    def _tell(self, rows: list[BoardRow]) -> None:
        if rows:
            for listener in self.listeners:
                listener(rows)

    def forget(self) -> None:
        """The store was wiped: fences and versions start again."""
        self.rows.clear()
        self._gone.clear()
        self.newest_at = 0


class SignalBook:
    """The newest record of each signal, open ones always, closed ones up to a bound."""

    def __init__(self, keep: int = RECENT_SIGNALS) -> None:
        self.open: dict[str, Signal] = {}
        self.closed: OrderedDict[str, Signal] = OrderedDict()
        self.listeners: list[SignalListener] = []
        self._keep = keep

    def get(self, signal_id: str) -> Signal | None:
        return self.open.get(signal_id) or self.closed.get(signal_id)

    def put(self, records: Iterable[Signal]) -> list[Signal]:
        """Take higher revisions, tell the listeners, return them."""
        taken = []
        for record in records:
            held = self.get(record.id)
            if held is not None and held.rev >= record.rev:
                continue
            taken.append(record)
            if record.event == "close":
                self.open.pop(record.id, None)
                self.closed[record.id] = record
            else:
                self.open[record.id] = record
        while len(self.closed) > self._keep:
            self.closed.popitem(last=False)
        if taken:
            for listener in self.listeners:
                listener(taken)
        return taken

    def newest(self) -> list[Signal]:
        """All of them, newest opening first."""
        return sorted(
            (*self.open.values(), *self.closed.values()), key=lambda one: (one.opened_at, one.id), reverse=True
        )

    def forget(self) -> None:
        self.open.clear()
        self.closed.clear()


@dataclass(frozen=True)
class Process:
    """One process as its health hash has it. `name` is a venue, or `_scanner`, `_recorder`, `_api`."""

    name: str
    member: str
    fields: Mapping[str, str]

    @property
    def id(self) -> str:
        return f"{self.name}:{self.member}"

    @property
    def state(self) -> str:
        return self.fields.get("state", "starting")

    def number(self, name: str) -> float | None:
        """A figure; None where it is not reported or not measured yet (collectors write -1 then)."""
        try:
            found = float(self.fields[name])
        except (KeyError, ValueError):
            return None
        return found if isfinite(found) and not (found < 0 and name in UNMEASURED) else None

    def numbers(self, name: str) -> list[tuple[str, float]]:
        """The figure of this name, and those that are counted by reason (`name:reason`), as (reason, figure)."""
        prefix = name + ":"
        fields = sorted(field for field in self.fields if field == name or field.startswith(prefix))
        found = [(field.removeprefix(name).removeprefix(":"), self.number(field)) for field in fields]
        return [(reason, figure) for reason, figure in found if figure is not None]


@dataclass
class LiveState:
    """Everything that the routes and pushes read."""

    mode: str = "live"
    board: Board = field(default_factory=Board)
    signals: SignalBook = field(default_factory=SignalBook)
    directory: Directory = field(default_factory=Directory)
    processes: dict[str, Process] = field(default_factory=dict)
    runtime: Runtime = field(default_factory=Runtime)
    #: The board's reader has taken its first snapshot.
    board_ready: bool = False
    #: Redis answered within the last reads.
    redis_up: bool = False
    redis_error: str = ""
    process_listeners: list[Callable[[], None]] = field(default_factory=list)
    _routes: Routes | None = None

    @property
    def routes(self) -> Routes:
        """The best routes under the listing and the settings of now; another object when one of them changes."""
        held = self._routes
        if held is None or held.directory is not self.directory or held.runtime is not self.runtime:
            held = self._routes = Routes(self.directory, self.runtime)
        return held

    def venues(self) -> list[str]:
        """Every venue that anyone has spoken of, in order."""
        of_health = {process.name for process in self.processes.values() if not process.name.startswith("_")}
        of_board = {leg.venue for row in self.board.rows.values() for leg in row.legs} if not of_health else set()
        return sorted(of_health | set(self.directory.by_venue) | of_board)

    def members(self, name: str) -> list[Process]:
        return [process for process in self.processes.values() if process.name == name]

    @property
    def feed(self) -> FeedState:
        """`stale` when rows are held that nobody keeps up: Redis or every scanner is away."""
        if not self.board.rows:
            return "warming"
        return "live" if self.redis_up and self.members("_scanner") else "stale"

    def feed_reason(self) -> str:
        if self.feed == "warming":
            return "no prices have come yet"
        if not self.redis_up:
            return "Redis cannot be reached"
        return "" if self.members("_scanner") else "no scanner is running"

    def now_ns(self, wall_ns: int) -> int:
        """The moment that ages are counted from: a replay lives in its recording's own time, once it has begun."""
        return (self.board.newest_at or wall_ns) if self.mode == "replay" else wall_ns

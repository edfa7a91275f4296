"""One partition, live: read, fold, commit, show. The only loop that touches the fold's state with entries.

A turn reads what has come, folds it, writes the records it made and, when due, the checkpoint, then board rows of
coins that were touched, those that have waited longest first and not more than a few milliseconds' worth. A coin is
shown at once and then at most every 50 ms, more seldom where rendering would take more than its share of the core,
which is smaller while entries wait to be read. So a burst costs one evaluation a coin, however many events it brings.
"""

import asyncio
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from heapq import nsmallest
from operator import itemgetter
from typing import Final

import msgspec

from services.scanner.board import Board
from services.scanner.checkpoint import Dump
from services.scanner.lease import commit_checkpoint
from services.scanner.market import Asset
from services.scanner.recorded_time import pass_time
from services.scanner.resume import Hold, commit_of, send
from services.scanner.window import Window
from services.scanner.wire import Wire
from shared import streams
from shared.resp import command

LOG: Final = logging.getLogger(__name__)
CONFLATE_S: Final = 0.05
#: The share of a core that rows may take before they are shown more seldom: while the reading keeps up, and while it
#: is further behind than this.
BOARD_SHARE: Final = 0.9
BEHIND_SHARE: Final = 0.3
BEHIND_MS: Final = 100
#: Rows of one turn: reading need not wait for all of a burst.
ROWS_A_TURN: Final = 100
CHECKPOINT_S: Final = 0.5
#: Checkpoints are written more seldom where they are large: they may take this share of a core.
CHECKPOINT_SHARE: Final = 0.02
CHECKPOINT_MAX_S: Final = 10.0
#: Markets that a turn encodes of a checkpoint: some 2 ms.
LEGS_A_TURN: Final = 1000
#: So many leave together: those behind them are made meanwhile.
ROWS_PER_ENTRY: Final = 25
#: What the stream of changed rows may hold: eight exchanges' rows come to several MB a second.
CHANGES_BYTES: Final = 64 << 20
SWEEP_S: Final = 0.1
SWEEP_PARTS: Final = 10
BLOCK_MS: Final = 50


@dataclass(slots=True)
class Saving:
    """A checkpoint under way: since when, and what it has cost."""

    dump: Dump
    past: bytes
    began: float
    cost_s: float = 0.0


class Engine:
    """The turns of one partition that is ours. `recorded`: time passes by the entries alone."""

    def __init__(self, hold: Hold, wire: Wire, *, recorded: bool = False) -> None:
        self.hold, self.fold, self._wire, self._recorded = hold, hold.fold, wire, recorded
        self._control = streams.control(hold.partition)
        self.board = Board(hold.fold)
        self._changes = Window(streams.BOARD_CHANGES_RETENTION_MS, CHANGES_BYTES)
        self._shown: dict[Asset, float] = {}
        #: no rows before
        self._rest_until = 0.0
        self._checkpoint_due = 0.0
        self._saving: Saving | None = None
        #: the minute whose past is in Redis beside the checkpoint
        self._past_of = -1
        self.checkpoint_at = time.monotonic()
        self.checkpoint_bytes = 0
        self._sweep_due, self._sweep_part = 0.0, 0
        self.rows = self.records = 0
        self.lag_ms = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Turns until the stop, then a last checkpoint. Raises `Fenced`, `ReplyError`, `OSError`."""
        self._remove(self.hold.unknown)
        while not stop.is_set():
            entries = await self.hold.feed.turn(self._block_ms())
            take = self.fold.take
            for ms, key, seq, batch in entries:
                if self._recorded:
                    pass_time(self.fold, self._control, ms)
                take(key, ms, seq, batch)
            if entries:
                self.lag_ms = max(0, self.hold.feed.head_ms - entries[-1][0])
            await self._commit()
            self._show()
        self._saving = None
        await self._commit(last=True)

    def _block_ms(self) -> int:
        return 5 if self.fold.touched else BLOCK_MS

    async def _commit(self, *, last: bool = False) -> None:
        """Records first, then the state they led to; it is of an earlier turn, for it is encoded piece by piece."""
        partition, fence = self.hold.partition, self.hold.fence
        commands = [commit_of(partition, fence, record) for record in self.fold.drain()]
        self.records += len(commands)
        saved = self._save(last=last)
        if saved is not None:
            commands.append(commit_checkpoint(partition, fence, *saved))
        await send(self._wire, commands)
        if saved is not None:
            self.checkpoint_bytes = sum(map(len, saved))
            self.checkpoint_at = time.monotonic()

    def _save(self, *, last: bool) -> tuple[bytes, bytes] | None:
        """A checkpoint and its past, once it is whole."""
        # this thread's own time: while others take the core a checkpoint is no dearer, and a successor needs it
        now, began = time.monotonic(), time.thread_time()
        if self._saving is None:
            if not last and now < self._checkpoint_due:
                return None
            memory, past = self.fold.memory, b""
            if memory.minute != self._past_of:
                self._past_of, past = memory.minute, memory.past()
            self._saving = Saving(Dump(self.fold, self.hold.feed.positions), past, now)
        saving = self._saving
        state = saving.dump.rest() if last else saving.dump.step(LEGS_A_TURN)
        saving.cost_s += time.thread_time() - began
        if state is None:
            return None
        self._saving = None
        pause = min(max(CHECKPOINT_S, saving.cost_s / CHECKPOINT_SHARE), CHECKPOINT_MAX_S)
        self._checkpoint_due = saving.began + pause
        return state, saving.past

    def _show(self) -> None:
        """The rows of touched coins that are due."""
        now = time.monotonic()
        if now >= self._sweep_due:
            self._sweep(now)
        due = self._due(now)
        if not due:
            return
        rows: list[tuple[str, bytes]] = []
        gone: set[str] = set()
        for asset in due:
            row = self.board.row(asset, self.hold.fence)
            self._shown[asset] = now
            if row is not None:
                rows.append((asset.name, row))
                if len(rows) == ROWS_PER_ENTRY:
                    self._write(rows)
                    rows.clear()
            elif not asset.legs:
                del self._shown[asset]
                self.board.forget(asset)
                gone.add(asset.name)
        self.fold.touched.difference_update(due)
        done = time.monotonic()
        share = BOARD_SHARE if self.lag_ms <= BEHIND_MS else BEHIND_SHARE
        self._rest_until = done + (done - now) * (1 / share - 1)
        self._write(rows)
        self._remove(gone - self.fold.assets.keys())

    def _due(self, now: float) -> list[Asset]:
        """Touched coins that may be shown in this turn."""
        if now < self._rest_until:
            return []
        shown, latest = self._shown, now - CONFLATE_S
        waiting = [(at, asset) for asset in self.fold.touched if (at := shown.get(asset, 0.0)) <= latest]
        if len(waiting) > ROWS_A_TURN:
            waiting = nsmallest(ROWS_A_TURN, waiting, key=itemgetter(0))
        return [asset for _, asset in waiting]

    def _remove(self, names: Collection[str]) -> None:
        """Coins that have no market any more leave the board."""
        self._write([(name, self.board.gone(name, self.hold.fence)) for name in sorted(names)], gone=True)

    def _write(self, rows: list[tuple[str, bytes]], *, gone: bool = False) -> None:
        """The next turn's reading waits for the answers: a turn costs one way there and back, not two."""
        if not rows:
            return
        commands: list[bytes] = []
        for start in range(0, len(rows), ROWS_PER_ENTRY):
            part = rows[start : start + ROWS_PER_ENTRY]
            flat = [item for row in part for item in row]
            body = msgspec.msgpack.encode([msgspec.Raw(row) for _, row in part])
            commands.append(
                command("HDEL", streams.BOARD, *flat[::2]) if gone else command("HSET", streams.BOARD, *flat)
            )
            oldest = self._changes.oldest(self.hold.feed.redis_ms, len(body))
            commands.append(command("XADD", streams.BOARD_CHANGES, "MINID", "~", oldest, "*", streams.FIELD, body))
        self.rows += len(rows)
        self._wire.send(*commands)

    def _sweep(self, now: float) -> None:
        """Each second once round: coins whose legs have changed their state by time alone."""
        self._sweep_due = now + SWEEP_S
        assets = list(self.fold.assets.values())
        for asset in assets[self._sweep_part :: SWEEP_PARTS]:
            if asset not in self.fold.touched and self.board.changed(asset):
                self.fold.touched.add(asset)
        self._sweep_part = (self._sweep_part + 1) % SWEEP_PARTS

    def figures(self) -> dict[str, int]:
        """What the health record says of this partition."""
        fold = self.fold
        return {
            "events_total": fold.events,
            "entries_total": fold.entries,
            "lag_ms": self.lag_ms,
            "signals_open": sum(route.state in ("open", "fade") for route in fold.cycle.routes.values()),
            "assets": len(self._shown),
            "routes": len(fold.cycle.routes),
            "missed_total": fold.missed,
            "jumps_total": fold.jumps,
            "late_total": fold.late,
            "unlisted_total": fold.unlisted,
            "unreadable_total": self.hold.feed.unreadable,
            "rows_total": self.rows,
            "records_total": self.records,
            "checkpoint_age_ms": int((time.monotonic() - self.checkpoint_at) * 1000),
            "checkpoint_bytes": self.checkpoint_bytes,
            **{f"held_back_total:{why}": count for why, count in sorted(fold.cycle.refused.items())},
        }

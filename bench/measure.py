"""What is measured, from outside: processor time and memory of a process, and what arrived in Redis and when.

Latency is from the moment the exchange handed a frame to its socket to the moment Redis stored the entry. Redis
stamps entries to the millisecond, so half a millisecond is added: percentiles are right on average, to about 0.5 ms.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import msgspec
import redis

from shared.codec import decode_batch
from shared.events import Trade
from shared.streams import FIELD

TICKS: Final = os.sysconf("SC_CLK_TCK")
#: counted by clients that conflate; the bench deletes it before each blast
TAKEN: Final = "taken"


class Usage(msgspec.Struct, frozen=True):
    cpu_s: float
    rss_mb: float
    peak_mb: float


def usage(pid: int) -> Usage:
    """Of one process and none of its children."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()

    def mb(name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    return Usage((int(stat[11]) + int(stat[12])) / TICKS, mb("VmRSS"), mb("VmHWM"))


def pin(pid: int, core: int) -> None:
    """All threads of a process to one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def entries(db: redis.Redis, pattern: str) -> Iterator[tuple[int, dict[bytes, bytes]]]:
    """(id ms, fields) of every entry of the streams of this pattern."""
    for key in db.scan_iter(pattern, count=1000, _type="stream"):
        at = "-"
        while rows := cast(list[Any], db.xrange(key, min=at, count=10_000)):
            for entry_id, fields in rows:
                yield int(entry_id.partition(b"-")[0]), fields
            at = "(" + rows[-1][0].decode()


class Arrived(msgspec.Struct):
    """Events in Redis, when the last was stored, and when each trade was (by the number the exchange gave it).

    `taken`: what the client has parsed and when the last of it, where it hands out less than that.
    """

    events: int = 0
    last_ms: int = 0
    trades: dict[int, int] = {}
    taken: tuple[int, int] | None = None

    def frames_per_s(self, start_ms: float) -> int:
        """Frames taken a second, from the first frame's write to the last one's entry (or parsing)."""
        count, last_ms = self.taken or (self.events, self.last_ms)
        return round(count / (last_ms + 0.5 - start_ms) * 1000)


def ours(db: redis.Redis, base: int) -> Arrived:
    """Packed batches: events of the blast are those whose number the exchange gave."""
    found = Arrived()
    for ms, fields in entries(db, "md:*:quote"):
        for event in decode_batch(fields[FIELD]).events:
            if (getattr(event, "seq", None) or 0) >= base:
                found.events += 1
                found.last_ms = max(found.last_ms, ms)
    for ms, fields in entries(db, "md:*:trade"):
        for event in decode_batch(fields[FIELD]).events:
            if isinstance(event, Trade) and int(event.id) >= base:
                found.events += 1
                found.last_ms = max(found.last_ms, ms)
                found.trades[int(event.id) - base] = ms
    return found


def bare(db: redis.Redis, base: int) -> Arrived:
    """The ceiling's batches: arrays of events, no head."""
    found = Arrived()
    for key, place in (("ceiling:quote", 9), ("ceiling:trade", 5)):
        for ms, fields in entries(db, key):
            rows: list[list[Any]] = msgspec.msgpack.decode(fields[FIELD])
            found.events += len(rows)
            found.last_ms = max(found.last_ms, ms)
            if place == 5:
                found.trades.update((int(row[place]) - base, ms) for row in rows)
    return found


def single(db: redis.Redis, base: int) -> Arrived:
    """One event an entry, as the peers write them."""
    found = Arrived()
    for pattern in ("ticker-*", "trades-*"):
        for ms, fields in entries(db, pattern):
            found.events += 1
            found.last_ms = max(found.last_ms, ms)
            if pattern == "trades-*":
                found.trades[int(fields[b"id"]) - base] = ms
    return found


def conflating(db: redis.Redis, base: int) -> Arrived:
    """One event an entry, of a client that says in the hash TAKEN what it has parsed."""
    found = single(db, base)
    frames, last_ms = cast(list[Any], db.hmget(TAKEN, "frames", "last_ms"))
    if frames is None or last_ms is None:
        return found
    return msgspec.structs.replace(found, taken=(int(frames), int(last_ms)))


def latencies(stamps: Iterable[list[int]], trades: Mapping[int, int]) -> list[float]:
    """Milliseconds from the frame's write to its entry, ascending. A stamp is (first, frames, mono ns, epoch ns)."""
    found = []
    for first, frames, _, epoch_ns in stamps:
        sent_ms = epoch_ns / 1e6
        found += [trades[n] + 0.5 - sent_ms for n in range(first, first + frames) if n in trades]
    return sorted(found)


def percentile(values: list[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(len(values) * share))], 3) if values else None


def middle(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure over the rounds."""
    found: dict[str, Any] = {}
    for name, value in rows[0].items():
        if isinstance(value, dict):
            found[name] = middle([row[name] for row in rows])
        else:
            known = [row[name] for row in rows if row[name] is not None]
            found[name] = round(median(known), 3) if known else None
    return found

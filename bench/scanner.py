"""`python -m bench scanner`: quotes of 8 exchanges x 1,000 coins through a real Redis and the scanner, beside pandas.

The scanner is one process pinned to one core; Redis, the writer and the reader of the board share another. In every
round each scanner in turn gets the same quotes: a backlog that it works off as fast as it can (events a second, until
the board shows the last of them), then 10,000 and 50,000 a second. Latency is from the moment a quote was
written to Redis to the moment the reader held a board row that shows it, or a newer one of the same market; it counts
only where the writer kept pace (`writer_late_ms` near 0), for writer and reader share a core. The other
scanner is the one that users write themselves: a dict of tickers and a table that is grouped by coin each time round.
At last the scanner's parts alone, in processor time (bench/folding.py).
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import redis

from bench.folding import folded, paused, shown
from bench.measure import middle, percentile, pin, usage
from bench.peers import CLIENTS, environment
from bench.prices import COINS, MARK, PACK, VENUES, Prices, coin
from deploy.local.process import REPOSITORY, free_port, start_server, stop_server
from services.scanner.engine import LEGS_A_TURN
from shared.codec import encode_batch
from shared.events import Quote
from shared.instruments import Instrument
from shared.streams import BOARD_CHANGES, FIELD, instruments, market_data

SCANNER_CORE, OTHER_CORE = 0, 1
RATES: Final = (10_000, 50_000)
#: The fold alone, of quotes at these rates: what a second costs beside its quotes weighs less where there are more.
FOLDED: Final = (50_000, 300_000)
PEER_BOARD: Final = "peer:board"
Row = dict[str, Any]
Market = tuple[str, str]
#: (venue, coin) -> when the quote was received that a row shows
Seen = Iterator[tuple[Market, int]]


def listing(venue: str) -> dict[str, bytes]:
    """A thousand perpetuals of one exchange."""
    return {
        f"perp:{coin(number)}USDT": msgspec.msgpack.encode(
            Instrument(
                venue=venue, market="perp", symbol=f"{coin(number)}/USDT:USDT", native=f"{coin(number)}USDT",
                base=coin(number), quote="USDT", settle="USDT", category="crypto", lot_size="0.001", min_size="0.001",
                min_notional="5", taker_fee_bps="5", funding_interval_h="8", status="trading",
            )
        )
        for number in range(COINS)
    }  # fmt: skip


class Writer:
    """Writes packs as collectors do: numbered by stream, received now."""

    def __init__(self, db: redis.Redis) -> None:
        self._db, self._seqs = db, [0] * VENUES
        self._mark = msgspec.msgpack.encode(MARK)

    def pack(self, venue: int, quotes: Sequence[Quote]) -> tuple[str, bytes]:
        seq, self._seqs[venue] = self._seqs[venue], self._seqs[venue] + 1
        return market_data(0, f"v{venue}", "quote"), encode_batch(f"bench-{venue}", seq, list(quotes))

    def write(self, packs: Sequence[tuple[str, bytes]]) -> int:
        """The time that the quotes carry, in ns."""
        now = time.time_ns()
        stamp = msgspec.msgpack.encode(now)
        pipe = self._db.pipeline(transaction=False)
        for key, body in packs:
            pipe.xadd(key, {FIELD: body.replace(self._mark, stamp)})
        pipe.execute()
        return now

    def beat(self) -> None:
        self.write([self.pack(venue, ()) for venue in range(VENUES)])


class Kind(msgspec.Struct, frozen=True):
    """A scanner: its command line by the port of Redis, how its board is read, and the events of its backlog."""

    name: str
    command: Callable[[int], Sequence[str]]
    stream: str
    read: Callable[[dict[bytes, bytes]], Seen]
    backlog: int


class _Leg(msgspec.Struct):
    venue: str
    recv: int | None = None


class _Shown(msgspec.Struct):
    asset: str
    legs: list[_Leg]


_rows: Final = msgspec.msgpack.Decoder(list[_Shown])
_peer_rows: Final = msgspec.json.Decoder(dict[str, tuple[Any, dict[str, int]]])


def ours(fields: dict[bytes, bytes]) -> Seen:
    for row in _rows.decode(fields[FIELD]):
        for leg in row.legs:
            if leg.recv is not None:
                yield (leg.venue, row.asset), leg.recv


def theirs(fields: dict[bytes, bytes]) -> Seen:
    for base, (_, seen) in _peer_rows.decode(fields[b"rows"]).items():
        for venue, recv in seen.items():
            yield (venue, base), recv


class Reader:
    """Follows a board and tells when each quote was first to be seen."""

    def __init__(self, db: redis.Redis, kind: Kind) -> None:
        self._db, self._kind, self._at = db, kind, b"$"
        newest: Any = db.xrevrange(kind.stream, count=1)
        self._at = newest[0][0] if newest else b"0-0"
        self.waiting: dict[Market, deque[int]] = {}
        self.times: list[float] = []

    def expect(self, market: Market, sent: int) -> None:
        self.waiting.setdefault(market, deque()).append(sent)

    def look(self, block_ms: int | None) -> None:
        """Take what has come, waiting so long for the first."""
        found: Any = self._db.xread({self._kind.stream: self._at}, count=50, block=block_ms)
        now = time.time_ns()
        for _, entries in found:
            for self._at, fields in entries:
                for market, recv in self._kind.read(fields):
                    queue = self.waiting.get(market)
                    while queue and queue[0] <= recv:
                        self.times.append((now - queue.popleft()) / 1e6)

    @property
    def owed(self) -> int:
        return sum(len(queue) for queue in self.waiting.values())


def paced(db: redis.Redis, kind: Kind, prices: Prices, writer: Writer, rate: int, seconds: float) -> Row:
    """Latency at a steady rate: a pack of one exchange each millisecond."""
    reader, size = Reader(db, kind), max(1, rate // 1000)
    packs = []
    for number in range(int(seconds * rate / size)):
        coins = [prices.dice.randrange(COINS) for _ in range(size)]
        venue = number % VENUES
        packs.append((venue, coins, writer.pack(venue, [prices.quote(one) for one in coins])))
    began = time.monotonic()
    for number, (venue, coins, pack) in enumerate(packs):
        while (left := began + number / 1000 - time.monotonic()) > 0:
            reader.look(max(1, int(left * 1000)) if left > 0.002 else None)
        sent = writer.write([pack])
        for one in coins:
            reader.expect((f"v{venue}", coin(one)), sent)
    late = time.monotonic() - began - len(packs) / 1000
    deadline = time.monotonic() + 10
    while reader.owed and time.monotonic() < deadline:
        reader.look(50)
    reader.times.sort()
    return {
        "p50_ms": percentile(reader.times, 0.5),
        "p99_ms": percentile(reader.times, 0.99),
        "unseen": reader.owed,
        "writer_late_ms": round(late * 1000),
    }


def saturated(db: redis.Redis, kind: Kind, prices: Prices, writer: Writer, pid: int) -> Row:
    """A backlog, until the board shows the last quote of every exchange."""
    packs = [
        writer.pack(number % VENUES, [prices.quote(prices.dice.randrange(COINS)) for _ in range(PACK)])
        for number in range(kind.backlog // PACK)
    ]
    last = [writer.pack(venue, [prices.quote(0)]) for venue in range(VENUES)]
    reader, cpu = Reader(db, kind), usage(pid).cpu_s
    began = time.monotonic()
    for at in range(0, len(packs), 16):
        writer.write(packs[at : at + 16])
    written = time.monotonic() - began
    sent = writer.write(last)
    for venue in range(VENUES):
        reader.expect((f"v{venue}", coin(0)), sent)
    deadline = began + 120
    while reader.owed and time.monotonic() < deadline:
        reader.look(50)
    spent = time.monotonic() - began
    used = usage(pid)
    count = len(packs) * PACK
    return {
        "events_per_s": round(count / spent),
        "cpu_us_per_event": round((used.cpu_s - cpu) / count * 1e6, 2),
        "written_s": round(written, 2),
        "rss_mb": round(used.rss_mb),
        "seen": not reader.owed,
    }


def alive(kind: Kind, child: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """Ends the bench where the scanner has ended: figures of one that stood still would say nothing."""
    if child.poll() is not None:
        said.seek(0)
        raise SystemExit(f"{kind.name} ended: {said.read().decode()[-2000:]}")


@contextmanager
def running(kind: Kind, db: redis.Redis, port: int, writer: Writer, prices: Prices) -> Iterator[int]:
    """The scanner, once it shows every coin; its process id."""
    db.flushall()
    for venue in range(VENUES):
        db.hset(instruments(f"v{venue}"), mapping=listing(f"v{venue}"))  # type: ignore[arg-type]
    env = os.environ | {
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "LOG_LEVEL": "error",
        "DATA_DIR": tempfile.gettempdir(),
    }
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads fills up, and the scanner stands still
        child = subprocess.Popen(kind.command(port), cwd=REPOSITORY, env=env, stdout=subprocess.DEVNULL, stderr=said)
        try:
            pin(child.pid, SCANNER_CORE)
            wait_shown(kind, child, said, db, writer, prices)
            yield child.pid
            alive(kind, child, said)
        finally:
            child.kill()
            child.wait()


def wait_shown(
    kind: Kind, child: subprocess.Popen[bytes], said: IO[bytes], db: redis.Redis, writer: Writer, prices: Prices
) -> None:
    """Quotes of everything, until the board shows every market."""
    reader, deadline = Reader(db, kind), time.monotonic() + 60
    shown: set[Market] = set()
    while len(shown) < VENUES * COINS:
        alive(kind, child, said)
        if time.monotonic() > deadline:
            raise SystemExit(f"{kind.name} shows {len(shown)} markets of {VENUES * COINS} after 60 s")
        for venue in range(VENUES):
            for at in range(0, COINS, PACK):
                numbers = range(at, min(at + PACK, COINS))
                sent = writer.write([writer.pack(venue, [prices.quote(number) for number in numbers])])
                for number in numbers:
                    reader.expect((f"v{venue}", coin(number)), sent)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            reader.look(100)
        shown = {market for market, queue in reader.waiting.items() if not queue}


def one(kind: Kind, db: redis.Redis, port: int, seed: int, seconds: float) -> Row:
    """One scanner in one round."""
    prices, writer = Prices(seed), Writer(db)
    with running(kind, db, port, writer, prices) as pid:
        row: Row = {"p50_ms": {}, "p99_ms": {}, "unseen": {}, "writer_late_ms": {}}
        for rate in RATES:
            found = paced(db, kind, prices, writer, rate, seconds)
            for name in ("p50_ms", "p99_ms", "unseen", "writer_late_ms"):
                row[name][str(rate)] = found[name]
        for key in db.scan_iter("md:*:quote"):
            db.xtrim(key, maxlen=0, approximate=False)
        return row | saturated(db, kind, prices, writer, pid)


def kinds(with_peer: bool) -> list[Kind]:
    found = [
        Kind("parallax", lambda port: [sys.executable, "-m", "services.scanner"], BOARD_CHANGES, ours, 2_000_000),
    ]
    if not with_peer:
        return found
    interpreter = environment("pandas", ["pandas", "redis", "msgpack"], sys.executable)
    if interpreter:
        script = str(CLIENTS / "pandas_scanner.py")
        command = lambda port: [interpreter, script, str(port), str(VENUES)]  # noqa: E731
        found.append(Kind("pandas", command, PEER_BOARD, theirs, 200_000))
    return found


def show(results: dict[str, Row]) -> None:
    print(f"\n{'scanner':12}{'events/s':>12}{'µs/event':>10}{'RSS MB':>8}{'p50/p99 ms at 10k':>22}{'at 50k':>20}")
    for name, row in results.items():
        paces = [f"{row['p50_ms'][str(rate)]} / {row['p99_ms'][str(rate)]}" for rate in RATES]
        print(
            f"{name:12}{row['events_per_s']:>12,.0f}{row['cpu_us_per_event']:>10.2f}{row['rss_mb']:>8.0f}"
            f"{paces[0]:>22}{paces[1]:>20}"
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench scanner", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each steady rate")
    parser.add_argument("--no-peer", action="store_true", help="leave the pandas scanner out")
    given = parser.parse_args(arguments)
    if (os.cpu_count() or 1) < 2:
        print("bench: two cores are needed, one for the scanner and one for everything else", file=sys.stderr)
        return 2
    chosen = kinds(not given.no_peer)
    rows: dict[str, list[Row]] = {kind.name: [] for kind in chosen}
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        server = start_server(
            ["deploy.local.redis_server", "--data", home, "--port", str(port), "--memory-mb", "4096"],
            port,
            Path(home) / "redis.log",
        )
        try:
            pin(server.pid, OTHER_CORE)
            os.sched_setaffinity(0, {OTHER_CORE})
            db = redis.Redis(port=port)
            print(f"{VENUES} exchanges x {COINS} coins, {given.rounds} rounds")
            for number in range(given.rounds):
                for kind in chosen:
                    row = one(kind, db, port, number, given.seconds)
                    rows[kind.name].append(row)
                    print(f"  round {number + 1} {kind.name:12}{row['events_per_s']:>10,} events/s", flush=True)
        finally:
            stop_server(server, signal.SIGTERM)
    results = {name: middle(found) for name, found in rows.items()}
    show(results)
    results["fold"] = {str(rate): round(max(folded(rate, 500_000) for _ in range(3))) for rate in FOLDED}
    print(
        f"{'fold alone':12}" + ", ".join(f"{found:,} events/s at {rate}/s" for rate, found in results["fold"].items())
    )
    results["row_us"], results["checkpoint_pause_ms"] = shown(), paused(LEGS_A_TURN)
    for name in ("row_us", "checkpoint_pause_ms"):
        print(f"{name}: " + ", ".join(f"{value} {how}" for how, value in results[name].items()))
    print(msgspec.json.encode(results).decode())
    return 0

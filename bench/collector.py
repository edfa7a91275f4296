"""`python -m bench collector`: frames from a loopback exchange into a real Redis, beside what a user would run instead.

Each client is one process pinned to one core; exchange and Redis share another. In every round each client in turn is
started on an empty Redis, subscribes 500 perpetuals (quotes and trades), and gets the same frames: first as many as it
can take, then 2,000, 10,000 and 20,000 a second. Figures are medians over the rounds; compare them as ratios.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import redis

from bench.measure import TAKEN, latencies, middle, percentile, pin, usage
from bench.peers import Load, Peer, peers
from deploy.local.process import REPOSITORY, free_port, start_server, stop_server

CLIENT_CORE, OTHER_CORE = 0, 1
SYMBOLS: Final = 500
INSTRUMENTS: Final = 1000
RATES: Final = (2_000, 10_000, 20_000)
VENUE: Final = "binance"
NAMES: Final = ("cryptofeed-2.4.1", "cryptofeed-3.0.1", "ccxt.pro")
Row = dict[str, Any]


class Exchange:
    """The simulator, asked over its own endpoints."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, body: Row | None = None) -> Any:
        data = None if body is None else msgspec.json.encode(body)
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", data=data), timeout=30) as answer:
            return msgspec.json.decode(answer.read())

    def subscribed(self) -> int:
        """Topics of quotes and trades that somebody follows now."""
        return sum(socket["topics"] for socket in self.ask("/_sim/state")["venues"][VENUE]["sockets"])

    def blast(self, **order: Any) -> Row:
        """Run a blast to its end and return its report."""
        self.ask("/_sim/blast", {"venue": VENUE, "market": "perp", **order})
        while (report := self.ask("/_sim/blast"))["state"] != "done":
            time.sleep(0.1)
        return dict(report)

    def stamps(self) -> Row:
        return dict(self.ask("/_sim/stamps"))


@contextmanager
def stage() -> Iterator[tuple[Exchange, int]]:
    """A Redis and an exchange on the other core."""
    with tempfile.TemporaryDirectory() as home:
        redis_port, port = free_port(), free_port()
        server = start_server(
            ["deploy.local.redis_server", "--data", home, "--port", str(redis_port), "--memory-mb", "4096"],
            redis_port,
            Path(home) / "redis.log",
        )
        exchange = start_server(
            ["services.simulator", "--port", str(port), "--venues", VENUE, "--scenario", "calm", "--rate", "0",
             "--instruments", str(INSTRUMENTS)],
            port,
            Path(home) / "exchange.log",
        )  # fmt: skip
        pin(server.pid, OTHER_CORE)
        pin(exchange.pid, OTHER_CORE)
        try:
            yield Exchange(f"http://127.0.0.1:{port}"), redis_port
        finally:
            stop_server(exchange, signal.SIGTERM)
            stop_server(server, signal.SIGTERM)


def load_of(exchange: Exchange, redis_port: int) -> Load:
    """The perpetuals that every client can name: plain letters, one coin a contract unit."""
    listed = exchange.ask("/fapi.binance.com/fapi/v1/exchangeInfo")["symbols"]
    rows = [
        row
        for row in listed
        if row["contractType"] == "PERPETUAL"
        and row["status"] == "TRADING"
        and row["quoteAsset"] == "USDT"
        and row["baseAsset"].isascii()
        and row["baseAsset"].isalpha()
    ][:SYMBOLS]
    topics = [row["symbol"].lower() for row in rows]
    return Load(
        exchange.url,
        redis_port,
        tuple(row["baseAsset"] for row in rows),
        tuple(f"{topic}@bookTicker" for topic in topics),
        tuple(f"{topic}@aggTrade" for topic in topics),
    )


@contextmanager
def running(peer: Peer, load: Load, exchange: Exchange, db: redis.Redis) -> Iterator[int]:
    """The client, once it has subscribed everything; its process id."""
    db.flushall()
    env = os.environ | {
        "REDIS_URL": f"redis://127.0.0.1:{load.redis_port}/0",
        "VENUE_GATEWAY": load.gateway,
        "LOG_LEVEL": "error",
        "DATA_DIR": tempfile.gettempdir(),
    }
    if peer.name == "parallax":
        until = (time.time() + 3600) * 1000
        db.zadd(f"demand:{VENUE}:trade", {f"{coin}/USDT:USDT": until for coin in load.coins})
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads fills up, and the client stands still
        child = subprocess.Popen(peer.command(load), cwd=REPOSITORY, env=env, stdout=subprocess.DEVNULL, stderr=said)
        try:
            _wait_subscribed(peer, child, said, exchange, 2 * len(load.coins))
            pin(child.pid, CLIENT_CORE)
            yield child.pid
            _alive(peer, child, said)
        finally:
            child.kill()
            child.wait()
            while exchange.subscribed():
                time.sleep(0.1)


def _alive(peer: Peer, child: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """Ends the bench where the client has ended: it would have no figures."""
    if child.poll() is not None:
        said.seek(0)
        raise SystemExit(f"{peer.name} ended: {said.read().decode(errors='replace')[-2000:]}")


def _wait_subscribed(
    peer: Peer, child: subprocess.Popen[bytes], said: IO[bytes], exchange: Exchange, least: int
) -> None:
    deadline, before = time.monotonic() + 90, -1
    while time.monotonic() < deadline:
        _alive(peer, child, said)
        now = exchange.subscribed()
        if now >= least and now == before:
            return
        before = now
        time.sleep(1.0)
    raise SystemExit(f"{peer.name} has subscribed {before} topics of {least} after 90 s")


def one(peer: Peer, load: Load, exchange: Exchange, db: redis.Redis, rates: Sequence[int]) -> Row:
    """One client in one round."""
    row: Row = {"p50_ms": {}, "p99_ms": {}, "cpu_us": {}, "lost": {}}
    with running(peer, load, exchange, db) as pid:
        row["rss_start_mb"] = usage(pid).rss_mb
        for rate in rates:
            figures = _blasted(peer, exchange, db, pid, frames=rate * 6, rate=rate)
            for name in ("p50_ms", "p99_ms", "lost"):
                row[name][str(rate)] = figures[name]
            row["cpu_us"][str(rate)] = figures["cpu_us_per_frame"]
        figures = _blasted(peer, exchange, db, pid, frames=peer.frames)
        row["frames_per_s"], row["cpu_us_per_frame"] = figures["frames_per_s"], figures["cpu_us_per_frame"]
        row["lost"]["saturated"] = figures["lost"]
        row["rss_mb"], row["peak_mb"] = usage(pid).rss_mb, usage(pid).peak_mb
    return row


def _blasted(peer: Peer, exchange: Exchange, db: redis.Redis, pid: int, **order: Any) -> Row:
    for key in db.scan_iter("*", count=1000, _type="stream"):
        db.xtrim(key, maxlen=0, approximate=False)
    db.delete(TAKEN)
    before = usage(pid)
    report = exchange.blast(**order)
    _wait_quiet(pid)
    cpu_s = usage(pid).cpu_s - before.cpu_s
    table = exchange.stamps()
    arrived = peer.read(db, table["base"])
    times = latencies(table["stamps"], arrived.trades)
    return {
        "frames_per_s": arrived.frames_per_s(table["stamps"][0][3] / 1e6),
        "cpu_us_per_frame": round(cpu_s / report["sent"] * 1e6, 2),
        "lost": report["sent"] - arrived.events,
        "p50_ms": percentile(times, 0.50),
        "p99_ms": percentile(times, 0.99),
    }


def _wait_quiet(pid: int) -> None:
    """Until the client has worked off what it holds: it uses less than a tenth of its core."""
    for _ in range(600):
        before = usage(pid).cpu_s
        time.sleep(0.5)
        if usage(pid).cpu_s - before < 0.05:
            return


def show(results: dict[str, Row]) -> None:
    ours = results["parallax"]
    print(
        f"\n{'client':18}{'frames/s':>10}{'ours ×':>8}{'µs/frame':>10}{'@10k':>8}{'RSS MB':>8}{'lost':>9}"
        f"{'p50/p99 ms at 20k':>20}"
    )
    for name, row in results.items():
        p50, p99 = row["p50_ms"].get("20000"), row["p99_ms"].get("20000")
        ratio = f"{ours['frames_per_s'] / row['frames_per_s']:.2f}" if row["frames_per_s"] else "-"
        print(
            f"{name:18}{row['frames_per_s']:>10,.0f}{ratio:>8}{row['cpu_us_per_frame']:>10.1f}"
            f"{row['cpu_us'].get('10000', 0):>8.1f}{row['peak_mb']:>8.0f}"
            f"{row['lost']['saturated']:>9,}{p50!s:>12} / {p99}"
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench collector", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=os.environ.get("PEERS", ",".join(NAMES)), help="empty: the ceiling alone")
    parser.add_argument("--saturated-only", action="store_true", help="leave the paced blasts out")
    given = parser.parse_args(arguments)
    if (os.cpu_count() or 1) < 2:
        print("bench: two cores are needed, one for the client and one for everything else", file=sys.stderr)
        return 2
    chosen = peers([name for name in given.peers.split(",") if name])
    rows: dict[str, list[Row]] = {peer.name: [] for peer in chosen}
    with stage() as (exchange, redis_port):
        load, db = load_of(exchange, redis_port), redis.Redis(port=redis_port)
        os.sched_setaffinity(0, {OTHER_CORE})
        print(f"{len(load.coins)} perpetuals, {INSTRUMENTS} instruments, {given.rounds} rounds")
        for number in range(given.rounds):
            for peer in chosen:
                row = one(peer, load, exchange, db, () if given.saturated_only else RATES)
                rows[peer.name].append(row)
                print(f"  round {number + 1} {peer.name:18}{row['frames_per_s']:>10,} frames/s", flush=True)
    results = {name: middle(found) for name, found in rows.items()}
    show(results)
    print(msgspec.json.encode(results).decode())
    return 0

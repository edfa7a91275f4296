"""Real processes and a real Redis: whatever is killed when, each entry is archived once, in order, as it was."""

import asyncio
import os
import random
import resource
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.archiver.seal import seal
from services.archiver.store import Head
from shared import streams
from shared.archive import journal, layout
from shared.archive.reading import Archive
from shared.archive.records import Entry
from shared.archive.rows import KINDS, Item, item_of
from shared.bus import Redis
from shared.codec import encode_batch
from tests.shared.archive.made import EVENTS
from tests.shared.tools import program

VENUES, KILLS, PATIENCE_S = ("alpha", "beta"), 7, 120


@asynccontextmanager
async def archiver(
    redis_url: str, folder: Path, preface: tuple[str, ...] = (), log: int | None = None, **more: str
) -> AsyncIterator[Process]:
    """`preface`: what the program is begun with; `log`: where its log goes, else ours."""
    own = {"REDIS_URL": redis_url, "DATA_DIR": str(folder), "ARCHIVE_DAYS": "1", "LOG_LEVEL": "warning"}
    command = (*preface, sys.executable, "-m", "services.archiver")
    async with program(*command, env={**os.environ, **own, **more}, stderr=log) as child:
        yield child


class Market:
    """Two venues' collectors, and the scanner's two streams; ids are Redis's own."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.seqs: dict[str, int] = {}

    async def begin(self) -> None:
        for venue in VENUES:
            await self.client.hset(streams.instruments(venue), "perp:X", b"\x80")

    async def step(self) -> None:
        for kind, events in EVENTS.items():
            for venue in VENUES:
                key = streams.market_data(0, venue, kind)
                seq = self.seqs[key] = self.seqs.get(key, -1) + 1
                await self.client.xadd(key, {streams.FIELD: encode_batch(f"{venue}-1", seq, events)})
        await self.client.xadd(streams.control(0), {streams.FIELD: b"\x93\xa1o\x00\x90"})
        await self.client.xadd(streams.signals(0), {streams.FIELD: b"signal"})


async def written(client: Redis) -> list[Item]:
    """All streams, by an own reading of them, in the archive's order."""
    found: list[Entry] = []
    keys: Any = [streams.control(0), streams.signals(0)]
    keys += [streams.market_data(0, venue, kind) for venue in VENUES for kind in EVENTS]
    for key in keys:
        rows: Any = await client.xrange(key)
        for entry_id, fields in rows:
            ms, _, seq = entry_id.decode().partition("-")
            found.append(Entry(key, int(ms), int(seq), fields[streams.FIELD]))
    return [item_of(entry) for entry in sorted(found, key=lambda entry: entry.order)]


async def begun(root: Path, *, counted: bool = False) -> None:
    """The account is on the disk: what is written from here on is archived, whoever is killed; of what was before, only
    what is as young as ten seconds. `counted`: it holds how many entries the streams have had."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for path in layout.journals(root).values():
                head = next((block.head for block in journal.blocks(path)), None)
                if head is None:
                    continue
                accounts = msgspec.json.decode(head, type=Head).streams.values()
                if not counted or all(one["ordinal"] is not None for one in accounts):
                    return
            await asyncio.sleep(0.05)


async def holds(root: Path, entries: int, gaps: int = 0) -> list[Item]:
    """What is archived once it is so much."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = list(Archive(root).items(kinds=KINDS))
            if len(found) >= entries and len(Archive(root).gaps()) >= gaps:
                return found
            await asyncio.sleep(0.2)


async def accounted(root: Path, entries: int) -> list[Item]:
    """What is archived once that and what is told to be gone are so much."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = list(Archive(root).items(kinds=KINDS))
            if len(found) + sum(gap.entries or 0 for gap in Archive(root).gaps() if gap.breaks) == entries:
                return found
            await asyncio.sleep(0.2)


async def archived(client: Redis, root: Path) -> list[Item]:
    """What is archived once the last entry is."""
    return await holds(root, len(await written(client)))


async def test_kills_under_load_lose_and_double_nothing(redis_url: str, redis_client: Redis, tmp_path: Path) -> None:
    market, rng, root = Market(redis_client), random.Random(5), tmp_path / "archive"
    await market.begin()
    async with archiver(redis_url, tmp_path):
        await begun(root)
    for number in range(KILLS):
        async with archiver(redis_url, tmp_path) as process:
            deadline = asyncio.get_running_loop().time() + rng.uniform(0.6, 1.6)
            while asyncio.get_running_loop().time() < deadline:
                await market.step()
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        if number % 3 == 0:
            for segment in list(layout.journals(root))[:-1]:
                seal(root, segment)
    async with archiver(redis_url, tmp_path) as process:
        found = await archived(redis_client, root)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert found == await written(redis_client)
    assert Archive(root).gaps() == []


async def test_of_two_at_once_one_writes_and_the_other_takes_over(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    market = Market(redis_client)
    await market.begin()
    async with archiver(redis_url, tmp_path) as first, archiver(redis_url, tmp_path):
        await begun(tmp_path / "archive")
        for number in range(100):
            await market.step()
            await asyncio.sleep(0.01)
            if number == 60:
                first.send_signal(signal.SIGKILL)
        assert await archived(redis_client, tmp_path / "archive") == await written(redis_client)


async def test_what_was_trimmed_while_nobody_archived_is_a_gap(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    market, root = Market(redis_client), tmp_path / "archive"
    key = streams.market_data(0, "alpha", "quote")
    await market.begin()
    await market.step()  # long gone, when the archive begins
    async for one in redis_client.scan_iter(_type="stream"):
        await redis_client.xtrim(one, maxlen=0, approximate=False)
    async with archiver(redis_url, tmp_path) as process:
        await begun(root)
        for _ in range(5):
            await market.step()
        before = await archived(redis_client, root)
        await begun(root, counted=True)
        process.send_signal(signal.SIGKILL)
    for _ in range(7):
        await market.step()
    await redis_client.xtrim(key, maxlen=3, approximate=False)
    async with archiver(redis_url, tmp_path):
        found = await accounted(root, len(before) + 7 * 16)
    assert found[: len(before)] == before
    assert [(gap.stream, gap.entries, gap.reason) for gap in Archive(root).gaps() if gap.breaks] == [
        (key, 4, "trimmed")
    ]


def room(process: Process, size: int) -> None:
    """No file of a process grows beyond so many bytes: a write fails then, as it does on a full disk."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


async def paused(client: Redis, expected: bytes) -> str:
    """What the archiver says once it is, or is no longer, paused."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for key in await client.keys(streams.health("_archiver", "*")):
                said: Any = await client.hgetall(key)
                if said.get(b"paused") == expected:
                    return str(said[b"detail"].decode())
            await asyncio.sleep(0.05)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="NOT TESTED: only Linux limits another process")
async def test_on_a_full_disk_archiving_pauses_and_goes_on_and_what_redis_let_go_meanwhile_is_a_gap(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    market, root = Market(redis_client), tmp_path / "archive"
    key = streams.market_data(0, "alpha", "quote")
    await market.begin()
    limit = ("sh", "-c", 'ulimit -S -f 0 && exec "$@"', "sh")
    async with archiver(redis_url, tmp_path, limit, asyncio.subprocess.DEVNULL) as process:
        assert "cannot be written" in await paused(redis_client, b"1")
        assert list(Archive(root).items(kinds=KINDS)) == []
        for _ in range(5):
            await market.step()
        room(process, resource.RLIM_INFINITY)
        assert await paused(redis_client, b"0") == ""
        before = await archived(redis_client, root)
        room(process, 1)
        await market.step()
        assert "cannot be written" in await paused(redis_client, b"1")
        for _ in range(6):
            await market.step()
        every = await written(redis_client)
        await redis_client.xtrim(key, maxlen=3, approximate=False)
        room(process, resource.RLIM_INFINITY)
        assert await paused(redis_client, b"0") == ""
        rest = await written(redis_client)
        found = await accounted(root, len(every))
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert found[: len(before)] == before
    assert [one for one in every if one in found] == found
    assert [one for one in rest if one not in found] == []
    gaps = [(gap.stream, gap.reason) for gap in Archive(root).gaps() if gap.breaks]
    lost = sum(gap.entries or 0 for gap in Archive(root).gaps() if gap.breaks)
    assert (set(gaps), len(found) + lost) == ({(key, "trimmed")}, len(every))


async def test_a_redis_that_lost_its_data_is_a_gap_and_nothing_is_doubled(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    market, root = Market(redis_client), tmp_path / "archive"
    await market.begin()
    async with archiver(redis_url, tmp_path):
        await begun(root)
        for _ in range(5):
            await market.step()
        before = await archived(redis_client, root)
        await redis_client.flushall()
        await market.begin()
        for _ in range(5):
            await market.step()
        after = await written(redis_client)
        found = await holds(root, len(before) + len(after), gaps=1)
    assert found == [*before, *after]
    assert {gap.reason for gap in Archive(root).gaps()} == {"redis_reset"}


async def test_a_batch_that_was_sent_twice_is_archived_once_and_none_of_ours_not_at_all(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    market, root = Market(redis_client), tmp_path / "archive"
    key = streams.market_data(0, "alpha", "quote")
    await market.begin()
    async with archiver(redis_url, tmp_path):
        await begun(root)
        await market.step()
        await redis_client.xadd(key, {streams.FIELD: encode_batch("alpha-1", 0, EVENTS["quote"])})
        await redis_client.xadd(key, {streams.FIELD: b"none of ours"})
        await redis_client.xadd(key, {b"v9": b"newer"})
        await market.step()
        found = await holds(root, 2 * 16, gaps=2)
    assert [item[3].seq for item in found if item[1] == key] == [0, 1]  # type: ignore[union-attr]
    assert [gap.reason.partition(":")[0] for gap in Archive(root).gaps()] == ["rejected", "rejected"]

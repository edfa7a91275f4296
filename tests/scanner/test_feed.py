"""One order from many streams, and the same records at any speed and however the reading is cut."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from services.scanner import feed as feeds
from services.scanner.control import ControlBatch, Tick
from services.scanner.control import encode as encode_control
from services.scanner.feed import Feed, before, parse_id
from services.scanner.fold import Fold
from services.scanner.wire import Wire
from shared.bus import Redis
from shared.codec import Batch, encode_batch
from shared.streams import FIELD
from tests.scanner.script import Script
from tests.scanner.tape import CTL, Entry
from tests.scanner.tape import feed as fold_all


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    one = Wire(redis_url)
    await one.open()
    yield one
    one.close()


async def store(client: Redis, entries: list[Entry]) -> dict[str, str]:
    """Put a recorded stream into Redis under its own ids. Returns the positions before all of it."""
    async with client.pipeline(transaction=False) as pipe:
        for ms, key, seq, batch in entries:
            if isinstance(batch, ControlBatch):
                data = encode_control(batch.producer, batch.seq, batch.events)
            else:
                data = encode_batch(batch.producer, batch.seq, batch.events)
            pipe.xadd(key, {FIELD: data}, id=f"{ms}-{seq}")
        await pipe.execute()
    return {key: "0-0" for _, key, _, _ in entries}


@pytest.mark.parametrize(("count", "pause_s"), [(1000, 0.0), (50, 0.0), (7, 0.001)])
async def test_a_recorded_stream_gives_the_same_records_at_any_speed_and_chunking(
    wire: Wire, redis_client: Redis, monkeypatch: pytest.MonkeyPatch, count: int, pause_s: float
) -> None:
    monkeypatch.setattr(feeds, "COUNT", count)
    entries = Script(11).write(40).ordered()
    expected = [msgspec.msgpack.encode(record) for record in fold_all(Fold(), entries)]
    one, fold = Feed(wire, CTL, await store(redis_client, entries)), Fold()
    met: list[tuple[int, str, int]] = []
    made: list[bytes] = []
    while len(met) < len(entries):
        for ms, key, seq, batch in await one.turn(10):
            met.append((ms, key, seq))
            fold.take(key, ms, seq, batch)
        made += [msgspec.msgpack.encode(record) for record in fold.drain()]
        await asyncio.sleep(pause_s)
    assert met == [entry[:3] for entry in entries]
    assert made == expected
    assert len(expected) > 3
    assert one.positions == {key: f"{ms}-{seq}" for ms, key, seq in met}


async def test_entries_written_while_reading_come_once_and_in_order(wire: Wire, redis_client: Redis) -> None:
    keys = [f"md:{{0}}:{venue}:quote" for venue in ("alpha", "beta", "gamma")]
    one = Feed(wire, CTL, dict.fromkeys(keys, "0-0"))

    async def write() -> None:
        for number in range(300):
            async with redis_client.pipeline(transaction=False) as pipe:
                for key in keys[: number % 3 + 1]:
                    pipe.xadd(key, {FIELD: encode_batch("p", number, [])})
                await pipe.execute()

    writing = asyncio.create_task(write())
    met: list[tuple[int, str, int]] = []
    while len(met) < 600:
        met += [entry[:3] for entry in await one.turn(10)]
    await writing
    assert met == sorted(set(met))
    assert len(met) == 600


@pytest.mark.parametrize("count", [1000, 7])
async def test_a_replay_is_read_in_the_order_of_its_recorded_ids_while_it_is_written(
    wire: Wire, redis_client: Redis, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(feeds, "COUNT", count)
    entries = [entry for entry in Script(11).write(20).ordered() if isinstance(entry[3], Batch)]
    one = Feed(wire, CTL, {**{key: "0-0" for _, key, _, _ in entries}, CTL: "0-0"}, recorded=True)

    async def write() -> None:
        for at in range(0, len(entries), 61):
            await store(redis_client, entries[at : at + 61])
            await redis_client.xadd(CTL, {FIELD: encode_control("owner", at // 61, [Tick(at)])})

    writing = asyncio.create_task(write())
    met: list[Entry] = []
    said: list[Entry] = []
    newest = entries[-1][0]
    while len(met) < sum(ms < newest for ms, *_ in entries) or len(said) < len(range(0, len(entries), 61)):
        for entry in await one.turn(10):
            (said if entry[1] == CTL else met).append(entry)
            if entry[1] == CTL:
                assert entry[0] == max((ms for ms, *_ in met), default=0), "it counts from where time stands"
    await writing
    assert [entry[:3] for entry in met] == [entry[:3] for entry in entries if entry[0] < newest]
    assert [batch.seq for *_, batch in said] == list(range(len(said)))
    assert one.head_ms == newest


async def test_what_cannot_be_read_is_counted_and_passed_over(wire: Wire, redis_client: Redis) -> None:
    key = "md:{0}:alpha:quote"
    await redis_client.xadd(key, {FIELD: b"nonsense"})
    await redis_client.xadd(key, {b"v9": b""})
    await redis_client.xadd(key, {FIELD: encode_batch("p", 0, [])})
    one = Feed(wire, CTL, {key: "0-0"})
    found: list[Entry] = []
    while not found:
        found = await one.turn(10)
    assert (len(found), one.unreadable) == (1, 2)


async def test_a_broken_connection_is_an_error_and_not_a_silence(wire: Wire) -> None:
    one = Feed(wire, CTL, {CTL: "0-0"})
    wire.close()
    with pytest.raises(ConnectionError):
        await one.turn(10)


def test_the_position_before_an_id() -> None:
    assert before(5, 3) == "5-2"
    assert before(5) == f"4-{(1 << 64) - 1}"
    assert parse_id(b"5-2") == (5, 2)

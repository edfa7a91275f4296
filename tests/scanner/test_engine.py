"""What a turn writes to the board, on a real Redis."""

import asyncio
from typing import Any

import msgspec

from services.scanner import lease
from services.scanner.__main__ import sums
from services.scanner.control import Listing
from services.scanner.detectors.tracks import PAIRS_MAX
from services.scanner.engine import Engine
from services.scanner.feed import Feed
from services.scanner.fold import Fold
from services.scanner.resume import Hold, take_over
from services.scanner.wire import Wire
from shared import streams
from shared.bus import Redis
from shared.config import Runtime
from shared.metrics import METRICS
from shared.signals import BoardRow
from tests.scanner.legs import AT, leg
from tests.scanner.tape import CTL, Tape, feed, hold, row


async def wire_to(url: str) -> Wire:
    made = Wire(url)
    await made.open()
    return made


async def run_until(engine: Engine, client: Redis, expected: set[bytes]) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(engine.run(stop))
    async with asyncio.timeout(60):
        while set(await client.hkeys(streams.BOARD)) != expected:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.01)
    stop.set()
    await running


async def told(client: Redis) -> list[BoardRow]:
    rows: Any = await client.xrange(streams.BOARD_CHANGES)
    return [one for _, fields in rows for one in msgspec.msgpack.decode(fields[streams.FIELD], type=list[BoardRow])]


async def test_a_coin_that_went_and_one_that_nobody_knows_leave_the_board(redis_client: Redis, redis_url: str) -> None:
    tape = Tape().begin({"alpha": [row("AAA"), row("BBB")]})
    tape.quote("alpha", "AAA/USDT:USDT", "1", "2").quote("alpha", "BBB/USDT:USDT", "1", "2")
    fold = Fold()
    feed(fold, tape.ordered())
    fence = await lease.claim(redis_client, 0, "me")
    await redis_client.hset(streams.BOARD, "OLD", b"a row of before")
    wire = await wire_to(redis_url)
    one = Feed(wire, CTL, {CTL: "0-0"})
    await run_until(Engine(Hold(0, fence, fold, one, frozenset({"OLD"})), wire), redis_client, {b"AAA", b"BBB"})
    after = Tape(tape.now, [], tape.seqs, tape.ids).ctl(Listing("alpha", [], [("perp", "AAAUSDTP")]))
    feed(fold, hold(after, ("alpha",), 125_000, 1000).ordered())
    await run_until(Engine(Hold(0, fence, fold, one), wire), redis_client, {b"BBB"})
    wire.close()
    changes = await told(redis_client)
    assert [(changes[0].asset, changes[0].legs, changes[0].why)] == [("OLD", (), "delisted")]
    assert [one.asset for one in changes if not one.legs] == ["OLD", "AAA"]


def test_pairs_that_found_no_room_and_all_else_are_summed_over_the_partitions() -> None:
    every = [leg("1", "2", venue=f"v{number:04}") for number in range(PAIRS_MAX + 2)]
    wire, engines = Wire("redis://127.0.0.1/0"), []
    for partition in range(2):
        fold = Fold()
        fold.entries = 3
        for number in range(PAIRS_MAX + 1):
            fold.memory.tracks.near((every[number], every[number + 1]), AT)
        engines.append(Engine(Hold(partition, 1, fold, Feed(wire, CTL, {CTL: "0-0"})), wire))
    found = sums(engines)
    assert (found["partitions"], found["pairs_refused_total"], found["entries_total"]) == (2, 2, 6)
    assert "pairs_refused_total" in METRICS


async def test_who_takes_over_knows_which_rows_of_the_board_say_nothing(redis_client: Redis, redis_url: str) -> None:
    await redis_client.set(streams.META_PARTITIONS, "2")
    for name in ("AAA", "BBB", "CCC", "DDD"):
        await redis_client.hset(streams.BOARD, name, b"a row")
    wire = await wire_to(redis_url)
    found = await take_over(redis_client, wire, 1, await lease.claim(redis_client, 1, "me"), Runtime())
    wire.close()
    assert found.unknown == {name for name in ("AAA", "BBB", "CCC", "DDD") if streams.partition_of(name, 2) == 1}
    assert 0 < len(found.unknown) < 4

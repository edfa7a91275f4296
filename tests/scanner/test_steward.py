"""What the owner of a partition asks for and keeps, on a real Redis."""

import asyncio

import pytest

from services.scanner import lease
from services.scanner.control import Config, ControlBatch, Join, Listing, Start, Tick, encode
from services.scanner.engine import Engine
from services.scanner.feed import Feed
from services.scanner.fold import Fold
from services.scanner.resume import Hold, take_over
from services.scanner.steward import KINDS, Steward
from services.scanner.wire import Wire
from shared import streams
from shared.bus import Redis
from shared.codec import Batch
from shared.config import Runtime
from shared.events import Quote
from shared.streams import market_data
from tests.scanner.tape import CTL, MS, T0, Tape, feed, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def near() -> Tape:
    """Two venues, 40 bps apart, for a minute and a half."""
    one = Tape().begin({venue: [row("WIF")] for venue in VENUES})
    one.quote("alpha", SYMBOL, "1.9999", "2.0000").quote("beta", SYMBOL, "2.0080", "2.0081")
    for _ in range(2):
        hold(one, VENUES, 45_000, 500)
        one.quote("alpha", SYMBOL, "1.9999", "2.0000").quote("beta", SYMBOL, "2.0080", "2.0081")
    return hold(one, VENUES, 1000)


async def held(client: Redis, url: str) -> tuple[Hold, Wire]:
    fold = Fold()
    tape = near()
    feed(fold, tape.ordered())
    await client.xadd(CTL, {streams.FIELD: encode("owner", 0, [Tick(tape.now * MS)])}, id=f"{tape.now}-0")
    positions = dict.fromkeys((CTL, *fold.sources), f"{tape.now}-0")
    wire = Wire(url)
    await wire.open()
    fence = await lease.claim(client, 0, "me")
    return Hold(0, fence, fold, Feed(wire, CTL, positions)), wire


async def test_the_books_of_near_pairs_are_asked_for_some_seconds_ahead(redis_client: Redis, redis_url: str) -> None:
    mine, wire = await held(redis_client, redis_url)
    longer = 9_999_999_999_999
    await redis_client.zadd(streams.demand("beta", "book"), {SYMBOL: longer})

    async def load() -> Runtime:
        return mine.fold.judge.runtime

    stop = asyncio.Event()
    running = asyncio.create_task(Steward(mine, redis_client, wire, 1, load).run(stop))
    async with asyncio.timeout(60):
        while (until := await redis_client.zscore(streams.demand("alpha", "book"), SYMBOL)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    seconds, _ = await redis_client.time()
    assert 10_000 < until - seconds * 1000 < 21_000
    assert await redis_client.zscore(streams.demand("beta", "book"), SYMBOL) == longer
    stop.set()
    await running
    wire.close()


async def test_a_checkpoint_from_before_books_were_read_reads_them_from_now_on(
    redis_client: Redis, redis_url: str
) -> None:
    mine, wire = await held(redis_client, redis_url)
    books = market_data(0, "alpha", "book")
    assert "book" in KINDS
    assert books not in mine.fold.sources

    async def load() -> Runtime:
        return mine.fold.judge.runtime

    stop = asyncio.Event()
    running = asyncio.create_task(Steward(mine, redis_client, wire, 1, load).run(stop))
    async with asyncio.timeout(60):
        while books not in mine.feed.positions:  # noqa: ASYNC110 - another task changes it
            await asyncio.sleep(0.01)
    stop.set()
    await running
    async with asyncio.timeout(60):
        while books not in mine.fold.sources:
            for ms, key, seq, batch in await mine.feed.turn(50):
                mine.fold.take(key, ms, seq, batch)
    assert mine.fold.sources[books].kind == "book"
    wire.close()


async def test_who_takes_over_remembers_what_its_predecessor_did(redis_client: Redis, redis_url: str) -> None:
    mine, wire = await held(redis_client, redis_url)
    assert any(track.spread.values for track in mine.fold.memory.tracks.pairs.values())
    stop = asyncio.Event()
    stop.set()
    await Engine(mine, wire).run(stop)
    again = await take_over(redis_client, wire, 0, mine.fence, Runtime())
    wire.close()
    assert again.fold.memory.saved() == mine.fold.memory.saved()
    assert again.fold.memory.past() == mine.fold.memory.past()
    assert again.fold.memory.interest.books() == {venue: [SYMBOL] for venue in VENUES}


async def test_who_has_lost_its_partition_tells_no_other_one_a_rate(redis_client: Redis, redis_url: str) -> None:
    fold, keys = Fold(), {kind: market_data(1, "alpha", kind) for kind in KINDS}
    begun = [Join(key, "alpha", kind) for kind, key in keys.items()]
    listed = Listing("alpha", [row("USDC", "spot", taker_fee_bps="10")], [])
    fold.take(CTL, T0, 0, ControlBatch("owner", 0, [Start(1, "test"), Config(Runtime()), *begun, listed]))
    quote = Quote("USDC/USDT", "0.9990", "100", "0.9991", "100", T0 * MS, T0 * MS, "ws")
    fold.take(keys["quote"], T0 + 1, 0, Batch("alpha-1", 0, [quote]))
    wire = Wire(redis_url)
    await wire.open()
    mine = Hold(1, await lease.claim(redis_client, 1, "me"), fold, Feed(wire, CTL, {}))

    async def load() -> Runtime:
        return fold.judge.runtime

    stop = asyncio.Event()
    await redis_client.hset(streams.scan(1), mapping={"owner": "you", "fence": mine.fence + 1})
    with pytest.raises(lease.Fenced):
        await Steward(mine, redis_client, wire, 2, load).run(stop)
    wire.close()
    assert await redis_client.xlen(streams.control(0)) == 0

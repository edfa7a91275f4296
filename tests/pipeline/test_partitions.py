"""Four partitions and two scanners that share them, from the exchange's frame to what a user is told and stored."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import asyncpg
import pytest

from services.scanner.control import decode
from shared import streams
from shared.bus import connect
from shared.routes.fx import Fx
from tests.pipeline.stack import SERVICES, Exchange, Stack, exchanging, socket
from tests.pipeline.test_live import every_leg_is_good, of_coin, signal_of, stored

PARTITIONS = 4
#: a coin of each partition
COINS = ("AVAX", "LINK", "DOGE", "ETH")
System = tuple[Stack, Exchange]


@pytest.fixture(scope="module")
def divided(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Simulator, a collector of each venue, two scanners, recorder and api."""
    folder = tmp_path_factory.mktemp("divided")
    stack = Stack.over(folder, *database, MODE="demo", WATCH="BTC", PARTITIONS=str(PARTITIONS))
    with exchanging(stack, {**SERVICES, "scanner-2": "services.scanner"}) as exchange:
        yield stack, exchange


async def owners(redis_url: str) -> list[Any]:
    async with connect(redis_url) as client:
        found = [await client.hget(streams.scan(partition), "owner") for partition in range(PARTITIONS)]
        live = [int(await client.hget(streams.scan(partition), "until") or 0) for partition in range(PARTITIONS)]
        now = (await client.time())[0] * 1000
    return [owner for owner, until in zip(found, live, strict=True) if until > now]


async def rates(redis_url: str) -> bool:
    """Whether every partition has been told what a USDC is worth."""
    async with connect(redis_url) as client:
        controls: list[Any] = [await client.xrange(streams.control(partition)) for partition in range(PARTITIONS)]
    told = [[event for _, fields in rows for event in decode(fields[streams.FIELD]).events] for rows in controls]
    return all(any(isinstance(event, Fx) and event.mid is not None for event in events) for events in told)


async def shared(redis_url: str) -> bool:
    return sorted(Counter(await owners(redis_url)).values()) == [2, 2]


async def test_coins_of_every_partition_go_the_whole_way(divided: System, database: tuple[str, str]) -> None:
    stack, exchange = divided
    assert sorted(streams.partition_of(coin, PARTITIONS) for coin in COINS) == list(range(PARTITIONS))
    await stack.until(lambda: shared(database[0]), "two scanners own two partitions each")
    for coin in COINS:
        await stack.until(partial(every_leg_is_good, stack, coin), f"all legs of {coin}")
    opened: dict[str, Any] = {}
    async with socket(stack, "/push") as push:
        await push.say(op="subscribe", id=1, channel="signals")
        for coin in COINS:
            await exchange.strike("gap", coin=coin, venue="binance", against="okx", bps=95)
        for coin in COINS:
            opened[coin] = await stack.until(partial(signal_of, stack, coin, "open"), f"the signal of {coin}")

        def told(frame: Any) -> bool:
            return {coin for one in [*push.frames, frame] for coin in COINS if of_coin(coin, "open")(one)} == {*COINS}

        await push.take(told, "every signal is pushed")

    async def shown() -> bool:
        rows = {row["asset"]: row for row in (await stack.get("/api/board"))["rows"]}
        return all(opened[coin]["id"] in rows[coin]["signals"] for coin in COINS)

    async def spread() -> bool:
        found = (await stack.get("/api/aggregated_data"))["aggregated_data"]
        return all(found[coin]["spread"]["edge_bps"] is not None for coin in COINS)

    await stack.until(shown, "the board names every signal")
    await stack.until(lambda: rates(database[0]), "the rate, measured in one partition, is told to all")
    await stack.until(spread, "every coin has its spread")


async def test_a_scanner_that_dies_leaves_its_partitions_to_the_other(
    divided: System, database: tuple[str, str]
) -> None:
    stack, exchange = divided
    await stack.until(lambda: shared(database[0]), "two scanners own two partitions each")
    before = {coin: (await stack.until(partial(signal_of, stack, coin, "open"), coin))["id"] for coin in COINS}
    dying = stack.processes.pop("scanner-2")
    dying.kill()
    dying.wait()

    async def one_has_all() -> bool:
        return [*Counter(await owners(database[0])).values()] == [PARTITIONS]

    await stack.until(one_has_all, "the other scanner owns every partition")
    await exchange.clear()
    for coin in COINS:
        closed = await stack.until(partial(signal_of, stack, coin, "closed", before[coin]), f"{coin}'s signal closes")
        assert closed["close_reason"] == "converged"
        await stored(stack, database, closed)
    stack.start("scanner-2", "services.scanner")
    await stack.until(lambda: shared(database[0]), "the newcomer is given its share")
    for coin in COINS:
        await stack.until(partial(every_leg_is_good, stack, coin), f"all legs of {coin}")


async def test_every_partition_is_recorded_without_a_gap(divided: System, database: tuple[str, str]) -> None:
    stack, _ = divided
    wanted = {
        streams.market_data(number, venue, "quote") for number in range(PARTITIONS) for venue in ("binance", "okx")
    }

    async def recorded() -> Any:
        connection = await asyncpg.connect(database[1])
        try:
            found = await connection.fetch("SELECT stream FROM stream_position WHERE last_id <> '0-0'")
            gaps = await connection.fetch("SELECT * FROM gaps")
        finally:
            await connection.close()
        assert gaps == []
        return {row["stream"] for row in found} >= wanted

    await stack.until(recorded, "the recorder stands in the streams of every partition")

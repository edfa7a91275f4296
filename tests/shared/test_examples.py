"""The example readers run as they are written, beside a writer of ours."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from deploy.local.process import REPOSITORY
from shared.bus import Redis
from shared.codec import decode_batch, encode_batch, encode_event
from shared.cursor import split_id
from shared.events import State
from tests.shared.test_golden_bytes import node_environment
from tests.shared.tools import LAST_QUOTES, LIMIT_S, QUOTES, TRADES, quote, trade, until, writer

EXAMPLES = REPOSITORY / "examples"


async def lines_of(arguments: Sequence[str], environment: dict[str, str] | None, count: int) -> list[dict[str, Any]]:
    """The first `count` lines that a program prints."""
    child = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE, env=environment)
    try:
        assert child.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            return [json.loads(await child.stdout.readline()) for _ in range(count)]
    finally:
        child.kill()
        await child.wait()


def command(language: str, url: str, kind: str) -> tuple[list[str], dict[str, str] | None]:
    if language == "python":
        return [sys.executable, str(EXAMPLES / "read_streams.py"), "--url", url, "--venue", "sim", "--kind", kind], None
    environment = node_environment("@msgpack/msgpack", "ioredis")
    return ["node", str(EXAMPLES / "read_streams.mjs"), url, kind, "sim"], environment


@pytest.mark.parametrize("language", ["python", "node"])
async def test_quotes_are_joined_late_and_never_go_back(language: str, redis_url: str, redis_client: Redis) -> None:
    line, environment = command(language, redis_url, "quote")
    stale = State("ETH/USDT", "stale", "silent", 9)
    held: Any = {"ETH/USDT": encode_event(quote(8, "ETH/USDT")), "x:ETH/USDT": encode_event(stale)}
    await redis_client.hset(LAST_QUOTES, mapping=held)
    made = writer(redis_url)
    await made.start()
    made.append(QUOTES, quote(7))
    made.append(QUOTES, quote(8, "ETH/USDT"))
    made.append(QUOTES, stale)
    await until(lambda: made.counters.sent_events == 3)
    await made.close(5)
    found = await lines_of(line, environment, 4)
    assert [(event["event"], event["symbol"]) for event in found] == [
        *(("q", "ETH/USDT"), ("q", "BTC/USDT"), ("q", "ETH/USDT"), ("x", "ETH/USDT"))
    ]
    assert (found[1]["venue"], found[1]["bid"], found[1]["ask_size"]) == ("sim", "7.5", "2")
    assert int(found[1]["recv"]) == quote(7).recv


@pytest.mark.parametrize("language", ["python", "node"])
async def test_every_trade_is_printed_once(language: str, redis_url: str, redis_client: Redis) -> None:
    line, environment = command(language, redis_url, "trade")
    made = writer(redis_url)
    await made.start()
    for number in range(40):
        made.append(TRADES, trade(number))
    await until(lambda: made.counters.sent_events == 40)
    await made.close(5)
    rows: Any = await redis_client.xrange(TRADES)
    ms, number = split_id(rows[-1][0].decode())
    await redis_client.xadd(TRADES, rows[0][1], f"{ms}-{number + 1}")  # a retry of the writer's
    newest = encode_batch("one", decode_batch(rows[-1][1][b"v1"]).seq + 1, [trade(40)])
    await redis_client.xadd(TRADES, {"v1": newest}, f"{ms}-{number + 2}")
    found = await lines_of(line, environment, 41)
    assert [event["id"] for event in found] == [str(number) for number in range(41)]

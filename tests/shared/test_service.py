"""The life of a process, with real processes and signals."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from typing import Any

import pytest

from deploy.local.process import REPOSITORY, free_port
from shared.bus import Redis
from shared.service import LAST_S, STOP_S
from tests.shared.tools import LIMIT_S, OwnRedis

#: the time to live of a key that is not there
GONE = -2


async def start(what: str, url: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.shared.programs", what),
        cwd=REPOSITORY,
        env={**os.environ, "REDIS_URL": url, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def ended(child: Process) -> tuple[int, str, str]:
    async with asyncio.timeout(LIMIT_S):
        out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def health_of(client: Redis, name: str = "_test") -> dict[str, str]:
    """The health record, once there is one."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            async for key in client.scan_iter(match=f"health:{name}:*"):
                record: Any = await client.hgetall(key)
                if record:
                    return {name.decode(): value.decode() for name, value in record.items()}
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_process_cleanly_and_takes_its_health_record_away(
    number: signal.Signals, redis_url: str, redis_client: Redis
) -> None:
    child = await start("wait", redis_url)
    record = await health_of(redis_client)
    assert record["pid"] == str(child.pid)
    assert (record["state"], record["detail"]) == ("live", "a test")
    assert (record["frames_total"], record["lag_ms_p50"]) == ("5", "1.5")
    assert int(record["rss_bytes"]) > 1 << 20
    assert float(record["cpu_seconds"]) > 0
    child.send_signal(number)
    code, out, _ = await ended(child)
    assert (code, out) == (0, "stopping cleanly\n")
    assert [key async for key in redis_client.scan_iter(match="health:*")] == []


async def test_a_second_name_of_a_process_has_a_record_of_its_own(redis_url: str, redis_client: Redis) -> None:
    child = await start("beside", redis_url)
    records = [await health_of(redis_client, name) for name in ("_test", "_other")]
    assert [(record["pid"], record["state"]) for record in records] == [
        (str(child.pid), "live"),
        (str(child.pid), "blocked"),
    ]
    child.terminate()
    assert (await ended(child))[0] == 0
    assert [key async for key in redis_client.scan_iter(match="health:*")] == []


async def test_a_killed_process_leaves_a_record_that_expires(redis_url: str, redis_client: Redis) -> None:
    child = await start("wait", redis_url)
    await health_of(redis_client)
    child.kill()
    await ended(child)
    async for key in redis_client.scan_iter(match="health:*"):
        assert await redis_client.ttl(key) in (GONE, *range(11))


async def test_the_record_is_written_while_memory_is_short(redis_url: str, redis_client: Redis) -> None:
    child = await start("wait", redis_url)
    await health_of(redis_client)
    await redis_client.config_set("maxmemory", 1)
    try:
        async for key in redis_client.scan_iter(match="health:*"):
            await redis_client.delete(key)
        assert (await health_of(redis_client))["state"] == "live"
    finally:
        await redis_client.config_set("maxmemory", "1024mb")
        child.terminate()
    assert (await ended(child))[0] == 0


async def test_work_that_ends_by_itself_ends_the_process(redis_url: str) -> None:
    assert (await ended(await start("end", redis_url)))[0] == 0


@pytest.mark.parametrize(
    ("what", "words"), [("crash", "a fault"), ("task", "in a task"), ("callback", "in a callback")]
)
async def test_a_fault_of_ours_ends_the_process_with_its_traceback_and_no_password(
    what: str, words: str, redis_url: str
) -> None:
    code, _, err = await ended(await start(what, redis_url))
    assert code == 1
    assert "Traceback" in err
    assert words in err
    assert "hush" not in err


@pytest.mark.parametrize(
    ("what", "code", "sentence"),
    [
        ("setting", 2, "_test: VENUES='mtgox': expected one of the exchanges"),
        ("cannot", 3, "_test: the port is taken"),
    ],
)
async def test_what_a_person_must_mend_is_one_sentence(what: str, code: int, sentence: str, redis_url: str) -> None:
    found, _, err = await ended(await start(what, redis_url))
    assert found == code
    assert "Traceback" not in err
    assert err.splitlines()[-1] == sentence


async def test_a_setting_that_cannot_be_used_is_one_sentence_and_exit_2(redis_url: str) -> None:
    assert await ended(await start("wait", redis_url, PARTITIONS="many")) == (
        2,
        "",
        "_test: PARTITIONS='many': expected a whole number, at least 1, at most 1024\n",
    )


async def test_a_redis_set_up_otherwise_is_one_sentence_and_exit_2(redis_url: str, redis_client: Redis) -> None:
    await redis_client.set("meta:partitions", "8")
    code, _, err = await ended(await start("wait", redis_url))
    assert code == 2
    assert err == "_test: PARTITIONS=1, but this Redis was set up with 8: they must be equal\n"


async def test_a_process_waits_for_its_redis_and_says_so_once(own_redis: OwnRedis) -> None:
    own_redis.kill()
    child = await start("end", own_redis.url)
    assert child.stderr is not None
    async with asyncio.timeout(LIMIT_S):
        first = (await child.stderr.readline()).decode()
    assert "Redis is not there yet" in first
    await asyncio.sleep(1)  # some more attempts
    own_redis.start()
    code, _, err = await ended(child)
    assert code == 0
    assert "not there yet" not in err


async def test_a_process_that_waits_for_redis_can_be_stopped() -> None:
    child = await start("wait", f"redis://127.0.0.1:{free_port()}/0")
    assert child.stderr is not None
    async with asyncio.timeout(LIMIT_S):
        await child.stderr.readline()
    child.terminate()
    assert (await ended(child))[0] == 0


async def test_work_that_does_not_end_is_cancelled_within_five_seconds(redis_url: str) -> None:
    child = await start("stuck", redis_url)
    assert child.stdout is not None
    await child.stdout.readline()
    child.terminate()
    code, _, err = await ended(child)
    assert code == 0
    assert "main did not stop within 4 s" in err
    assert STOP_S + LAST_S <= 5

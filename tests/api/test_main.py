"""The real process: it starts, beats, serves both loopback addresses, stops in time, and says what is wrong."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from deploy.local.process import REPOSITORY, free_port
from shared.bus import Redis


async def begin(tmp_path: Path, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.api"),
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": "", "DATA_DIR": str(tmp_path), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


async def test_it_serves_beats_and_stops_with_0(tmp_path: Path, redis_url: str, redis_client: Redis) -> None:
    port = free_port()
    process = await begin(tmp_path, PORT=str(port), REDIS_URL=redis_url)
    async with asyncio.timeout(60), httpx.AsyncClient(timeout=60) as http:
        while True:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    break
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
        if socket.has_ipv6:
            assert (await http.get(f"http://[::1]:{port}/healthz")).json() == {"status": "ok"}
        keys: list[bytes] = []
        while not keys:
            await asyncio.sleep(0.05)
            keys = [key async for key in redis_client.scan_iter("health:_api:*")]
        beat = await redis_client.hgetall(keys[0])
        assert {b"pid", b"state", b"rss_bytes", b"api_sockets", b"api_feeds"} <= set(beat)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert process.stderr is not None
    assert b"Traceback" not in await process.stderr.read()
    assert [key async for key in redis_client.scan_iter("health:_api:*")] == []


@pytest.mark.parametrize(
    ("environment", "named"),
    [({"HOST": "0.0.0.0"}, "HOST"), ({"PORT": "taken"}, "PORT"), ({"AUTH": "maybe"}, "AUTH")],
)
async def test_a_setting_that_cannot_be_used_is_one_sentence_and_2(
    tmp_path: Path, redis_url: str, environment: dict[str, str], named: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        if environment.get("PORT") == "taken":
            environment = {"PORT": str(taken.getsockname()[1])}
        process = await begin(tmp_path, REDIS_URL=redis_url, **environment)
        async with asyncio.timeout(60):
            _, errors = await process.communicate()
    assert process.returncode == 2
    said = [line for line in errors.decode().splitlines() if "expected" in line]
    assert len(said) == 1
    assert named in said[0]
    assert "Traceback" not in errors.decode()

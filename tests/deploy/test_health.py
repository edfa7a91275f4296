"""The containers' health check."""

import socket

import pytest

from deploy import health
from shared import streams
from shared.bus import Redis


@pytest.fixture
def environment(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)


async def test_a_process_of_this_host_that_beats_is_healthy(environment: None, redis_client: Redis) -> None:
    await redis_client.hset(streams.health("_api", f"{socket.gethostname()}-1-abc"), "state", "live")
    assert await health.beats("_api")


async def test_the_beat_of_another_host_or_service_does_not_count(environment: None, redis_client: Redis) -> None:
    await redis_client.hset(streams.health("_api", "elsewhere-1-abc"), "state", "live")
    await redis_client.hset(streams.health("_scanner", f"{socket.gethostname()}-1-abc"), "state", "live")
    assert not await health.beats("_api")


def test_no_redis_is_unhealthy_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert health.main(["_api"]) == 1
    assert capsys.readouterr().err.count("\n") == 1

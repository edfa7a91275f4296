"""A Redis of a test's own, for those that stop or kill it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.shared.proxy import FaultProxy, faulty
from tests.shared.tools import OwnRedis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.end()


@pytest.fixture
async def proxy(redis_url: str, redis_server: int) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the (emptied) Redis of the tests."""
    async with faulty(redis_server) as made:
        yield made

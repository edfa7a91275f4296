"""A partition that is let go is let go, whatever the libraries do."""

import asyncio
from contextlib import suppress
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.scanner import lease
from services.scanner.__main__ import Scanner
from shared import fences
from shared.bus import Redis
from shared.config import Settings
from shared.service import Service


class Deaf(redis.asyncio.Redis):
    """Renews a lease until it is cancelled, and loses that, as `asyncio.wait_for` of Python 3.11 may. Once."""

    lost = False

    async def eval(self, *arguments: Any) -> Any:
        answer = await super().eval(*arguments)
        if arguments[0] == fences.RENEW and not self.lost:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            self.lost = True
        return answer


async def test_a_lost_cancellation_does_not_keep_a_partition_that_nobody_serves(
    redis_url: str, redis_client: Redis
) -> None:
    deaf: Any = Deaf.from_url(redis_url, retry=Retry(NoBackoff(), 0), protocol=2)
    async with asyncio.TaskGroup() as tasks:
        service = Service("_scanner", Settings(redis_url=redis_url), deaf, "incarnation", tasks)
        fence = await lease.claim(redis_client, 0, service.member)
        async with asyncio.timeout(60):
            await Scanner(service).own(0, fence, kept_s=0.0)
    assert deaf.lost
    await deaf.aclose()
    assert await lease.claim(redis_client, 0, "the next") == fence + 1

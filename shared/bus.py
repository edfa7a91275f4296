"""The only file that imports redis: how a client is made, and whether the server may carry the product.

The writer of market data does not go through here (`shared/writer.py` speaks the protocol by hand); everything else
does: reading streams, hashes, scripts.
"""

import asyncio
import builtins
import logging
from collections.abc import Iterable
from secrets import token_hex
from typing import Any, Final

import redis.asyncio
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

from shared import streams

Redis = redis.asyncio.Redis
log = logging.getLogger("bus")

#: what a command raises while the server is away, starting or failing over: worth another try
AWAY: Final = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, ClusterDownError, OSError)
#: what the server answers when it understood a command and refused it
REFUSED: Final = ResponseError
#: one of the REFUSED: its memory is full
FULL: Final = OutOfMemoryError


class BusError(RuntimeError):
    """This Redis cannot carry the product: one sentence that says what it is, and what was expected."""


class Sending(AbstractConnection):
    """A connection whose sending can be cancelled at any moment.

    The library's own goes through `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes when the
    sending has just ended: the task goes on, and whoever waits for its end waits for ever.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        limit_s, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(limit_s):
                await super().send_packed_command(command, check_health)
        except builtins.TimeoutError:
            raise TimeoutError("Timeout writing to socket") from None
        finally:
            self.socket_timeout = limit_s


class _Plain(Sending, Connection):
    pass


class _Tls(Sending, SSLConnection):
    pass


class _Local(Sending, UnixDomainSocketConnection):
    pass


_KINDS: Final[dict[type[AbstractConnection], type[AbstractConnection]]] = {
    Connection: _Plain,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Local,
}


def connect(url: str) -> Redis:
    """A client with bytes replies and no hidden retries: a retried XADD would be an entry twice.

    Raises ValueError on a URL that is none.
    """
    pool = ConnectionPool.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5, health_check_interval=0, protocol=2
    )
    pool.connection_class = _KINDS[pool.connection_class]
    return redis.asyncio.Redis.from_pool(pool)


async def check_server(client: Redis, partitions: int) -> str:
    """Refuse a server that is too old or would throw keys away, and agree on the partitions.

    Returns the incarnation, which is another one after the server lost its data. Raises `BusError`, or one of AWAY.
    """
    try:
        check_info(await client.info())
    except AuthenticationError as error:
        raise BusError(f"Redis refuses user or password: {error}") from error
    except ResponseError as error:
        log.warning("Redis does not tell its settings, noeviction and an append-only file are assumed: %s", error)
    standing = int(await agreed(client, streams.META_PARTITIONS, str(partitions)))
    if standing != partitions:
        raise BusError(f"PARTITIONS={partitions}, but this Redis was set up with {standing}: they must be equal")
    return await incarnation_of(client)


def check_info(info: dict[str, Any]) -> None:
    """What INFO says of version, eviction, file and memory. Raises `BusError`, or warns."""
    version = str(info["redis_version"])
    if int(version.partition(".")[0]) < 7:
        raise BusError(f"Redis {version} is too old: 7.0 or newer is needed")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise BusError(f"Redis has maxmemory-policy {policy}, which throws keys away: set it to noeviction")
    # a server that reads its file says that it keeps none
    if not info.get("aof_enabled", 1) and not info.get("loading", 0):
        log.warning("Redis keeps no append-only file: what is in it is lost when it ends (set appendonly yes)")
    if not info.get("maxmemory", 1):
        log.warning("Redis has no maxmemory: a burst may take all of the machine's memory")


async def incarnation_of(client: Redis) -> str:
    """The name of this Redis's data. Whoever finds none gives one, so that a wiped Redis is told from the old one."""
    return await agreed(client, streams.META_INCARNATION, token_hex(16))


async def agreed(client: Redis, key: str, proposal: str) -> str:
    """What stands at `key`, or the proposal where nothing stood. Reads first: a SET is refused when memory is short."""
    standing: Any = await client.get(key)
    if standing is None:
        standing = await client.set(key, proposal, nx=True, get=True)
    return proposal if standing is None else str(standing.decode())

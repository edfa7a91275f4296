"""What the recorder's modules share of asyncpg: the types of connections, and what its errors mean.

AWAY: the server is not there, or will be another one in a moment. UNABLE: it is there and cannot store now (its disk
is full, it is a standby, somebody holds a lock). Both: what is not stored waits, and is tried again. REFUSED: it will
never take this row. BROKEN: a person must mend the database.
"""

import asyncio
import logging
from typing import Any, Final

import asyncpg

LOG: Final = logging.getLogger(__name__)

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Pool = asyncpg.Pool

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
UNABLE: Final = (
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.TransactionRollbackError,
    asyncpg.PostgresSystemError,
)
REFUSED: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
BROKEN: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


def hear_no_echoes() -> None:
    """Keep what asyncpg leaves unheard of a connection that was cut from counting as a fault of ours.

    A COPY whose connection is lost leaves a future behind that nobody waits for; whoever made the COPY has been told.
    """
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler() or (lambda loop, context: loop.default_exception_handler(context))

    def take(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error, message = context.get("exception"), str(context.get("message", ""))
        if isinstance(error, asyncpg.PostgresConnectionError) or message.startswith("Resetting connection"):
            LOG.debug("%s: %s", message, error)
        else:
            before(loop, context)

    loop.set_exception_handler(take)


def sentence(error: BaseException) -> str:
    """What is the matter, for a person, in one line: Postgres puts hints below its errors."""
    said = str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, asyncpg.DiskFullError):
        return f"Postgres has no room left on its disk: {said}"
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return f"this Postgres takes no writes (a standby?): {said}"
    if isinstance(error, UNABLE):
        return f"Postgres cannot store now: {said}"
    return f"Postgres is away: {said}"

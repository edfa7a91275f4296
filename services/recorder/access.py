"""The role that people read with: it sees the views of the schema `history` and nothing else."""

import logging
from typing import Final

import asyncpg

from services.recorder.database import Connection

LOG: Final = logging.getLogger(__name__)
ROLE: Final = "parallax_reader"


async def let_read(connection: Connection, password: str) -> None:
    """Let the role log in with this password; without one it cannot. What is not ours to change is said, once."""
    login = (
        "LOGIN PASSWORD " + await connection.fetchval("SELECT quote_literal($1)", password) if password else "NOLOGIN"
    )
    try:
        if await connection.fetchval("SELECT to_regrole($1) IS NULL", ROLE):
            LOG.warning("there is no role %s: READER_PASSWORD changes nothing", ROLE)
            return
        async with connection.transaction():
            await connection.execute(f"ALTER ROLE {ROLE} {login}")
            await connection.execute(f"ALTER ROLE {ROLE} SET search_path = history")
            await connection.execute(f"ALTER ROLE {ROLE} SET default_transaction_read_only = on")
            await connection.execute(f"ALTER ROLE {ROLE} SET statement_timeout = '60s'")
    except asyncpg.InsufficientPrivilegeError as error:
        LOG.warning("the role %s is not ours to change, READER_PASSWORD changes nothing: %s", ROLE, error)

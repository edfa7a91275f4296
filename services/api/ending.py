"""Ending tasks for certain.

The Redis client sends through `asyncio.wait_for`, which in Python 3.11 loses a cancellation that arrives in the turn
in which the send completes (bpo-42130). A task that lost its cancellation goes on for ever; so it is cancelled again.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_S: Final = 0.2


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks until all of them are done. What they ended with is left to whoever asks them."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)

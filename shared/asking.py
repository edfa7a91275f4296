"""Asking the scanner why a coin gives a signal or none, and waiting for its answer (`shared/why.py`)."""

import asyncio
from typing import Any, Final

from shared import decoding, streams
from shared.bus import Redis
from shared.why import Why

#: How long the scanner may take, and how often it is looked for its answer.
ANSWER_S: Final = 3.0
LOOK_S: Final = 0.05
_why: Final[decoding.Decoder[Why]] = decoding.msgpack(Why)


async def ask(client: Redis, asset: str) -> Why | None:
    """The answer to a question put now; None where none comes. Raises one of `bus.AWAY`."""
    seconds, micros = await client.time()
    asked_ms = int(seconds) * 1000 + int(micros) // 1000
    lasts = asked_ms + int(ANSWER_S * 1000)
    await client.zadd(streams.demand(streams.SCANNER, "why"), {asset: lasts})
    for _ in range(int(ANSWER_S / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        data: Any = await client.get(streams.why(asset))
        if data is not None:
            told = _why.decode(data)
            if told.answered_ms >= asked_ms:
                return told
            # an answer to somebody else may have taken the question away
            await client.zadd(streams.demand(streams.SCANNER, "why"), {asset: lasts}, nx=True)
    return None

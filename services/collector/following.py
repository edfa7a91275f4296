"""Follows what is said of single instruments: by users in their file, by the price check in Redis."""

import asyncio
import logging
from time import monotonic
from typing import Final, cast

from services.collector.engine import Engine
from services.collector.override_file import OverrideFile
from services.collector.overrides import Checked, Override, Overrides, checked
from shared import streams
from shared.bus import AWAY, Redis

FOLLOW_S: Final = 2.0
FILE_S: Final = 10.0

log = logging.getLogger(__name__)


class Following:
    """Gives the engine what is said now; `look` once, then `run` for ever."""

    def __init__(self, redis: Redis, engine: Engine, file: OverrideFile) -> None:
        self._redis, self._engine, self._file = redis, engine, file
        self._venue = engine.venue.name
        self._fields: dict[bytes, bytes] = {}
        self._checked: dict[str, Checked] = {}
        self._unused: list[Override] = []
        self._next_file = monotonic() + FILE_S

    async def run(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            if monotonic() >= self._next_file:
                self._next_file = monotonic() + FILE_S
                self._file.look()
            await self.look()
            self._say_unused()

    async def look(self) -> None:
        """Read Redis, and give the engine both."""
        try:
            fields = cast(dict[bytes, bytes], await self._redis.hgetall(streams.overrides(self._venue)))
        except AWAY as error:
            log.debug("Confirmed readings are not known while Redis is away: %s", error)
        else:
            if fields != self._fields:
                self._fields = fields
                self._checked, wrong = checked(fields)
                for sentence in wrong:
                    log.warning("%s: an override in Redis is left out: %s", self._venue, sentence)
        self._engine.override(Overrides(given=self._file.of(self._venue), checked=self._checked))

    def _say_unused(self) -> None:
        if not self._engine.listed.is_set():
            return
        unused = self._engine.roster.unused()
        for one in unused:
            if one not in self._unused:
                log.warning("%s: there is an override for %r, which is not listed", self._venue, one.native)
        self._unused = unused

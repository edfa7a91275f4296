"""Asks the collectors for books: `demand:<venue>:book`, some seconds ahead, and takes back what is wanted no more.

What was asked for and is not any longer is taken back at once: left to expire, it would be collected for as long beside
what has taken its place, beyond the budget. What another reader has asked for longer stays.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from shared import streams
from shared.bus import Redis

AHEAD_MS: Final = 20_000

#: KEYS demand; ARGV symbol, the expiry that we wrote
TAKE_BACK: Final = """#!lua flags=allow-oom
if tonumber(redis.call('ZSCORE',KEYS[1],ARGV[1]) or '-1')==tonumber(ARGV[2]) then redis.call('ZREM',KEYS[1],ARGV[1]) end
return 1
"""


class Books:
    """What the owner of a partition has asked for: (venue, symbol) and until when, in ms of Redis's clock."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], int] = {}

    async def ask(self, client: Redis, books: Mapping[str, Iterable[str]], now_ms: int) -> None:
        """Ask for these, and for no others any more."""
        until = now_ms + AHEAD_MS
        wanted = {(venue, symbol): until for venue, symbols in books.items() for symbol in symbols}
        over = {one: expiry for one, expiry in self._asked.items() if one not in wanted and expiry > now_ms}
        if not wanted and not over:
            return
        async with client.pipeline(transaction=False) as pipe:
            for (venue, symbol), expiry in over.items():
                pipe.eval(TAKE_BACK, 1, streams.demand(venue, "book"), symbol, expiry)
            for venue, symbol in wanted:
                # GT: another reader may want it for longer
                pipe.zadd(streams.demand(venue, "book"), {symbol: until}, gt=True)
            await pipe.execute()
        self._asked = wanted

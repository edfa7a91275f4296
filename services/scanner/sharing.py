"""Which partitions are whose: several scanners divide them evenly, and a lone one has all.

Every scanner works the same table out of the same list of live members. A partition that falls to another member is
let go after a last checkpoint, and that member takes it over from there. One that nobody holds though its member lives
is taken by whoever finds it (`FREE_S`) and kept for a while (`KEPT_S`), so that a member which cannot do its work does
not keep a partition from being served.
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from shared import streams
from shared.bus import Redis
from shared.leases import Members

#: In `members:<name>`.
NAME: Final = "_scanner"
FREE_S: Final = 1.5
KEPT_S: Final = 60.0


def assigned(members: Iterable[str], partitions: int) -> dict[int, str]:
    """partition -> member: each to who scores highest for it and has not yet got an even share."""
    live = sorted(set(members))
    held: Counter[str] = Counter()
    found: dict[int, str] = {}
    for partition in range(partitions if live else 0):
        open_to = [one for one in live if held[one] < -(-partitions // len(live))]
        found[partition] = max(open_to, key=lambda one: _score(one, partition))
        held[found[partition]] += 1
    return found


def _score(member: str, partition: int) -> bytes:
    return blake2b(f"{member}\n{partition}".encode(), digest_size=8).digest()


class Share:
    """The partitions of one member, as members come and go."""

    def __init__(self, client: Redis, me: str, partitions: int) -> None:
        self._members = Members(client, NAME, me)
        self._client, self._me, self._partitions = client, me, partitions
        self.mine: frozenset[int] = frozenset()

    async def beat(self) -> None:
        """Say that this member lives, and see who else does. Raises one of `shared.bus.AWAY`."""
        table = assigned((await self._members.beat()).members, self._partitions)
        self.mine = frozenset(partition for partition, member in table.items() if member == self._me)

    async def leave(self) -> None:
        """A clean exit: the others see it at their next beat."""
        self.mine = frozenset()
        await self._members.leave()

    async def free(self, partition: int) -> bool:
        """Whether nobody holds a partition at the moment, by Redis's clock."""
        until = await self._client.hget(streams.scan(partition), "until")
        seconds, micros = await self._client.time()
        return until is None or int(until) <= int(seconds) * 1000 + int(micros) // 1000

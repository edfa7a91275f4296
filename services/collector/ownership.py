"""Which of the venue's buckets are mine: pure.

Each bucket belongs to the live member that scores highest for it (rendezvous hashing), so that a member that comes or
goes moves only its own buckets. A bucket that falls to another member is kept until that one has said in the owners
hash that it serves it, or has had `PATIENCE_NS` to do so: an overlap doubles rows that readers drop, a gap loses them.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Final

from shared.streams import BUCKETS

PATIENCE_NS: Final = 60_000_000_000


def score(member: str, bucket: int) -> bytes:
    return blake2b(f"{member}\n{bucket}".encode(), digest_size=8).digest()


def assigned(members: Iterable[str]) -> dict[int, str]:
    """bucket -> member, the same wherever it is worked out from the same members."""
    live = sorted(set(members))
    if not live:
        return {}
    return {bucket: max(live, key=lambda member: score(member, bucket)) for bucket in range(BUCKETS)}


class Ownership:
    """The buckets one member serves, as members come and go."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._leaving: dict[int, int] = {}  # bucket -> since when
        #: buckets that are assigned to me
        self.mine: frozenset[int] = frozenset()
        #: what I serve: mine, and those that their new owner has not taken yet
        self.held: frozenset[int] = frozenset()
        self.members: tuple[str, ...] = ()

    def update(self, members: Collection[str], owners: Mapping[int, str], now: int) -> bool:
        """Take in who lives and who serves what. True where `held` changed."""
        self.members = tuple(sorted(set(members) | {self._me}))
        table = assigned(self.members)
        self.mine = frozenset(bucket for bucket, member in table.items() if member == self._me)
        for bucket in self.held - self.mine:
            since = self._leaving.setdefault(bucket, now)
            taken = owners.get(bucket) == table[bucket]
            if taken or now - since > PATIENCE_NS:
                del self._leaving[bucket]
        for bucket in [bucket for bucket in self._leaving if bucket in self.mine or bucket not in self.held]:
            del self._leaving[bucket]
        held = self.mine | frozenset(self._leaving)
        changed, self.held = held != self.held, held
        return changed

    def reset(self) -> None:
        """Standing was lost: nothing is held until the next update."""
        self.held = frozenset()
        self._leaving.clear()

    def unannounced(self, owners: Mapping[int, str], proven: Collection[int]) -> list[int]:
        """Buckets that I serve in full and that the owners hash does not give me yet."""
        return sorted(bucket for bucket in self.mine if bucket in proven and owners.get(bucket) != self._me)

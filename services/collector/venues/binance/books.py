"""Whether a depth update continues a book. Spot and futures number their updates differently.

Procedure (docs read 2026-11-20; recomputed on recorded sessions of both markets):

1. buffer the updates; fetch the REST depth; its `lastUpdateId` is the snapshot's number;
2. an update that ends before the book does is old: skip it;
3. spot: an update applies if it begins no later than the number after the book's (`U <= local + 1`);
4. futures: the first update after a snapshot must reach back to it: it covers everything after `pu`, so `pu` must not
   lie beyond the snapshot (this includes the documented `U <= lastUpdateId <= u`);
5. futures: from then on `pu` must equal the last update's `u`; `U` tells nothing, the numbers are the whole market's.

Sizes are absolute, so an update that overlaps the book is harmless.
"""

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Follow


def follows(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    if previous.seq is None or delta.seq is None:
        return "gap"
    if delta.prev_seq is None:
        return _follows_spot(previous.seq, delta.seq, delta.first_seq)
    if type(previous) is BookSnapshot:
        if delta.seq < previous.seq:
            return "skip"  # 2
        return "apply" if delta.prev_seq <= previous.seq else "gap"  # 4
    if delta.seq <= previous.seq:
        return "skip"  # 2
    return "apply" if delta.prev_seq == previous.seq else "gap"  # 5


def _follows_spot(local: int, last: int, first: int | None) -> Follow:
    if last <= local:
        return "skip"  # 2
    return "apply" if first is not None and first <= local + 1 else "gap"  # 3

"""Whether a delta continues a book.

Each depth of a symbol counts its changes in `u`, one by one (the documentation promises it for the full book only;
measured without a hole on the depths 50 and 200). A snapshot replaces everything; one with `u` 1 follows a restart of
the venue's service, from where the count begins anew.
"""

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Follow


def follows(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """A smaller number is an old delta, unless it is younger than the book: then the count began anew unseen."""
    if previous.seq is None or delta.seq is None:
        return "gap"
    if delta.seq == previous.seq + 1:
        return "apply"
    younger = delta.ts is not None and previous.ts is not None and delta.ts > previous.ts
    return "gap" if delta.seq > previous.seq or younger else "skip"

"""What a session asks its runner to do."""

from typing import Literal

import msgspec

from services.collector.plan import Topic


class Send(msgspec.Struct, frozen=True, gc=False):
    """Write this text frame."""

    frame: bytes


class Ping(msgspec.Struct, frozen=True, gc=False):
    """Ask for a sign of life: the venue's frame, or a protocol ping (None)."""

    frame: bytes | None


class Reconnect(msgspec.Struct, frozen=True, gc=False):
    """This connection is no good: close it and open another."""

    reason: str


class Rollover(msgspec.Struct, frozen=True, gc=False):
    """Open the next connection; close this one when the next is proven."""

    reason: str


class Quarantine(msgspec.Struct, frozen=True, gc=False):
    """The venue refuses this topic: leave it out."""

    topic: Topic
    reason: str


class Publish(msgspec.Struct, frozen=True, gc=False):
    """Tell the readers about the state of these topics."""

    topics: tuple[Topic, ...]
    state: Literal["down", "stale", "up"]
    reason: str


class Count(msgspec.Struct, frozen=True, gc=False):
    """Something worth counting; `detail` makes a log line."""

    name: Literal["refused", "ack_timeout", "resubscribed", "stale", "topic_silent"]
    number: int = 1
    detail: str = ""


Action = Send | Ping | Reconnect | Rollover | Quarantine | Publish | Count

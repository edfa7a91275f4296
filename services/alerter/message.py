"""What a channel is given to deliver, and how it says that it could not. Pure."""

from typing import Any, Protocol

import msgspec

from shared.alerts import Severity


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`payload` is the same for programs, plain JSON values."""

    id: str
    title: str
    body: str
    severity: Severity
    payload: dict[str, Any]


class NotDelivered(Exception):
    """The channel did not take it: one sentence. `again_s`: when it asked to be tried again."""

    def __init__(self, reason: str, again_s: float | None = None) -> None:
        super().__init__(reason)
        self.again_s = again_s


class Sender(Protocol):
    """One channel's way out. `send` blocks: it is called in a thread, and ends by its own time-outs."""

    kind: str

    def send(self, message: Message) -> None:
        """Raises `NotDelivered`."""

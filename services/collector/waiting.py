"""What a session has asked for, and what still waits to be asked for, in order. Pure."""

from dataclasses import dataclass
from typing import Literal

from services.collector.plan import Topic

TopicState = Literal["waiting", "sent", "live"]


@dataclass(slots=True)
class Entry:
    """One topic of a connection."""

    topic: Topic
    state: TopicState = "waiting"
    sent: int = 0
    attempts: int = 0
    resubscribed: int = 0


@dataclass(slots=True)
class Asked:
    """A subscribe frame under way."""

    names: tuple[str, ...]
    sent: int


class Waiting:
    """Names of topics in the order they came; those that somebody waits for (`urgent`) go before all others."""

    def __init__(self) -> None:
        self._urgent: dict[str, None] = {}
        self._others: dict[str, None] = {}

    @property
    def urgent(self) -> bool:
        """Whether the next ones are such that somebody waits for."""
        return bool(self._urgent)

    def add(self, name: str, *, urgent: bool) -> None:
        (self._others if urgent else self._urgent).pop(name, None)
        (self._urgent if urgent else self._others)[name] = None

    def drop(self, name: str) -> None:
        self._urgent.pop(name, None)
        self._others.pop(name, None)

    def first(self) -> tuple[str, ...]:
        """The ones to be asked for next: the urgent alone, while there are any."""
        return tuple(self._urgent or self._others)

    def __contains__(self, name: str) -> bool:
        return name in self._urgent or name in self._others

    def __bool__(self) -> bool:
        return bool(self._urgent or self._others)

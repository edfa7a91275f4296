"""What a venue's engine is given: addresses, folders, what to collect, and who wants to see the raw frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.collector.rest import Body
from services.collector.runner import Connection


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Settings of the deployment, as far as a collector needs them."""

    partitions: int
    data: Path
    gateway: str = ""
    proxy: str | None = None
    assets: frozenset[str] = frozenset()
    watch: frozenset[str] = frozenset()
    alive_ms: int = 3000


class Tap(Protocol):
    """What wants to see everything raw, before it is decoded."""

    def frame(self, connection: Connection, frame: bytes, recv: int) -> None: ...
    def body(self, body: Body) -> None: ...

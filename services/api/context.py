"""What the routes have in their hands: one object per process, made by `app.create`."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.websockets import WebSocket

from services.api.build import version
from services.api.cryexc.session import Session
from services.api.ending import end
from services.api.follow import Followers
from services.api.hub import Hub
from services.api.push import PushServer
from services.api.shared_body import SharedBodies
from services.api.sockets import live, send_all
from services.api.state import LiveState
from services.api.store import Store
from services.api.tail import TradeTail
from services.api.unlisted import warnings
from shared import bus
from shared.config import Runtime, Settings
from shared.settings_store import RuntimeStore

#: Sockets of either protocol at once; one more is refused.
MAX_SOCKETS: Final = 5_000


@dataclass
class Context:
    """The state, who keeps it up, and who serves it."""

    settings: Settings
    client: bus.Redis
    state: LiveState
    hub: Hub
    push: PushServer
    tail: TradeTail
    store: Store
    followers: Followers
    settings_store: RuntimeStore
    bodies: SharedBodies = field(default_factory=SharedBodies)
    sessions: set[Session] = field(default_factory=set)
    #: requests and upgrades that no route was asked about, by the code of the refusal
    refused: Counter[str] = field(default_factory=Counter)
    started_ns: int = field(default_factory=time.time_ns)
    results: list[BaseException | None] = field(default_factory=list)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def make(cls, settings: Settings, client: bus.Redis) -> "Context":
        state = LiveState(mode=settings.mode)
        hub = Hub(state)
        return cls(
            settings=settings,
            client=client,
            state=state,
            hub=hub,
            push=PushServer(state, hub, version()),
            tail=TradeTail(client, settings.partitions, lambda: state.now_ns(time.time_ns())),
            store=Store(settings.database_url),
            followers=Followers(client, settings.partitions, state, hub),
            settings_store=RuntimeStore(client),
        )

    def warnings(self) -> list[dict[str, Any]]:
        """Coins that the settings name and nobody lists, and the like."""
        state = self.state
        return warnings(state.runtime, state.directory, state.board.rows, state.venues())

    def _on_end(self, task: asyncio.Future[None]) -> None:
        """A reader that ends by itself has met a fault of ours: so does the process."""
        if not task.cancelled() and task.exception() is not None:
            self.failed.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that works beside the requests, for as long as the server serves."""
        self.followers.directory_listeners.append(self._refresh_sessions)
        beside = (self.push.heartbeats(), self.tail.run(), self.settings_store.follow(self.take_settings))
        tasks = [asyncio.ensure_future(one) for one in (*self.followers.readers(), *beside)]
        for task in tasks:
            task.add_done_callback(self._on_end)
        try:
            yield
        finally:
            await end((*tasks, *self.tail.tasks()))
            self.results = await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()

    def raise_fault(self) -> None:
        """What a reader ended with, if one did."""
        for result in self.results:
            if isinstance(result, Exception):
                raise result

    def take_settings(self, runtime: Runtime) -> None:
        """From now on these are in force."""
        self.state.runtime = runtime
        self.hub.settings_changed()

    async def _refresh_sessions(self) -> None:
        for session in tuple(self.sessions):
            await session.refresh()

    async def serve_terminal(self, socket: WebSocket) -> None:
        """One terminal's socket from its upgrade to its end."""
        await socket.accept()
        session = Session(self.tail, lambda: self.state.directory)
        self.sessions.add(session)
        try:
            await live(socket, session.read(socket), send_all(socket, session.outbox, session.sent))
        finally:
            self.sessions.discard(session)
            session.close()

    def now_ns(self) -> int:
        return self.state.now_ns(time.time_ns())

    @property
    def sockets(self) -> int:
        return len(self.sessions) + len(self.push.clients)


def _context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


Ctx = Annotated[Context, Depends(_context)]

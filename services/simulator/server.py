"""The simulator as one thing: `async with Simulator(options) as sim:` and then `sim.url` is the gateway."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

import msgspec

from services.simulator import admin, player
from services.simulator.blast import Blast
from services.simulator.driver import Driver
from services.simulator.exchange import Exchange, World
from services.simulator.hub import Feed
from services.simulator.market import Market
from services.simulator.options import OptionError, Options
from services.simulator.protocol import Connection
from services.simulator.recording import load as load_recording
from services.simulator.scenario import Event, Scenario, Timeline, check, load
from services.simulator.scenario import kinds as scenario_kinds
from services.simulator.strangers import added, strangers
from services.simulator.venues import VENUES
from services.simulator.wire import Reply, Request, json_reply


def played(options: Options) -> Options:
    """The options with the venues that they mean. Raises `OptionError` for one that is not simulated."""
    for name in options.venues:
        if name not in VENUES:
            raise OptionError(f"venue {name!r} is not simulated, expected some of: {', '.join(VENUES)}")
    return options if options.venues else replace(options, venues=tuple(VENUES))


def unplayed(event: Event) -> str:
    """What is missing for an event that cannot show."""
    where = " ".join(part for part in (event.venue, event.market) if part)
    return f"coin {event.coin!r} is not played{f' on {where}' if where else ''}"


class Simulator:
    """Exchanges on a loopback port. `port` 0 takes a free one; `url` is what VENUE_GATEWAY wants."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options = played(options or Options())
        scenario = load(options.scenario, options.venues, VENUES) if options.scenario is not None else Scenario()
        recording = load_recording(options.replay) if options.replay else None
        if recording is not None:
            self.options = options = replace(options, rate=0.0)
            rows = {venue: player.rows_of(recording, VENUES[venue]) for venue in options.venues}
        else:
            rows = {venue: VENUES[venue].rows(options.instruments, options.seed) for venue in options.venues}
            for venue in options.venues:
                rows[venue] = added(rows[venue], strangers(scenario.event, VENUES[venue], options.seed))
        # a replay has no prices of its own
        self.market = Market([] if recording else [row for each in rows.values() for row in each], options.seed)
        self.exchanges: dict[str, Exchange] = {}
        for number, venue in enumerate(options.venues):
            feed = Feed(venue, options.keep, options.seed + number)
            record = VENUES[venue]
            exchange = record.make(World(options, self.market, feed, rows[venue]))
            self.exchanges[venue] = exchange if recording is None else player.Replayed(exchange, recording, record)
        self.player = None if recording is None else player.Player(recording, self.exchanges, options)
        self._player_task: asyncio.Task[None] | None = None
        self.driver = Driver(self.market, self.exchanges, Timeline(scenario), options)
        #: scripted events that cannot show, each as a sentence
        self.idle_events = [f"event {one.kind!r}: {unplayed(one)}" for one in scenario.event if self.idle(one)]
        self._by_host = {host: exchange for name, exchange in self.exchanges.items() for host in VENUES[name].hosts}
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._numbers = 0
        self.blasting: Blast | None = None
        self._blast_task: asyncio.Task[None] | None = None
        self.port = options.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.market.start(time.time())
        self.driver.play(self.driver.started)
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.options.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._task = asyncio.create_task(self.driver.run())
        if self.player is not None:
            self._player_task = asyncio.create_task(self.player.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        assert self._server is not None
        for task in (self._task, self._blast_task, self._player_task):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._server.close()
        for exchange in self.exchanges.values():
            for socket in list(exchange.feed.sockets):
                socket.abort()
        await asyncio.sleep(0)

    async def wait(self) -> None:
        """Until the driver fails or is cancelled."""
        assert self._task is not None
        await self._task

    def strike(self, event: Event) -> Event:
        """An event from now on (its `at` counts from now). Raises `OptionError` where it makes no sense."""
        check(event, self.exchanges)
        if self.idle(event):
            raise OptionError(f"event {event.kind!r}: {unplayed(event)}; GET /_sim/quotes lists what is")
        if event.name and event.kind == "list":
            raise OptionError("event 'list': what is listed under a name of its own has to be in the scenario's file")
        now = time.time()
        event = msgspec.structs.replace(event, at=max(0.0, now - self.driver.started) + event.at)
        self.driver.timeline.add(event)
        self._play(now)
        return event

    def idle(self, event: Event) -> bool:
        """Whether it names a coin of which no instrument is played where it would strike."""
        rows = self.market.by_coin.get(event.coin, ())
        return bool(event.coin) and not any(event.covers(row.venue, row.coin, row.market) for row in rows)

    def clear(self, *kinds: str) -> None:
        """Takes struck events of these kinds away, all of them without an argument; scripted ones stay."""
        self.driver.timeline.remove(kinds or scenario_kinds())
        self._play(time.time())

    def _play(self, now: float) -> None:
        self.driver.play(now)
        for exchange in self.exchanges.values():
            exchange.feed.flush(now)

    def blast(self, blast: Blast) -> None:
        """Starts a blast. Raises `OptionError` while another is on."""
        if self._blast_task is not None and not self._blast_task.done():
            raise OptionError("a blast is on already: DELETE it, or wait until it is done")
        self.blasting = blast
        self._blast_task = asyncio.create_task(blast.run())

    def end_blast(self) -> None:
        if self._blast_task is not None:
            self._blast_task.cancel()

    def stop(self) -> None:
        """Ends `wait`."""
        if self._task is not None:
            self._task.cancel()

    # -- requests --------------------------------------------------------------------------------------------------

    def serve(self, request: Request, connection: Connection) -> Reply | None:
        """Answers one request. Hosts that nobody plays get 404; `_sim` is the simulator itself."""
        if request.host == admin.HOST:
            return admin.answer(self, request)
        exchange = self._by_host.get(request.host)
        if exchange is None:
            return json_reply({"error": f"no simulated exchange has the host {request.host!r}"}, 404)
        feed = exchange.feed
        feed.now = t = time.time()
        side = "socket" if request.upgrades else "rest"
        if feed.struck("outage") is not None:
            connection.transport.abort()
            return None
        refusal = self._refusal(feed, side)
        if refusal is not None:
            return refusal
        if request.upgrades:
            return self._open(request, exchange, connection, t)
        feed.rest[request.path] += 1
        reply = exchange.answer(request, t)
        feed.flush(t)
        slow = feed.struck("slow_rest")
        if slow is None:
            return reply
        feed.later(slow.delay_ms / 1000, lambda: connection.send(reply))
        return None

    @staticmethod
    def _refusal(feed: Feed, side: str) -> Reply | None:
        event = feed.struck("redirect", lambda each: each.on in ("both", side))
        if event is not None:
            return Reply(b"", event.status or 302, {"Location": event.location or ""})
        event = feed.struck("block", lambda each: each.on in ("both", side))
        if event is None and side == "socket":
            event = feed.struck("refuse")
        if event is None:
            return None
        headers = {"Retry-After": "1"} if event.status in (418, 429) else {}
        text = event.reason or "Service unavailable from a restricted location"
        return json_reply({"code": 0, "msg": text}, event.status or 503, headers)

    def _open(self, request: Request, exchange: Exchange, connection: Connection, t: float) -> Reply | None:
        endpoint = exchange.accept(request, t)
        if isinstance(endpoint, Reply):
            exchange.feed.counts["handshakes_refused"] += 1
            return endpoint
        self._numbers += 1
        connection.upgrade(request, exchange, endpoint, self._numbers)
        return None

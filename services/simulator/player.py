"""Plays recorded sessions: the exchange's own protocol around it, recorded frames and REST answers inside.

Handshakes, subscriptions, acknowledgements, pings and limits are those of the simulated exchange; its synthetic market
is silent. The clock of a replay starts when nobody has subscribed to anything new for `settle_s` seconds, so that no
frame is lost on a client that is still subscribing. A frame that nobody follows is counted as unwanted.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from services.simulator.exchange import Exchange
from services.simulator.hub import Feed, Socket, Topic
from services.simulator.listing import Listed, Market
from services.simulator.options import OptionError, Options
from services.simulator.recorded import Answer, Params, asked
from services.simulator.recording import Recording
from services.simulator.venue import SimulatedVenue
from services.simulator.wire import Reply, Request

#: as fast as the clients read: so many frames between two looks at them
BURST = 200
TICK_S = 0.002


def rows_of(recording: Recording, venue: SimulatedVenue) -> list[Listed]:
    """An instrument for everything that the recording lists or has frames of."""
    rows: dict[tuple[Market, str], Listed] = {}
    for answer in recording.answers:
        for row in venue.recorded.listed(answer) if answer.venue == venue.name else ():
            rows.setdefault((row.market, row.native), row)
    families = dict.fromkeys(frame.family for frame in recording.frames if frame.venue == venue.name)
    for family in families:
        possible = venue.recorded.instruments(family)
        if possible and not any((row.market, row.native) in rows for row in possible):
            rows[possible[0].market, possible[0].native] = possible[0]
    return list(rows.values())


class Replayed:
    """An exchange whose words are recorded; `inner` keeps its manners."""

    paces: Sequence[tuple[float, Callable[[float], None]]] = ()

    def __init__(self, inner: Exchange, recording: Recording, venue: SimulatedVenue) -> None:
        self._inner, self._recorded = inner, venue.recorded
        self.name, self.feed = inner.name, inner.feed
        self.goodbye, self.control, self.watch = inner.goodbye, inner.control, inner.watch
        self.accept = inner.accept
        self._answers: dict[str, list[Answer]] = {}
        for answer in recording.answers:
            if answer.venue == inner.name:
                self._answers.setdefault(answer.path, []).append(answer)
        self.position_s = 0.0
        #: when something was last subscribed, and how many topics there were then
        self.asked = 0.0
        self._topics = 0

    def answer(self, request: Request, t: float) -> Reply:
        """The recorded answer to the same question: the newest up to the replay's position, else the first."""
        recorded = self._answers.get(request.path, [])
        params = asked(request)
        for loose in (frozenset[str](), *self._recorded.loose):
            wanted = strict(params, loose)
            fitting = [each for each in recorded if strict(each.params, loose) == wanted]
            if fitting:
                past = [each for each in fitting if each.at <= self.position_s]
                return Reply((past[-1] if past else fitting[0]).body)
        self.feed.counts["rest_unrecorded"] += 1
        return Reply(self._recorded.empty(request))

    def opened(self, socket: Socket, request: Request, t: float) -> None:
        self._inner.opened(socket, request, t)
        self._note(t)

    def received(self, socket: Socket, text: str, t: float) -> None:
        self._inner.received(socket, text, t)
        self._note(t)

    def _note(self, t: float) -> None:
        topics = sum(len(socket.topics) for socket in self.feed.sockets)
        if topics > self._topics:
            self.asked = t
        self._topics = topics

    def quoted(self, row: Listed, t: float) -> None:
        """The synthetic market is silent."""

    def traded(self, row: Listed, buys: bool, t: float) -> None:
        """The synthetic market is silent."""

    def changed(self, row: Listed, t: float) -> None:
        """The synthetic market is silent."""

    def blasts(self, socket: Socket) -> Sequence[tuple[str, Listed]]:
        return ()

    def blast(self, channel: str, row: Listed, u: str, ms: str) -> bytes:
        raise OptionError("a replay cannot be blasted")

    def family(self, topic: Topic) -> str:
        """The family of a subscribed topic."""
        return self._recorded.topic(topic)


def strict(params: Params, loose: frozenset[str]) -> Params:
    """The parameters that have to agree."""
    return frozenset(item for item in params if item[0] not in loose)


class Player:
    """Moves a recording through time."""

    def __init__(self, recording: Recording, exchanges: Mapping[str, Exchange], options: Options) -> None:
        self.recording, self.options = recording, options
        self.exchanges = {name: each for name, each in exchanges.items() if isinstance(each, Replayed)}
        self.state = "waiting"
        self.played = 0
        self.turns = 0
        self.unwanted: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    async def run(self) -> None:
        """Plays once, or for ever with `loop`; then stays open."""
        while True:
            await self._settled()
            self.state = "playing"
            await (self._as_fast_as_read() if self.options.speed <= 0 else self._in_time())
            self.turns += 1
            self.state = "done"
            if not self.options.loop:
                return

    async def _settled(self) -> None:
        """Until somebody has subscribed, and then nobody for a while."""
        while True:
            last = max((exchange.asked for exchange in self.exchanges.values()), default=0.0)
            if last and time.time() - last >= self.options.settle_s:
                return
            await asyncio.sleep(0.01)

    async def _in_time(self) -> None:
        start = time.monotonic()
        place, frames = 0, self.recording.frames
        while place < len(frames):
            position = (time.monotonic() - start) * self.options.speed
            topics = self._topics()
            while place < len(frames) and frames[place].at <= position:
                self._send(place, topics)
                place += 1
            self._advance(position)
            await asyncio.sleep(TICK_S)

    async def _as_fast_as_read(self) -> None:
        frames = self.recording.frames
        for first in range(0, len(frames), BURST):
            topics = self._topics()
            for place in range(first, min(first + BURST, len(frames))):
                self._send(place, topics)
            self._advance(frames[min(first + BURST, len(frames)) - 1].at)
            for exchange in self.exchanges.values():
                for socket in list(exchange.feed.sockets):
                    await socket.room.wait()
            await asyncio.sleep(0)

    def _topics(self) -> dict[tuple[str, str], list[tuple[Feed, Topic]]]:
        """What is followed, by venue and family."""
        found: dict[tuple[str, str], list[tuple[Feed, Topic]]] = {}
        for name, exchange in self.exchanges.items():
            for topic in exchange.feed.topics.values():
                if topic.followed:
                    found.setdefault((name, exchange.family(topic)), []).append((exchange.feed, topic))
        return found

    def _send(self, place: int, topics: Mapping[tuple[str, str], Sequence[tuple[Feed, Topic]]]) -> None:
        frame = self.recording.frames[place]
        followed = topics.get((frame.venue, frame.family), ())
        for feed, topic in followed:
            feed.publish(topic, frame.payload)
        (self.sent if followed else self.unwanted)[frame.venue] += 1
        self.played += 1

    def _advance(self, position: float) -> None:
        now = time.time()
        for exchange in self.exchanges.values():
            exchange.position_s = position
            exchange.feed.flush(now)

    def report(self) -> dict[str, object]:
        """How far the replay is. `sent` and `unwanted` count recorded frames by venue."""
        position = max((exchange.position_s for exchange in self.exchanges.values()), default=0.0)
        return {
            "state": self.state,
            "position_s": round(position, 6),
            "length_s": round(self.recording.length_s, 6),
            "frames": len(self.recording.frames),
            "played": self.played,
            "sent": self.sent,
            "unwanted": self.unwanted,
            "turns": self.turns,
            "lines": self.recording.counts,
        }

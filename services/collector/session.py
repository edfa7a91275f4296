"""One connection's life, pure: what happens goes in, what to do comes out. No socket, no clock, no await.

Theory of operation. A session lives from the moment a socket opens until it is closed; times are integers, nanoseconds,
given by the caller. The runner calls `opened`, `control` for each message that is no event, `data` for events while
`expecting` is true, `want` when the plan changes, `tick` about `due()` later, and carries out the actions returned.

1. *Subscribing.* Topics wait in order, those that somebody waits for first; a tick sends as many frames as the venue's
   pace allows (1 / frames_per_second apart, at most frames_per_hour in an hour). Unsubscribing goes the same way.
2. *Proof.* A topic is live once it is acknowledged by name, by the id of its frame, or by its first data. Each frame
   has a deadline of its own; topics without proof by then are sent again, twice, then the connection is replaced. Where
   the venue answers refusals alone (`acks`), a second without one is the proof.
3. *Refusals.* One that names a topic, or the id of a frame with a single topic, quarantines it. One that names a larger
   frame, or nothing, or a close within a second of a subscribe, makes unproven topics of that frame, of all that are
   under way, or of that second *suspects*: sent singly after all others; the one that fails alone is quarantined.
   Suspicion is handed to the next session of the line (`suspects`): one close proves nothing. One that says `busy`
   blames nobody: what was meant is asked for again after a pause; so is, at once, what shared the frame of a topic that
   was refused as a `whole`.
4. *Liveness.* Any frame proves a connection. When nothing came for half of `alive_ms` (or the venue's idle time, if
   that is shorter) it is pinged, with the venue's ping frame or a protocol ping; unproven for `alive_ms`: its symbols
   are `stale`, and `up` again with the next frame, because TCP lost nothing; nothing for `dead_s`: replaced.
5. *Silence.* A topic silent for `silent_s` while the connection moves is resubscribed, and if it stays silent for as
   long again the connection is replaced. A line whose replacement did not help is left to the rules above: the fault is
   not this connection's (`patient`).
6. *Age.* Some time before the venue's lifetime, or when it says that it will close, the runner is asked to roll over.
"""

from collections.abc import Callable, Iterable
from typing import Final

from services.collector.actions import Action, Count, Ping, Publish, Quarantine, Reconnect, Rollover, Send
from services.collector.messages import Ack, Answer, Closing, Control, Refused
from services.collector.pacing import SECOND, Pace, Window
from services.collector.plan import Frame, Topic, framed
from services.collector.venue import Endpoint
from services.collector.waiting import Asked, Entry, TopicState, Waiting

ACK_DEADLINE: Final = 10 * SECOND
ACK_ATTEMPTS: Final = 3
#: a close this soon after a subscribe is taken as an answer to it
SUSPECT_WINDOW: Final = SECOND
ROLLOVER_LEAD_S: Final = 300.0
#: how long nothing is asked for after the venue said that it was too much
BUSY_PAUSE: Final = 5 * SECOND

Heard = Callable[[Topic, int], bool]


class Session:
    """See the module's theory of operation. `heard(topic, since)`: whether its data came at or after `since`."""

    def __init__(
        self,
        endpoint: Endpoint,
        subscribe: Frame,
        unsubscribe: Frame,
        heard: Heard,
        *,
        alive_ms: int = 3000,
        suspects: Iterable[str] = (),
        patient: bool = False,
        lead_s: float = ROLLOVER_LEAD_S,
        shared: Window | None = None,
    ) -> None:
        self._endpoint, self._subscribe, self._unsubscribe = endpoint, subscribe, unsubscribe
        self._heard, self._patient, self._lead = heard, patient, int(lead_s * SECOND)
        self._alive = alive_ms * 1_000_000
        self._entries: dict[str, Entry] = {}
        self._queue = Waiting()
        self._leaving: dict[str, None] = {}
        self._suspects: dict[str, None] = dict.fromkeys(suspects)
        self._asked: dict[int, Asked] = {}
        self._pace = Pace(endpoint.limits.frames_per_second, endpoint.limits.frames_per_hour, shared)
        self._number = 0
        self._sources: dict[tuple[str, str], list[Entry]] | None = None
        self._opened = self._last_frame = self._last_ping = self._next_look = 0
        self._rolling = False
        #: unproven topics are under way: the caller passes events to `data`
        self.expecting = False
        #: unproven for too long: the caller tells the next frame to `frame`
        self.stale = False
        #: it ended because a topic stayed silent
        self.silent = False

    # ---- what the caller may ask

    @property
    def suspects(self) -> tuple[str, ...]:
        """Topics to be tried singly by the line's next session."""
        return tuple(name for name in self._suspects if name in self._entries)

    @property
    def proven(self) -> bool:
        """Everything that was wanted is live (nothing wanted: proven)."""
        return not self._queue and all(entry.state == "live" for entry in self._entries.values())

    @property
    def live(self) -> int:
        """How many topics are live."""
        return sum(entry.state == "live" for entry in self._entries.values())

    @property
    def topics(self) -> tuple[Topic, ...]:
        return tuple(entry.topic for entry in self._entries.values())

    def resubscribe(self, name: str) -> None:
        """Ask for a topic anew: its stream is no longer whole (a book that lost a change)."""
        entry = self._entries.get(name)
        if entry is not None and entry.state == "live":
            self._leaving[name] = None
            self._again(name)

    def renew(self, kind: str, symbol: str) -> list[Topic]:
        """Ask anew for the topics that bring a kind of a symbol; which those are."""
        found = [topic for topic in self.topics if kind in topic.kinds and symbol in topic.symbols]
        for topic in found:
            self.resubscribe(topic.name)
        return found

    def proves(self, name: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and entry.state == "live"

    def due(self, now: int) -> float:
        """Seconds until `tick` should be called again."""
        if not (self._queue or self._leaving or self._suspects):
            return 0.25 if self._asked else 0.5
        return min(0.5, max(0.01, (self._ready_at(now) - now) / SECOND))

    def _ready_at(self, now: int) -> int:
        """When the next frame may go; what all connections share is not used up by topics that nobody waits for."""
        return self._pace.ready_at(now, sparing=not (self._leaving or self._queue.urgent))

    # ---- what happens

    def opened(self, now: int) -> list[Action]:
        self._opened = now
        return self.tick(now, now)

    def want(self, topics: Iterable[Topic]) -> None:
        """Carry exactly these topics from now on; frames go out with the next ticks."""
        wanted = {topic.name: topic for topic in topics}
        self._sources = None
        for name in [name for name in self._entries if name not in wanted]:
            entry = self._entries.pop(name)
            self._queue.drop(name)
            self._suspects.pop(name, None)
            if entry.state != "waiting":
                self._leaving[name] = None
        for name, topic in wanted.items():
            entry = self._entries.get(name) or Entry(topic)
            entry.topic = topic
            if name not in self._entries:
                self._entries[name] = entry
                self._leaving.pop(name, None)
                if name not in self._suspects:
                    self._queue.add(name, urgent=topic.urgent)
            elif name in self._queue:
                self._queue.add(name, urgent=topic.urgent)

    def forget(self) -> None:
        """Let go of everything without a word to venue or readers: the connection is about to be closed."""
        self.want(())
        self._leaving.clear()

    def frame(self, now: int) -> list[Action]:
        """The first frame after the connection had gone stale (the caller looks at `stale`)."""
        self.stale, self._last_frame = False, now
        return [Publish(self.topics, "up", "connection answers again")]

    def data(self, kind: str, symbol: str) -> None:
        """First data acknowledges, where only one topic of this connection could have brought it."""
        if self._sources is None:
            self._sources = {}
            for entry in self._entries.values():
                for source in ((kind, symbol) for kind in entry.topic.kinds for symbol in entry.topic.symbols or ("",)):
                    self._sources.setdefault(source, []).append(entry)
        found = self._sources.get((kind, symbol), []) + self._sources.get((kind, ""), [])
        if len(found) == 1 and found[0].state == "sent":
            self._prove(found[0].topic.name)

    def control(self, message: Control, now: int) -> list[Action]:
        if isinstance(message, Ack):
            return self._acknowledged(message)
        if isinstance(message, Refused):
            return self._refused(message, now)
        if isinstance(message, Answer):
            self._pace.took(now, hourly=False)
            return [Send(message.text.encode())]
        if isinstance(message, Closing) and not self._rolling:
            self._rolling = True
            return [Rollover(message.reason)]
        return []

    def closed(self, now: int, reason: str) -> list[Action]:
        """The socket is gone. Unproven topics of the last second become suspects; one that was alone is quarantined."""
        actions = self._blame(self._recent(now), f"closed right after subscribing: {reason}", told=False)
        return [*actions, Publish(self.topics, "down", reason)]

    def tick(self, now: int, last_frame: int) -> list[Action]:
        """`last_frame`: when the last frame of any kind came (the caller's callback notes it, not the session)."""
        self._last_frame = max(last_frame, self._opened)
        actions = self._liveness(now)
        if any(isinstance(action, Reconnect) for action in actions):
            return actions
        return [*actions, *self._deadlines(now), *self._silence(now), *self._send(now), *self._age(now)]

    # ---- 1, 2: subscribing and proof

    def _send(self, now: int) -> list[Action]:
        actions: list[Action] = []
        while self._ready_at(now) <= now and (frame := self._next_frame(now)) is not None:
            self._pace.took(now)
            if frame:
                actions.append(Send(frame))
        self.expecting = bool(self._asked)
        return actions

    def _next_frame(self, now: int) -> bytes | None:
        limits = self._endpoint.limits
        if limits.unanswered is not None and len(self._asked) >= limits.unanswered:
            return None
        self._number += 1
        if self._leaving:
            count, data = framed(tuple(self._leaving), limits, self._unsubscribe, self._number)
            for name in list(self._leaving)[:count]:
                del self._leaving[name]
            return data
        if self._queue:
            names = self._queue.first()
            count, data = framed(names, limits, self._subscribe, self._number)
            self._under_way(names[:count], now)
            return data
        if self._asked:
            return None  # one suspect at a time, with nothing else that could be to blame
        alone = next((name for name in self._suspects if self._state(name) == "waiting"), None)
        if alone is None:
            return None
        self._under_way((alone,), now)
        return self._subscribe((alone,), self._number)

    def _state(self, name: str) -> TopicState | None:
        entry = self._entries.get(name)
        return None if entry is None else entry.state

    def _under_way(self, names: tuple[str, ...], now: int) -> None:
        self._asked[self._number] = Asked(names, now)
        for name in names:
            self._queue.drop(name)
            entry = self._entries[name]
            entry.state, entry.sent, entry.attempts = "sent", now, entry.attempts + 1

    def _prove(self, name: str) -> None:
        entry = self._entries.get(name)
        if entry is not None and entry.state == "sent":
            entry.state, entry.attempts = "live", 0
            self._suspects.pop(name, None)
        self._forget_proven()

    def _forget_proven(self) -> None:
        for number, asked in list(self._asked.items()):
            if all(self._state(name) != "sent" for name in asked.names):
                del self._asked[number]
        self.expecting = bool(self._asked)

    def _acknowledged(self, ack: Ack) -> list[Action]:
        if ack.id is not None and ack.id not in self._asked:
            return []  # the answer to an unsubscribe, or to a frame that was given up
        if ack.topic is not None:
            self._prove(ack.topic)
        elif ack.id is not None:
            for name in self._asked[ack.id].names:
                self._prove(name)
        return []

    def _deadlines(self, now: int) -> list[Action]:
        """2. Topics whose frame was not answered in time: accepted, where the venue answers refusals alone."""
        actions: list[Action] = []
        for number, asked in list(self._asked.items()):
            if not self._endpoint.acks and now - asked.sent > SUSPECT_WINDOW:
                for name in asked.names:
                    self._prove(name)
                continue
            if now - asked.sent <= ACK_DEADLINE:
                continue
            late = [name for name in asked.names if self._state(name) == "sent"]
            del self._asked[number]
            actions.append(Count("ack_timeout", len(late), f"{len(late)} topics not acknowledged, first {late[:1]}"))
            if any(self._entries[name].attempts >= ACK_ATTEMPTS for name in late):
                return [*actions, Reconnect("subscriptions not acknowledged")]
            for name in late:
                self._again(name)
        return actions

    def _again(self, name: str) -> None:
        entry = self._entries[name]
        entry.state = "waiting"
        if name not in self._suspects:
            self._queue.add(name, urgent=entry.topic.urgent)

    # ---- 3: refusals

    def _refused(self, refused: Refused, now: int) -> list[Action]:
        text = f"{refused.code or ''} {refused.reason}".strip() or "refused"
        actions: list[Action] = [
            Count("refused", 1, f"refused: {text} ({refused.topic or refused.id or 'nothing named'})")
        ]
        asked = None if refused.id is None else self._asked.get(refused.id)
        # what names nothing may be of anything that is under way: an answer may be late
        nameless = self._recent(now) if refused.busy else list(self._asked.values())
        frames = [asked] if asked else [] if refused.id is not None and not refused.busy else nameless
        if refused.busy:
            self._pace.block(now + BUSY_PAUSE)
            self._ask_again(frames)
        elif refused.topic is None:
            actions += self._blame(frames, text)
        elif refused.topic in self._entries and not (refused.whole and self.proves(refused.topic)):
            actions.append(self._quarantine(refused.topic, text))
        if refused.whole and refused.topic is not None and asked is not None:
            self._ask_again(frames)
        return actions

    def _ask_again(self, frames: list[Asked]) -> None:
        for name in [name for asked in frames for name in asked.names if self._state(name) == "sent"]:
            self._entries[name].attempts -= 1
            self._again(name)
        self._forget_proven()

    def _recent(self, now: int) -> list[Asked]:
        return [asked for asked in self._asked.values() if now - asked.sent <= SUSPECT_WINDOW]

    def _blame(self, frames: list[Asked], reason: str, *, told: bool = True) -> list[Action]:
        """A topic alone is quarantined, where the venue told it or it was a suspect; others become suspects."""
        unproven = [name for asked in frames for name in asked.names if self._state(name) == "sent"]
        if len(frames) == 1 and len(frames[0].names) == 1 and unproven and (told or unproven[0] in self._suspects):
            return [self._quarantine(unproven[0], reason)]
        for name in unproven:
            self._suspects[name] = None
            self._entries[name].state = "waiting"
        self._forget_proven()
        return []

    def _quarantine(self, name: str, reason: str) -> Quarantine:
        entry = self._entries.pop(name)
        self._suspects.pop(name, None)
        self._queue.drop(name)
        self._forget_proven()
        return Quarantine(entry.topic, reason)

    # ---- 4, 5, 6: liveness, silence, age

    def _liveness(self, now: int) -> list[Action]:
        rule, quiet = self._endpoint.ping, now - self._last_frame
        actions: list[Action] = []
        if quiet > rule.dead_s * SECOND:
            return [Reconnect(f"no frame for {quiet / SECOND:.0f} s")]
        if quiet > self._alive and not self.stale:
            self.stale = True
            actions += [Publish(self.topics, "stale", "connection unproven"), Count("stale")]
        probe = min(rule.idle_s * SECOND, self._alive / 2)
        since = now - self._last_ping
        if (quiet >= probe and since >= probe) or (rule.always and since >= rule.idle_s * SECOND):
            self._last_ping = now
            self._pace.took(now, hourly=False)
            actions.append(Ping(rule.at(now)))
        return actions

    def _silence(self, now: int) -> list[Action]:
        """5. Looked at once a second: it is a walk over all topics."""
        actions: list[Action] = []
        if now < self._next_look:
            return actions
        self._next_look = now + SECOND
        for name, entry in self._entries.items():
            limit = entry.topic.silent_s
            if limit is None or entry.state != "live" or self.stale or now - entry.sent <= limit * SECOND:
                continue
            if self._heard(entry.topic, now - int(limit * SECOND)):
                entry.resubscribed = 0
            elif entry.resubscribed == 0:
                entry.resubscribed = now
                self.resubscribe(name)
                actions.append(Count("resubscribed", 1, f"{name} silent for {limit:.0f} s, subscribed again"))
            elif now - entry.resubscribed > limit * SECOND and not self._patient:
                self.silent = True
                return [*actions, Count("topic_silent"), Reconnect(f"{name} stays silent")]
        return actions

    def _age(self, now: int) -> list[Action]:
        lifetime = self._endpoint.limits.lifetime_s
        if lifetime is None or self._rolling:
            return []
        if now - self._opened < lifetime * SECOND - min(self._lead, int(lifetime * SECOND / 4)):
            return []
        self._rolling = True
        return [Rollover("planned: before the venue's lifetime")]

"""How a venue does, in one word and one sentence for a person."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from services.collector.engine import Engine
from services.collector.pacing import SECOND
from services.collector.sentences import TURNED_AWAY

#: a start that gets no further for so long is one no more: longer than any venue's window of subscriptions
STUCK_S: Final = 120.0
#: a venue is degraded when less than this part of its topics has been live for so long
MOST: Final = 0.9
SHORT_S: Final = 3.0


class Standing:
    """The standing of a venue from its start on. To be asked about once a second."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._started = False
        self._most, self._since = -1, clock()
        self._enough = clock()

    def now(self) -> tuple[str, str]:
        """As `standing`, which knows of no time: a topic that is asked for anew makes nothing worse."""
        (live, topics), at = carried(self._engine), self._clock()
        if live > self._most or not topics:
            self._most, self._since = live, at
        if (topics and live >= topics) or at - self._since > STUCK_S:
            self._started = True
        if live >= MOST * topics:
            self._enough = at
        return standing(self._engine, started=self._started, short=at - self._enough > SHORT_S)


def standing(engine: Engine, *, started: bool = False, short: bool = False) -> tuple[str, str]:
    """(`starting` | `live` | `blocked` | `degraded`, one sentence that may be empty).

    `started`: every topic has been live once; `short`: too few of them are for some time.
    """
    if not engine.listed.is_set():
        return _unlisted(engine)
    connections = [connection for line in engine.lines.values() for connection in line.connections]
    if engine.lines and not connections and engine.unreached:
        error = next(iter(engine.unreached.values()))
        return ("blocked" if error.status in TURNED_AWAY else "degraded"), str(error)
    if not engine.lines and not engine.plan.unplaced:
        return _idle(engine)
    if engine.unreached:
        return "degraded", f"{len(engine.unreached)} of {len(engine.lines)} connections are down."
    live, topics = carried(engine)
    if not started and (live < topics or not any(connection.good for connection in connections)):
        return "starting", f"{live} of {topics} topics." if live < topics else ""
    if short:
        return "degraded", f"{live} of {topics} topics are live."
    if engine.plan.unplaced:
        return "degraded", f"{len(engine.plan.unplaced)} subscriptions find no room within the exchange's limits."
    return "live", ""


def carried(engine: Engine) -> tuple[int, int]:
    """(topics that are live, topics): of those that are always carried, not of what somebody asks for."""
    found = [line.proves(topic) for line in engine.lines.values() for topic in line.topics if not topic.urgent]
    return sum(found), len(found)


def _unlisted(engine: Engine) -> tuple[str, str]:
    failing = list(engine.jobs.failing.values())
    refusals = [error for error in failing if error.kind in ("blocked", "refused")]
    if not failing:
        return "starting", ""
    return ("blocked" if refusals else "degraded"), (refusals or failing)[0].sentence


def _idle(engine: Engine) -> tuple[str, str]:
    """Of a process that carries nothing: others do, nothing is to be collected, or its connections come next."""
    if not engine.selected:
        return "live", "Nothing to collect."
    return ("starting" if engine.ownership.held or not engine.joined.is_set() else "live"), ""


def retry(engine: Engine, now: int) -> str:
    """When what fails is tried again, in a few words; empty where nothing that matters fails."""
    if engine.listed.is_set() or not engine.jobs.failing:
        return ""
    return f"Retry in {max(0, round((engine.jobs.next_listing - now) / SECOND))} s."

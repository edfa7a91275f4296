"""What a collector says about itself each second: flat numbers, and one JSON list of its connections."""

import logging
from time import monotonic, time_ns

import msgspec

from services.collector.engine import Engine
from services.collector.runner import Connection
from services.collector.standing import Standing, retry
from shared.writer import StreamWriter

log = logging.getLogger(__name__)


class Health:
    """The fields of the health record beside those that every service has."""

    def __init__(self, engine: Engine, writer: StreamWriter) -> None:
        self._engine, self._writer = engine, writer
        self._before = (monotonic(), 0)
        self._standing = Standing(engine)
        self._said = ("", "")

    def fields(self) -> dict[str, str | int | float]:
        engine, written = self._engine, self._writer.counters
        connections = [each for line in engine.lines.values() for each in line.connections]
        frames = engine.frames + sum(each.frames for each in connections)
        now_ns = time_ns()
        newest = max((each.last_ns for each in connections), default=0)
        state, detail = self._standing.now()
        said = (state, "" if state == "starting" else detail)
        if said != self._said:
            log.info("%s is %s. %s", engine.venue.name, state, detail)
            self._said = said
        lags = sorted(engine.lags)
        return {
            "state": state,
            "detail": " ".join(filter(None, (detail, retry(engine, now_ns)))),
            "instruments": len(engine.selected),
            "listed": len(engine.table),
            "subscribed": sum(each.session.live for each in connections),
            "unplaced": len(engine.plan.unplaced),
            "connections": len(connections),
            "buckets": len(engine.ownership.held),
            "members": len(engine.ownership.members),
            "frames_total": frames,
            "frames_per_s": self._rate(frames),
            "events_total": engine.desk.events,
            "lag_ms_p50": _percentile(lags, 0.50),
            "lag_ms_p99": _percentile(lags, 0.99),
            "reconnects_total": engine.counts["ended"],
            "gaps_total": engine.books.gaps,
            "dropped_total": written.dropped + written.conflated + written.capped,
            "resent_total": written.resent,
            "backlog_bytes": written.backlog_bytes,
            "unknown_total": engine.samples.counts.total(),
            "held_total": engine.desk.held.total(),
            "refused_total": engine.counts["refused"] + engine.counts["quarantined"],
            "fenced_total": engine.counts["fenced"],
            "frozen_total": engine.counts["frozen"],
            "rest_calls_total": engine.rest.calls,
            "rest_failures_total": engine.rest.failures,
            "last_frame_age_ms": (now_ns - newest) // 1_000_000 if newest else -1,
            "connections_json": msgspec.json.encode([_connection(each, now_ns) for each in connections]).decode(),
            "unknown_json": msgspec.json.encode(dict(engine.samples.counts)).decode(),
            "held_json": msgspec.json.encode(dict(engine.desk.held)).decode(),
        }

    def _rate(self, frames: int) -> float:
        now, (then, before) = monotonic(), self._before
        self._before = (now, frames)
        return round((frames - before) / max(0.001, now - then), 1)


def _connection(connection: Connection, now_ns: int) -> dict[str, str | int]:
    endpoint, position = connection.slot
    return {
        "endpoint": endpoint,
        "position": position,
        "topics": len(connection.session.topics),
        "live": connection.session.live,
        "frames": connection.frames,
        "age_ms": (now_ns - connection.last_ns) // 1_000_000,
        "opened_ms": connection.opened_ns // 1_000_000,
    }


def _percentile(lags: list[int], part: float) -> float:
    """Milliseconds; -1 where nothing was measured."""
    return round(lags[min(len(lags) - 1, int(len(lags) * part))] / 1e6, 3) if lags else -1.0

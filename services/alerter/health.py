"""What the health records of the collectors and the board say of each exchange. Pure.

A venue is met when one of its collectors has beaten while this process was looking; one that was left out of the
deployment is thus not missed. The usual latency is the median of an hour, a sample each SAMPLE_S, kept over restarts;
below LEAST samples it is not known.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from services.alerter.picture import FED, Exchange, Leg, Row

SAMPLE_S: Final = 10
SAMPLES: Final = 3_600 // SAMPLE_S
LEAST: Final = 30
#: A collector that started so recently is not expected to be connected.
START_S: Final = 60.0
_NS: Final = 1_000_000_000

Fields = Mapping[str, str]


class Feed(NamedTuple):
    """Of one venue, by the board: the newest quote's recv (ns), how many markets should deliver, which are stale."""

    newest: int = 0
    markets: int = 0
    stale: tuple[str, ...] = ()


Feeds = Mapping[str, Feed]


def feeds_of(rows: Sequence[Row]) -> Feeds:
    """By venue."""
    legs: dict[str, list[Leg]] = {}
    for row in rows:
        for leg in row.legs:
            if leg.recv is not None:
                legs.setdefault(leg.venue, []).append(leg)
    found: dict[str, Feed] = {}
    for venue, held in legs.items():
        fed = [leg for leg in held if leg.state in FED]
        stale = tuple(leg.symbol for leg in fed if leg.state == "stale")
        found[venue] = Feed(max(leg.recv or 0 for leg in held), len(fed), stale)
    return found


class Health:
    """The exchanges over time."""

    def __init__(self, latencies: Mapping[str, list[float]] | None = None) -> None:
        self.latencies: dict[str, list[float]] = {venue: list(held) for venue, held in (latencies or {}).items()}
        self._met: dict[str, int] = {}
        self._frames: dict[str, tuple[int, float]] = {}
        self._sampled = 0

    def look(self, records: Sequence[tuple[str, Fields]], feeds: Feeds | None, at: int) -> list[Exchange]:
        """The exchanges at this time (ns); `records` are (venue, fields) of every collector that beats."""
        members: dict[str, list[Fields]] = {}
        for venue, fields in records:
            members.setdefault(venue, []).append(fields)
            beat = at - int((_number(fields, "beat_age_ms") or 0) * 1_000_000)
            self._met[venue] = max(beat, self._met.get(venue, beat))
        self._sample(members, at)
        return [self._exchange(venue, members.get(venue, []), feeds, at) for venue in sorted(self._met)]

    def _sample(self, members: Mapping[str, Sequence[Fields]], at: int) -> None:
        if at - self._sampled < SAMPLE_S * _NS:
            return
        self._sampled = at
        for venue, held in members.items():
            if (lag := _latency(held)) is not None:
                self.latencies[venue] = [*self.latencies.get(venue, ()), lag][-SAMPLES:]

    def _exchange(self, venue: str, members: Sequence[Fields], feeds: Feeds | None, at: int) -> Exchange:
        usual = self.latencies.get(venue, ())
        feed = (feeds or {}).get(venue, Feed())
        return Exchange(
            venue=venue,
            beat_age_s=(at - self._met[venue]) / _NS,
            connected=connected(members, at),
            detail=next((one["detail"] for one in members if one.get("detail")), ""),
            rate=sum(_number(one, "frames_per_s") or 0.0 for one in members) if members else None,
            latency_ms=_latency(members),
            usual_ms=round(median(usual), 3) if len(usual) >= LEAST else None,
            quote_age_s=max(0, at - feed.newest) / _NS if feed.newest else None,
            markets=feed.markets,
            stale=feed.stale,
        )


def connected(members: Sequence[Fields], at: int) -> bool | None:
    """Whether any topic is live; None while all collectors have only just started, or there is none."""
    if any((_number(one, "subscribed") or 0) > 0 for one in members):
        return True
    if not members or all(one.get("state") == "live" for one in members):
        return None if not members else True  # live with nothing to collect
    started = max(_number(one, "started_ms") or 0 for one in members)
    return None if at / 1_000_000 - started < START_S * 1000 else False


def _latency(members: Sequence[Fields]) -> float | None:
    """The worst member's median; None where none is measured (collectors write -1 then)."""
    found = [lag for one in members if (lag := _number(one, "lag_ms_p50")) is not None and lag != -1]
    return max(found, default=None)


def _number(fields: Fields, name: str) -> float | None:
    try:
        return float(fields[name])
    except (KeyError, ValueError):
        return None

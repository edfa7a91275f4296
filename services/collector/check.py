"""`python -m services.collector check`: does an exchange answer, and does every kind of data arrive? No Redis needed.

The venue's own engine runs for a few coins, as it would in service, until everything that is expected has come or the
time is over. One line a point; exit 0 where all is well, 1 where a point fails, 2 where the settings cannot be used.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import IO, Final, Literal, NamedTuple

import uvloop

from services.collector.actions import Count
from services.collector.arguments import Parser, Usage, number, one_of
from services.collector.around import Surroundings
from services.collector.engine import Engine
from services.collector.members import alone
from services.collector.override_file import OverrideFile
from services.collector.overrides import Overrides
from services.collector.process import of_deployment, surroundings
from services.collector.standing import standing
from services.collector.venue import Venue
from services.collector.venues import VENUES
from services.collector.wants import kinds_of
from shared.config import load, names
from shared.events import KIND, Event, Settlement, State
from shared.instruments import Market
from shared.logs import set_up_logging

ASSETS: Final = "BTC,ETH,SOL"
SECONDS: Final = 30.0
#: kinds that a healthy exchange may not send for a long time
RARE: Final = frozenset({"liquidation", "settlement"})
LOOK_S: Final = 0.1

Outcome = Literal["ok", "failed", "quiet"]
#: (market, kind of event)
Kind = tuple[Market, str]


class Point(NamedTuple):
    """One line of the report."""

    name: str
    outcome: Outcome
    text: str


class Listener:
    """A bus that remembers the first event of each kind."""

    def __init__(self) -> None:
        self.began = monotonic()
        #: kind -> (seconds until it came, what came)
        self.first: dict[Kind, tuple[float, Event]] = {}

    def append(self, key: str, event: Event) -> None:
        if isinstance(event, State):
            return
        market: Market = "perp" if ":" in event.symbol else "spot"
        self.first.setdefault((market, KIND[type(event)]), (monotonic() - self.began, event))

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        def put(events: list[Event]) -> None:
            for event in events:
                self.append(key, event)

        return put

    def put_last(self, key: str, field: str, event: Event) -> None: ...
    def delete_last(self, key: str, field: str) -> None: ...


class Watched(Engine):
    """An engine that also keeps what the venue refused."""

    def __init__(self, venue: Venue, listener: Listener, around: Surroundings) -> None:
        super().__init__(venue, "check", listener, around)
        self.listener = listener
        self.said: list[str] = []

    def counted(self, connection: object, what: Count) -> None:
        self.counts[what.name] += what.number
        if what.detail:
            self.said.append(what.detail)


def main(arguments: Sequence[str], out: IO[str] = sys.stdout) -> int:
    """Check some exchanges, one after the other, and return the exit code."""
    parser = Parser("check", __doc__ or "")
    parser.add_argument(
        "--venue", action="append", type=one_of(VENUES), help=f"any of: {', '.join(VENUES)} (default: those of VENUES)"
    )
    parser.add_argument("--assets", default=ASSETS, help=f"coins to subscribe (default {ASSETS})")
    parser.add_argument(
        "--seconds", type=number(1, 3600), default=SECONDS, help=f"wait at most so long (default {SECONDS:g})"
    )
    given = parser.parse_args(arguments)
    assets = frozenset(names(given.assets, str.upper))
    if not assets:
        raise Usage(f"--assets: {given.assets!r}: expected coins, separated by commas")
    settings = load()
    chosen = given.venue or settings.venue_list(VENUES)
    venues, said = [of_deployment(VENUES[name], settings) for name in chosen], OverrideFile(settings, VENUES)
    set_up_logging("error")
    around = replace(surroundings(settings), assets=assets, watch=assets)
    where = f"through {settings.venue_gateway}" if settings.venue_gateway else "proxy" if settings.proxy else "direct"
    print(f"settings         ok      {len(venues)} exchanges, {where}, coins {', '.join(sorted(assets))}", file=out)
    if said.entries:
        print(f"overrides        ok      {len(said.entries)} in {said.path}", file=out)
    failed = sum(uvloop.run(checked(venue, around, given.seconds, out, said)) for venue in venues)
    print(f"{failed} points failed." if failed else "All is well.", file=out)
    return 1 if failed else 0


async def checked(
    venue: Venue, around: Surroundings, seconds: float, out: IO[str], said: OverrideFile | None = None
) -> int:
    """How many points of a venue fail."""
    print(f"\n{venue.display_name}", file=out)
    engine = Watched(venue, Listener(), around)
    if said is not None:
        engine.override(Overrides(given=said.of(venue.name)))
    running, standing_alone = asyncio.create_task(engine.run()), asyncio.create_task(alone(engine))
    try:
        points = [*await _listing(engine, running, seconds)]
        if points[0].outcome == "ok":
            points += [await _asked(engine, call.name) for call in venue.calls if call.job == "quotes"]
            await _until(lambda: _complete(engine), running, seconds)
            points += [_sockets(engine), *_kinds(engine, seconds), *_unknown(engine)]
    finally:
        running.cancel()
        standing_alone.cancel()
        await asyncio.wait([running, standing_alone])
    for point in points:
        print(f"  {point.name:28}{point.outcome:8}{point.text}", file=out, flush=True)
    return sum(point.outcome == "failed" for point in points)


async def _until(condition: Callable[[], bool], running: "asyncio.Task[None]", seconds: float) -> None:
    """Wait for it, as long as there is time. Raises what ended the engine."""
    deadline = monotonic() + seconds
    while not condition() and monotonic() < deadline:
        if running.done():
            running.result()
        await asyncio.sleep(LOOK_S)


async def _listing(engine: Watched, running: "asyncio.Task[None]", seconds: float) -> list[Point]:
    await _until(engine.listed.is_set, running, seconds)
    took = monotonic() - engine.listener.began
    failing = [Point(f"REST {name}", "failed", error.sentence) for name, error in engine.jobs.failing.items()]
    if not engine.listed.is_set():
        return failing or [Point("listing", "failed", f"No answer within {seconds:g} s.")]
    table = list(engine.table)
    counts = {market: sum(one.market == market for one in table) for market in ("spot", "perp")}
    text = f"{counts['spot']} spot, {counts['perp']} perpetual, {len(engine.table.outside)} out of scope, {took:.1f} s"
    coins = engine.around.assets
    if not any(not coins or one.asset in coins for one in engine.selected):
        return [Point("listing", "failed", f"{text}; none of the coins asked for is among them"), *failing]
    for market in ("spot", "perp"):
        of_market = frozenset(one.symbol for one in engine.selected if one.market == market)
        engine.demand = {kind: engine.demand.get(kind, frozenset()) | of_market for kind in ("trade", "book")}
    engine.change()
    return [Point("listing", "ok", f"{text}; {len(engine.selected)} chosen"), *failing]


async def _asked(engine: Watched, name: str) -> Point:
    """One REST call for all quotes, or for one symbol where the venue gives no more."""
    call = next(one for one in engine.venue.calls if one.name == name)
    one = next((each for each in engine.selected if each.market == call.market), None)
    if one is None:
        return Point(f"REST {name}", "quiet", "nothing of this market is chosen")
    began = monotonic()
    if await engine.jobs.ask(call, call.naming(one)):
        return Point(f"REST {name}", "ok", f"{(monotonic() - began) * 1000:.0f} ms")
    return Point(f"REST {name}", "failed", engine.jobs.failing[name].sentence)


def expected(engine: Engine) -> dict[Kind, list[str]]:
    """Every kind that the venue offers for what is chosen, and where it comes from."""
    found: dict[Kind, list[str]] = {}
    markets = {one.market for one in engine.selected}
    for channel in engine.venue.channels:
        if channel.market in markets:
            for kind in kinds_of(engine.venue, channel):
                found.setdefault((channel.market, kind), []).append(channel.name)
    for call in engine.venue.calls:
        if call.job in ("poll", "settlements") and call.market in markets:
            for kind in (KIND[Settlement],) if call.job == "settlements" else call.makes:
                found.setdefault((call.market, kind), []).append(f"REST {call.name}")
    return dict(sorted(found.items()))


def _complete(engine: Watched) -> bool:
    heard = engine.listener.first
    wanted = (place for place in expected(engine) if place[1] not in RARE)
    return _live(engine)[0] == _live(engine)[1] and all(place in heard for place in wanted)


def _live(engine: Engine) -> tuple[int, int]:
    """(topics that are live, topics)."""
    topics = [line.proves(topic) for line in engine.lines.values() for topic in line.topics]
    return sum(topics), len(topics)


def _sockets(engine: Watched) -> Point:
    live, topics = _live(engine)
    state, detail = standing(engine)
    parts = (f"{len(engine.lines)} connections, {live} of {topics} topics live", detail, *engine.said[:3])
    text = "; ".join(filter(None, parts))
    quarantined = engine.counts["quarantined"]
    if quarantined:
        text += f"; {quarantined} topics refused"
    return Point("sockets", "ok" if live == topics and state == "live" and not quarantined else "failed", text)


def _kinds(engine: Watched, seconds: float) -> list[Point]:
    points = []
    for (market, kind), sources in expected(engine).items():
        came = engine.listener.first.get((market, kind))
        name, by = f"{market} {kind}", ", ".join(sources)
        if came is not None:
            points.append(Point(name, "ok", f"after {came[0]:.1f} s, {came[1].symbol} ({by})"))
        elif kind in RARE:
            points.append(Point(name, "quiet", f"none yet, which need not mean anything ({by})"))
        else:
            points.append(Point(name, "failed", f"none within {seconds:g} s ({by})"))
    return points


def _unknown(engine: Engine) -> list[Point]:
    counts = engine.samples.counts
    text = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
    return [Point("frames without use", "quiet", text)] if text else []

"""`explain COIN`: why a coin gives no signal, as text: by the scanner's answer, or from the last checkpoint."""

import sys
from collections.abc import Collection, Iterator
from typing import Any

from services.scanner.checkpoint import Unusable, load
from services.scanner.idle import Idle
from services.scanner.steward import native_of, row_of
from services.scanner.why import why
from shared import streams
from shared.asking import ask
from shared.bus import AWAY, Redis, connect
from shared.config import SettingError
from shared.config import load as load_settings
from shared.why import LegWhy, RouteWhy, Step, Why

_UNCOUNTED = "no scanner answers: this is its last checkpoint, which does not count what was held back"
MARKS = {True: "yes", False: "NO", None: "-"}


def lines(told: Why) -> Iterator[str]:
    """The markets, then every route with its verdict and its steps, the largest edge first."""
    if not told.legs:
        yield f"{told.asset}: no market of it is known"
        return
    yield from (market(leg) for leg in told.legs)
    for one in told.routes:
        yield f"buy {one.buy}, sell {one.sell}: {one.edge_bps} bps: {verdict(one)}"
        yield from (f"    {step(each)}" for each in one.steps)
    if told.routes_total > len(told.routes):
        yield f"{told.routes_total - len(told.routes)} more routes with smaller edges"
    counted = ", ".join(f"{why} {count}" for why, count in sorted(told.held_back.items()))
    yield f"candidates held back so far: {counted or 'none'}" if told.answered_ms else _UNCOUNTED


def market(leg: LegWhy) -> str:
    """How one market stands."""
    reason = f" ({leg.reason})" if leg.reason else ""
    age = "no quote" if leg.age_ms is None else f"quote {leg.age_ms} ms old"
    return f"{leg.venue}|{leg.market}|{leg.native}: {leg.state}{reason}, {age}"


def verdict(one: RouteWhy) -> str:
    """What becomes of a route, in a few words."""
    if one.stage == "cool" and one.until_ms is not None:
        return f"{one.verdict}; cools down"
    if one.stage in ("open", "fade"):
        return f"{one.verdict}; signal {one.signal} is {one.stage}"
    if one.stage == "pend":
        return f"{one.verdict}; sample {one.samples} of {one.wanted}"
    return one.verdict


def step(one: Step) -> str:
    """One condition: whether it holds, what was found and what was wanted."""
    found = "" if one.value is None else f": {one.value}"
    wanted = "" if one.limit is None else f" (wanted: {one.limit})"
    return f"{MARKS[one.ok]:<4}{one.name}{found}{wanted}"


async def listed(client: Redis, asset: str) -> Collection[LegWhy]:
    """The markets of a coin that do not trade, by the listings as they stand."""
    idle, prefix = Idle(), streams.instruments("")
    async for key in client.scan_iter(f"{prefix}*"):
        rows: Any = await client.hgetall(key)
        for field, data in rows.items():
            row = row_of(data)
            if row is not None and row.base == asset:
                idle.note(key.decode(errors="replace").removeprefix(prefix), native_of(field), row)
    return idle.of(asset)


async def explain(asset: str) -> int:
    """Print what the scanner answers, or, where none runs, what its last checkpoint says. The exit code: 0, or 2 where
    nothing can be said."""
    name = asset.upper()
    try:
        settings = load_settings()
        async with connect(settings.redis) as client:
            told = await _living(client, name, settings.partitions) or await _kept(client, name, settings.partitions)
    except (SettingError, Unusable, *AWAY) as error:
        print(f"explain: {error}", file=sys.stderr)
        return 2
    if told is None:
        print("explain: no scanner has written a checkpoint yet", file=sys.stderr)
        return 2
    print("\n".join(lines(told)))
    return 0


async def _living(client: Redis, name: str, partitions: int) -> Why | None:
    """What the owner of the coin's partition answers; None where nobody owns it, or does not answer."""
    until: Any = await client.hget(streams.scan(streams.partition_of(name, partitions)), "until")
    seconds, _ = await client.time()
    return await ask(client, name) if until is not None and int(until) > int(seconds) * 1000 else None


async def _kept(client: Redis, name: str, partitions: int) -> Why | None:
    """What the last checkpoint says; None where there is none."""
    state: Any = await client.hget(streams.scan(streams.partition_of(name, partitions)), "ckpt")
    if state is None:
        return None
    fold, _ = load(state)
    met = {(leg.venue, leg.market, leg.native) for leg in why(fold, name).legs}
    idle = [one for one in await listed(client, name) if (one.venue, one.market, one.native) not in met]
    return why(fold, name, idle=idle)

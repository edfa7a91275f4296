"""What control events do to the fold: instruments, settings, the rate, last values, a cold start. Pure."""

from typing import TYPE_CHECKING, Final

import msgspec

from services.scanner.control import Config, ControlEvent, Join, Listing, Row, Seed, Start
from services.scanner.detectors.identity import FIRST_LISTING_NS
from services.scanner.detectors.price_check import Standing
from services.scanner.market import MS, Asset, Leg, Source
from shared.config import Runtime
from shared.events import Quote
from shared.instruments import COLLECTED_QUOTES
from shared.routes.fx import Fx, Rate, crosses

if TYPE_CHECKING:
    from services.scanner.fold import Fold

#: Settings that have nothing to do with signals; a change of these alone leaves pending routes in peace.
UNRELATED: Final = {"version": 0, "symbol": "", "watch": (), "near_ratio": 0.5, "book_budget": 0, "trade_usd": 1.0}


def rule(fold: "Fold", event: ControlEvent, id_ms: int, id_seq: int) -> None:
    """Take in one control event that is no tick."""
    if isinstance(event, Listing):
        _list(fold, event)
    elif isinstance(event, Config):
        _configure(fold, event.runtime)
    elif isinstance(event, Fx):
        _set_rate(fold, Rate(event, fold.at))
    elif isinstance(event, Seed):
        _seed(fold, event)
    elif isinstance(event, Join):
        if event.key not in fold.sources:
            legs = fold.venues.setdefault(event.venue, {})
            fold.sources[event.key] = Source(event.key, event.venue, event.kind, (id_ms, id_seq), legs)
    elif isinstance(event, Start):
        fold.start(event.fence)


def _list(fold: "Fold", event: Listing) -> None:
    natives = fold.natives.setdefault(event.venue, {})
    if event.rows:
        fold.listed.setdefault(event.venue, fold.at)
    new = fold.at > max(fold.began, fold.listed.get(event.venue, 0)) + FIRST_LISTING_NS
    changed: list[Leg] = []
    for row in event.rows:
        leg = natives.get((row.market, row.native))
        if leg is not None and leg.symbol != row.symbol:
            _retire(fold, leg)
            changed.append(leg)
            leg = None
        if leg is None:
            if row.quote not in COLLECTED_QUOTES:
                continue
            leg = add_leg(fold, event.venue, row, new=new)
        else:
            if leg.row.multiplier != row.multiplier:  # its prices were of another scale
                leg.standing = Standing()
                fold.judge.doubts.drop(leg)
            leg.set_row(row)
        weigh(fold, leg)
        changed.append(leg)
    for market, native in event.gone:
        leg = natives.get((market, native))
        if leg is not None:
            fold.leaving.note(leg, fold.at)
            changed.append(leg)
    for leg in changed:
        name(fold, leg)
    fold.look_again(changed)


def _retire(fold: "Fold", leg: Leg) -> None:
    """The instrument is read as another coin now: what it was is gone, what it is becomes a new leg."""
    fold.leaving.note(leg, fold.at)
    fold.judge.doubts.drop(leg)
    fold.cycle.retire(leg, fold.at)


def add_leg(fold: "Fold", venue: str, row: Row, *, new: bool) -> Leg:
    """Take up an instrument; if it was here before, where it stood."""
    asset = fold.assets.setdefault(row.base, Asset(row.base))
    leg = Leg(venue, row, asset, new=new)
    legs = [one for one in asset.legs if (one.part, one.symbol) != (leg.part, leg.symbol)]
    asset.legs = sorted([*legs, leg], key=lambda one: one.part)
    fold.natives.setdefault(venue, {})[row.market, row.native] = leg
    name(fold, leg)
    return leg


def name(fold: "Fold", leg: Leg) -> None:
    """Settle which of the legs that go by one symbol its events mean: the one that trades."""
    twins = [one for one in leg.asset.legs if one.venue == leg.venue and one.symbol == leg.symbol]
    best = min(twins, key=lambda one: (one.gone, one.row.status != "trading", one.part))
    fold.venues.setdefault(leg.venue, {})[leg.symbol] = best


def weigh(fold: "Fold", leg: Leg) -> None:
    """Work out what the settings say about a leg."""
    leg.fee = fold.judge.fee(leg)
    leg.fee_rough = float(leg.fee or 0)
    leg.loan = fold.judge.loan(leg)
    leg.excluded_until = fold.judge.excluded_until(leg)


def _configure(fold: "Fold", runtime: Runtime) -> None:
    old = fold.judge.runtime
    related = _related(old) != _related(runtime)
    fold.judge.use(runtime)
    if old.sample_ms != runtime.sample_ms and fold.at:
        step = runtime.sample_ms * MS
        fold.next_instant = fold.at // step * step + step
    if not related:
        if old.near_ratio != runtime.near_ratio:
            fold.screen.fresh.update(fold.assets.values())
        return
    for asset in fold.assets.values():
        for leg in asset.legs:
            weigh(fold, leg)
    fold.screen.fresh.update(fold.assets.values())
    fold.touched.update(fold.assets.values())
    for route in fold.active():
        if route.state == "pend":
            fold.cycle.drop(route)
        else:
            fold.cycle.tick(route, fold.at, config=True)


def _related(runtime: Runtime) -> Runtime:
    return msgspec.structs.replace(runtime, **UNRELATED)


def _set_rate(fold: "Fold", rate: Rate) -> None:
    fold.judge.rate = rate
    mixed = [asset for asset in fold.assets.values() if len({leg.converted for leg in asset.legs}) > 1]
    fold.screen.fresh.update(mixed)
    for route in fold.active():
        if crosses(route.buy, route.sell):
            fold.cycle.tick(route, fold.at)


def _seed(fold: "Fold", event: Seed) -> None:
    legs = fold.venues.get(event.venue, {})
    for one in event.events:
        leg = legs.get(one.symbol) if one.symbol is not None else None
        if leg is not None and (leg.seed_quote(one) if isinstance(one, Quote) else leg.keep(one)):
            fold.touched.add(leg.asset)

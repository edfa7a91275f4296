"""A coin's last evaluation, step by step: the conditions of `judge.refuse` in order, and what was compared. Pure."""

from collections.abc import Callable, Collection, Iterator
from typing import Final

from services.scanner.fold import Fold
from services.scanner.judge import REASON, Judge, Refusal, barred
from services.scanner.lifecycle import key_of
from services.scanner.market import MS, Asset, Leg
from shared.instruments import Market
from shared.routes.edge import Measure, exact_bps
from shared.routes.fx import crosses
from shared.routes.numbers import cents, cents_text, decimal_text
from shared.signals import Kind, LegState
from shared.why import LegWhy, RouteWhy, Step, Why

#: Routes that are told; a coin with many markets has hundreds.
ROUTES_MAX: Final = 24
KINDS: Final[dict[tuple[Market, Market], Kind]] = {
    ("perp", "perp"): "perp-perp",
    ("spot", "perp"): "spot-perp",
    ("spot", "spot"): "spot-spot",
    ("perp", "spot"): "perp-spot",
}


def why(fold: Fold, name: str, answered_ms: int = 0, idle: Collection[LegWhy] = (), most: int = ROUTES_MAX) -> Why:
    """How the coin stands now, with its `idle` markets. Without legs where nothing of it is known."""
    asset = fold.assets.get(name) or Asset(name)
    judge, at = fold.judge, fold.at
    found = sorted(_routes(fold, asset), key=lambda one: (-one[0], one[1]))
    return Why(
        asset=name,
        at=at,
        answered_ms=answered_ms,
        legs=(*(_leg(judge, leg, at) for leg in asset.legs), *idle),
        routes=tuple(_route(fold, buy, sell) for _, _, buy, sell in found[:most]),
        routes_total=len(found),
        held_back=dict(asset.refused),
    )


def _routes(fold: Fold, asset: Asset) -> Iterator[tuple[int, str, Leg, Leg]]:
    """Every route that has both prices, with its edge in hundredths of a basis point and its key. Of the pairs that
    make none those that would be candidates."""
    for leg in asset.legs:
        leg.numbers()
    for buy in asset.legs:
        for sell in asset.legs:
            if sell is buy or not buy.ask or not sell.bid:
                continue
            edge = exact_bps(buy, sell, fold.judge.rate)
            if barred(buy, sell) is None or edge >= fold.judge.enter:
                yield cents(edge), key_of(buy, sell), buy, sell


def _leg(judge: Judge, leg: Leg, at: int) -> LegWhy:
    state = leg.state(at, judge.id_ms, judge.runtime)
    return LegWhy(
        venue=leg.venue,
        market=leg.market,
        symbol=leg.symbol,
        native=leg.native,
        state=state,
        reason=_because(judge, leg, state),
        age_ms=leg.age_ms(at) if leg.quote is not None else None,
        turnover=leg.turnover,
    )


def _because(judge: Judge, leg: Leg, state: LegState) -> str | None:
    if state == "excluded":
        return "; ".join(rule.reason for rule in judge.exclusions(leg))
    return leg.reason() if state == "quarantined" else None


def _route(fold: Fold, buy: Leg, sell: Leg) -> RouteWhy:
    judge, at = fold.judge, fold.at
    life = fold.cycle.routes.get(key_of(buy, sell))
    bar = barred(buy, sell)
    if bar is not None:
        verdict: Refusal | Measure = judge.legs(buy, sell, at) or bar
    else:
        verdict = judge.refuse(buy, sell, at, fold.cycle.window(key_of(buy, sell)))
    return RouteWhy(
        kind=KINDS[buy.market, sell.market],
        buy=buy.part,
        sell=sell.part,
        edge_bps=cents_text(cents(exact_bps(buy, sell, judge.rate))),
        verdict=verdict if isinstance(verdict, str) else "good",
        steps=steps(fold, buy, sell),
        stage="idle" if life is None else life.state,
        samples=0 if life is None or life.state == "cool" else life.n,
        wanted=judge.runtime.samples,
        until_ms=life.until // MS if life is not None and life.state == "cool" and at < life.until else None,
        signal=None if life is None or life.record is None else life.record.id,
    )


def steps(fold: Fold, buy: Leg, sell: Leg) -> tuple[Step, ...]:
    """The conditions in the order in which they are looked at; after one that makes the others meaningless `ok` is
    None."""
    quotes = [*_legs(fold, buy, sell), _rate(fold, buy, sell), _fees(buy, sell), *_costs(fold, buy, sell)]
    if any(step.ok is False for step in quotes):
        rest = [Step(name=name, ok=None, why=why) for name, why in _PRICED]
    else:
        rest = list(_prices(fold, buy, sell))
    return (*quotes, *rest)


_BARRED: Final[dict[str, Callable[[Leg, Leg], str]]] = {
    "inventory": lambda buy, sell: "spot is sold: that needs coins or a loan",
    "category": lambda buy, sell: f"{buy.row.category} and {sell.row.category}",
}
_PRICED: Final = (
    ("edge", "edge"),
    ("believable edge", "max_edge"),
    ("same coin", "identity"),
    ("24 h turnover", "volume"),
    ("net of fees and funding due", "net"),
    ("lot and minimums", "lot"),
    ("size", "size"),
)


def _legs(fold: Fold, buy: Leg, sell: Leg) -> Iterator[Step]:
    judge, at = fold.judge, fold.at
    bad = False
    for name, leg in (("bought leg", buy), ("sold leg", sell)):
        state = leg.state(at, judge.id_ms, judge.runtime)
        reason = REASON[state]
        bad = bad or reason is not None
        yield Step(name=name, ok=reason is None, why=reason or "feed", value=state)
    rule = judge.kept_apart(buy, sell, at)
    yield Step(
        name="venues may pair",
        ok=None if bad else rule is None,
        why="excluded",
        value=None if rule is None else rule.reason,
    )
    bad = bad or rule is not None
    sided = bool(buy.ask and sell.bid)
    yield Step(name="both prices", ok=None if bad else sided, why="size")
    together = bad or not sided or judge.together(buy, sell, at)
    yield Step(
        name="quotes of one time",
        ok=None if bad or not sided else together,
        why="stale",
        value=f"{buy.age_ms(at)} and {sell.age_ms(at)} ms old",
        limit=f"{judge.runtime.max_skew_ms} ms apart where prices move",
    )
    kind = barred(buy, sell)
    yield Step(
        name="makes a route",
        ok=None if bad or not sided or not together else kind is None,
        why=kind or "inventory",
        value=None if kind is None else _BARRED[kind](buy, sell),
        limit="a rate of the coin in borrow_rates" if kind == "inventory" else None,
    )


def _rate(fold: Fold, buy: Leg, sell: Leg) -> Step:
    judge, at = fold.judge, fold.at
    if not crosses(buy, sell):
        return Step(name="dollar rate", ok=True, why="fx_stale", value="one currency")
    trouble = judge.rate.trouble(at)
    return Step(
        name="dollar rate",
        ok=trouble is None,
        why=trouble or "fx_stale",
        value=f"USDC at {judge.rate.fx.mid or 'no rate'} USDT",
        limit="within 50 bps of 1, at most 60 s old",
    )


def _fees(buy: Leg, sell: Leg) -> Step:
    fees = [None if leg.fee is None else f"{float(leg.fee):g} bps" for leg in (buy, sell)]
    return Step(
        name="fees",
        ok=None not in fees,
        why="fee_unknown",
        value=f"{fees[0] or 'unknown'} and {fees[1] or 'unknown'}",
    )


def _costs(fold: Fold, buy: Leg, sell: Leg) -> Iterator[Step]:
    """What the user says that a loan and moving coins cost, where that applies."""
    if buy.market == "perp" and sell.loan is not None:
        yield Step(name="loan of the coins sold", ok=True, why="inventory", value=f"{sell.loan.apr_percent:g} % a year")
    if moved := fold.judge.transfers.bps(buy.asset.name, buy, sell):
        yield Step(name="moving the coins", ok=True, why="net", value=f"{float(moved):g} bps")


def _prices(fold: Fold, buy: Leg, sell: Leg) -> Iterator[Step]:
    judge, at, runtime = fold.judge, fold.at, fold.judge.runtime
    edge = exact_bps(buy, sell, judge.rate)
    measure = judge.measured(buy, sell, at, fold.cycle.window(key_of(buy, sell)))
    doubtful = judge.doubts.about(buy, sell, at, runtime)
    traded = not judge.min_volume or (judge.traded(buy) and judge.traded(sell))
    value, turnovers = f"{cents_text(measure.edge)} bps", [leg.turnover or "unknown" for leg in (buy, sell)]
    verdicts = (
        (edge >= judge.enter, value, f"at least {runtime.enter_bps:g} bps"),
        (edge <= judge.max_edge, value, f"at most {runtime.max_edge_bps:g} bps"),
        (not doubtful, "in doubt, or too new" if doubtful else "known", f"agreed for {runtime.pair_warmup_ms} ms"),
        (traded, " and ".join(turnovers), f"at least {runtime.min_volume_usd:g} USD"),
        (measure.pays(judge.min_net), f"{cents_text(measure.cash)} bps", f"at least {runtime.min_net_bps:g} bps"),
        (bool(measure.size[0]), decimal_text(*measure.size), "whole lots of both, not below their minimums"),
        (measure.fits(judge.min_size), f"{cents_text(measure.size_usd)} USD", f"at least {runtime.min_size_usd:g} USD"),
    )
    for (name, reason), (ok, shown, limit) in zip(_PRICED, verdicts, strict=True):
        yield Step(name=name, ok=ok, why=reason, value=shown, limit=limit)

"""The best route between the markets of a coin.

    best = the pair with the highest net_open whose legs and rate are good, whose fees are known, that is not above
           max_edge, whose markets are not in doubt to be one coin, and that is `wanted`

It need not pay. All pairs are looked at, in floats; the one that is found is measured exactly.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, TypeVar

from shared.routes.edge import Measure, kind_of, rough_bps
from shared.routes.fx import Rate
from shared.routes.numbers import cents_text, decimal_text
from shared.routes.side import Side
from shared.signals import Kind, LegState, Route

S = TypeVar("S", bound=Side)
#: States of a leg whose quotes may be traded on.
GOOD: Final[frozenset[LegState]] = frozenset({"ok", "quiet"})


_ask: Final = attrgetter("ask")


def best_pair(
    good: Sequence[S],
    rate: Rate,
    at: int,
    max_bps: float,
    doubtful: Callable[[S, S], bool],
    wanted: Callable[[S, S, Kind], bool] | None = None,
    moving: Callable[[S, S], float] | None = None,
) -> tuple[tuple[S, S, Kind] | None, str | None]:
    """Bought, sold and kind of the best route among good markets, or None and what stood in the way of the next best.

    `bid` and `ask` of all must be there. `moving`: what moving the coins between two spot markets costs, in bps, not
    below 0.
    """
    if not good:
        return None, None
    trouble = rate.trouble(at)
    found: tuple[S, S, Kind] | None = None
    refused: str | None = None
    top = float("-inf")
    sells = [(side, side.bid, side.fee_rough, side.converted) for side in good]
    # No sale brings more than this: what cannot reach the top with it needs no closer look.
    most, least = max(one[1] for one in sells), min(one[2] for one in sells)
    high, low = (max(rate.high, 1.0), min(rate.low, 1.0)) if trouble is None else (1.0, 1.0)
    most *= high
    for buy in sorted(good, key=_ask):  # the likeliest first: the others then mostly need no closer look
        ask, fee, converted = buy.ask, buy.fee_rough, buy.converted
        if (most / (ask * low) - 1.0) * 10_000.0 - fee - least <= top:
            continue
        for sell, bid, sell_fee, sell_converted in sells:
            if converted is sell_converted:
                rough = (bid / ask - 1.0) * 10_000.0
            elif trouble is not None:
                refused = refused or "fx"
                continue
            else:
                rough = rough_bps(buy, sell, rate)
            net = rough - fee - sell_fee
            if net <= top:
                continue
            kind = kind_of(buy, sell)
            if kind is None or (wanted is not None and not wanted(buy, sell, kind)):
                continue
            if moving is not None and kind == "spot-spot":
                net -= moving(buy, sell)
                if net <= top:
                    continue
            if buy.fee is None or sell.fee is None:
                refused = refused or "fee_unknown"
            elif rough > max_bps:
                refused = "max_edge"
            elif doubtful(buy, sell):
                refused = "identity"
            else:
                top, found = net, (buy, sell, kind)
    return found, refused


def lack(good: int, bad: Sequence[LegState]) -> str:
    """Why so many good markets and these others that are quoted make no route: `single`, or what most of them are."""
    return max(sorted(set(bad)), key=bad.count) if bad and good + len(bad) > 1 else "single"


def described(buy: Side, sell: Side, kind: Kind, measure: Measure) -> Route:
    """A route as the board shows it. Both quotes must be there."""
    assert buy.quote is not None
    assert sell.quote is not None
    return Route(
        kind=kind,
        buy=(buy.venue, buy.market, buy.native),
        sell=(sell.venue, sell.market, sell.native),
        buy_price=buy.quote.ask or "",
        sell_price=sell.quote.bid or "",
        edge_bps=cents_text(measure.edge),
        net_open_bps=cents_text(measure.net),
        net_in_out_bps=cents_text(measure.in_out),
        net_now_bps=cents_text(measure.now),
        net_cash_bps=cents_text(measure.cash),
        size=decimal_text(*measure.size),
        size_usd=cents_text(measure.size_usd),
        flags=measure.flags,
    )

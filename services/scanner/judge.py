"""Whether a route is good: the conditions of a signal, with the settings in force.

    good to enter:  both legs good, the two not kept apart, rate good, fees known, same coin,
                    edge >= enter, edge <= max_edge, traded enough, net_cash >= min_net, size_usd >= min_size
    good to stay:   both legs good, rate good, edge >= exit, net_open > 0, edge <= max_edge

Spot that is sold against a perpetual is good for neither where nobody has said what borrowing it costs.
Thresholds are compared exactly; a float decides only where it is far from the threshold.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, Literal, get_args

from services.scanner.detectors.identity import Doubts
from services.scanner.market import FOREVER, MS, Leg, Source
from shared.config import Exclusion, Runtime
from shared.routes.costs import Loan, Transfers, loan_of
from shared.routes.edge import Measure, exact_bps, kind_of, rough_bps
from shared.routes.fees import number, taker_bps
from shared.routes.fx import QUOTE, Fx, Rate, crosses, measure
from shared.routes.numbers import MARGIN_BPS
from shared.signals import CloseReason, LegState

#: Why a route may not enter. The words of the counters and of `explain`.
Refusal = (
    CloseReason
    | Literal["fee_unknown", "identity", "edge", "fx_stale", "depeg", "volume", "lot", "cooldown"]
    | Literal["inventory", "category"]
)
#: All of these words, and those of the reasons for which a signal closes.
REFUSALS: Final[tuple[str, ...]] = tuple(word for part in get_args(Refusal) for word in (get_args(part) or (part,)))

#: Reasons that close a signal at once, the hardest first.
HARD: Final[tuple[CloseReason, ...]] = ("delisted", "excluded", "quarantined", "halted")

REASON: Final[dict[LegState, CloseReason | None]] = {
    "ok": None,
    "quiet": None,
    "stale": "stale",
    "down": "feed",
    "gap": "feed",
    "unconfirmed": "feed",
    "crossed": "crossed",
    "one_sided": None,
    "halted": "halted",
    "quarantined": "quarantined",
    "excluded": "excluded",
    "delisted": "delisted",
}


class Judge:
    """The settings, the rate and the doubts in force, and the verdicts they give."""

    def __init__(self) -> None:
        self.runtime = Runtime()
        self.rate = Rate(Fx(None, None, None, 0), 0)
        self.doubts = Doubts()
        #: ms of the entry id the fold stands at: producers' pulses go by it
        self.id_ms = 0
        self.use(self.runtime)

    def use(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.enter, self.max_edge = number(runtime.enter_bps), number(runtime.max_edge_bps)
        self.exit = self.enter * number(runtime.exit_ratio)
        self.min_net, self.min_size = number(runtime.min_net_bps), number(runtime.min_size_usd)
        self.enter_rough, self.exit_rough = float(self.enter), float(self.exit)
        self.max_rough = float(self.max_edge)
        self.trade = number(runtime.trade_usd)
        self.near_rough = self.enter_rough * runtime.near_ratio
        self.min_volume = number(runtime.min_volume_usd)
        self.apart = [rule for rule in runtime.exclusions if rule.against is not None]
        self.transfers = Transfers(runtime.transfers)

    def fee(self, leg: Leg) -> Fraction | None:
        """The taker fee in bps: the user's, else the instrument's (which holds the venue's default)."""
        return taker_bps(self.runtime.fees, leg.venue, leg.market, leg.row.taker_fee_bps)

    def loan(self, leg: Leg) -> Loan | None:
        """What borrowing costs who sells here, as the user says."""
        rules = self.runtime.borrow_rates
        return loan_of(rules, leg.asset.name, leg.venue, leg.market) if rules else None

    def measured(self, buy: Leg, sell: Leg, at: int, window_ns: int) -> Measure:
        """The route's figures, with what moving the coins costs."""
        return Measure(buy, sell, self.rate, at, window_ns, self.transfers.bps(buy.asset.name, buy, sell))

    def moving(self, buy: Leg, sell: Leg) -> float:
        """What moving the coins costs, in bps."""
        return float(self.transfers.bps(buy.asset.name, buy, sell))

    def excluded_until(self, leg: Leg) -> int:
        """Until when (event time, ns) an exclusion keeps this leg out; 0 without one."""
        return max((until_of(rule) for rule in self.exclusions(leg)), default=0)

    def exclusions(self, leg: Leg) -> list[Exclusion]:
        """The exclusions that name this leg, whether or not they are over."""
        return [
            rule
            for rule in self.runtime.exclusions
            if rule.against is None
            and (rule.asset or rule.venue)
            and rule.asset in (None, leg.asset.name)
            and rule.venue in (None, leg.venue)
        ]

    def kept_apart(self, buy: Leg, sell: Leg, at: int) -> Exclusion | None:
        """The exclusion that forbids routes between these two venues, in either direction."""
        if not self.apart:
            return None
        venues = {buy.venue, sell.venue}
        for rule in self.apart:
            if {rule.venue, rule.against} == venues and rule.asset in (None, buy.asset.name) and at < until_of(rule):
                return rule
        return None

    def traded(self, leg: Leg) -> bool:
        """Whether enough was traded on this market in 24 h, by what its venue says, in its own dollars."""
        return leg.turnover is not None and Fraction(leg.turnover) >= self.min_volume

    def measure(self, usdc: Iterable[Leg], at: int) -> Fx:
        """USDC in USDT over those of USDC's legs that are good spot markets against USDT."""
        legs = [leg for leg in usdc if leg.market == "spot" and leg.row.quote == QUOTE]
        good = [leg.quote for leg in legs if leg.state(at, self.id_ms, self.runtime) in ("ok", "quiet")]
        return measure((quote.bid, quote.ask) for quote in good if quote and quote.bid and quote.ask)

    def legs(self, buy: Leg, sell: Leg, at: int) -> CloseReason | None:
        """Why one of the legs (or the two together) is not good, the hardest reason first."""
        one, other = buy.state(at, self.id_ms, self.runtime), sell.state(at, self.id_ms, self.runtime)
        first, second = REASON[one], REASON[other]
        if first is not None or second is not None:
            return next((hard for hard in HARD if hard in (first, second)), first or second)
        if self.kept_apart(buy, sell, at) is not None:
            return "excluded"
        if not buy.ask or not sell.bid:
            return "size"
        return None if self.together(buy, sell, at) else "stale"

    def together(self, buy: Leg, sell: Leg, at: int) -> bool:
        """Whether the two quotes are near enough in age, where that matters: between periodic channels always,
        between any two while a price has just moved."""
        if not (buy.periodic and sell.periodic) and not buy.moved(at) and not sell.moved(at):
            return True
        return abs(effective_age(buy, at) - effective_age(sell, at)) <= self.runtime.max_skew_ms * MS

    def refuse(self, buy: Leg, sell: Leg, at: int, window_ns: int) -> Refusal | Measure:
        """The measure of a route that is good to enter, or why it is not."""
        why = self.legs(buy, sell, at)
        if why is not None:
            return why
        if lacks_loan(buy, sell):
            return "inventory"
        if crosses(buy, sell) and (trouble := self.rate.trouble(at)) is not None:
            return trouble
        if buy.fee is None or sell.fee is None:
            return "fee_unknown"
        rough = rough_bps(buy, sell, self.rate)
        if not self._reaches(rough, self.enter_rough, self.enter, buy, sell):
            return "edge"
        if not self._below_max(rough, buy, sell):
            return "max_edge"
        if self.doubts.about(buy, sell, at, self.runtime):
            return "identity"
        if self.min_volume and not (self.traded(buy) and self.traded(sell)):
            return "volume"
        measure = self.measured(buy, sell, at, window_ns)
        if not measure.pays(self.min_net):
            return "net"
        if not measure.size[0]:
            return "lot"
        return measure if measure.fits(self.min_size) else "size"

    def leave(self, buy: Leg, sell: Leg, at: int) -> CloseReason | None:
        """Why a route is not good to stay, None where it is."""
        why = self.legs(buy, sell, at)
        if why is not None:
            return why
        if crosses(buy, sell) and self.rate.trouble(at) is not None:
            return "fx"
        rough = rough_bps(buy, sell, self.rate)
        if not self._reaches(rough, self.exit_rough, self.exit, buy, sell):
            return "converged"
        if buy.fee is None or sell.fee is None or lacks_loan(buy, sell):
            return "net"
        fees = buy.fee + sell.fee
        if self.transfers:
            fees += self.transfers.bps(buy.asset.name, buy, sell)
        if not self._pays(rough, fees, buy, sell):
            return "net"
        return None if self._below_max(rough, buy, sell) else "max_edge"

    def off(self, buy: Leg, sell: Leg, at: int) -> None:
        """Take note of a pair whose prices are too far apart to be believed."""
        if not self._below_max(rough_bps(buy, sell, self.rate), buy, sell) and self.legs(buy, sell, at) is None:
            self.doubts.off(buy, sell, at, self.runtime)

    def _reaches(self, rough: float, bound_rough: float, bound: Fraction, buy: Leg, sell: Leg) -> bool:
        if abs(rough - bound_rough) > MARGIN_BPS:
            return rough > bound_rough
        return exact_bps(buy, sell, self.rate) >= bound

    def _below_max(self, rough: float, buy: Leg, sell: Leg) -> bool:
        if abs(rough - self.max_rough) > MARGIN_BPS:
            return rough < self.max_rough
        return exact_bps(buy, sell, self.rate) <= self.max_edge

    def _pays(self, rough: float, fees: Fraction, buy: Leg, sell: Leg) -> bool:
        if abs(rough - float(fees)) > MARGIN_BPS:
            return rough > float(fees)
        return exact_bps(buy, sell, self.rate) > fees


def barred(buy: Leg, sell: Leg) -> Literal["inventory", "category"] | None:
    """Why two markets make no route whatever their prices: it would take coins or a loan, or one is no coin. None where
    they do."""
    if kind_of(buy, sell) is not None:
        return None
    return "category" if kind_of(sell, buy) is None else "inventory"


def lacks_loan(buy: Leg, sell: Leg) -> bool:
    """Whether spot is sold against a perpetual and the rate of borrowing it is not known."""
    return sell.loan is None and buy.market == "perp" and sell.market == "spot"


def until_of(rule: Exclusion) -> int:
    """When an exclusion is over, in event time, ns."""
    return FOREVER if rule.until_ms is None else rule.until_ms * MS


def effective_age(leg: Leg, at: int) -> int:
    """The age of a leg's quote with its venue's usual lag, in ns."""
    source: Source | None = leg.quote_source
    age = at - leg.quote.recv if leg.quote is not None else 0
    return max(0, age) + (source.lag_ns() if source is not None else 0)

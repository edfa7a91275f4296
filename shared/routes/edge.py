"""The executable edge between two markets of one coin: buy at A's ask, sell at B's bid.

    edge_bps     = (bid_B * q_B - ask_A * q_A) / (ask_A * q_A) * 10^4       q: price into common dollars, see fx.py
    net_open     = edge - f_A - f_B                                          f: taker fees in bps; between two spot
                                                                             markets also what moving the coins costs
    net_in_out   = edge - 2 * (f_A + f_B)                                    leaving once the prices have met
    net_now      = edge(A to B) + edge(B to A) - 2 * (f_A + f_B)             entering and leaving at this moment
    net_cash     = net_open + min(0, funding due), see funding.py

Spot is bought and a perpetual sold; the other way round the coins are borrowed, and it is a route where the rate of
that is known. Spot against spot has no way back: its net_in_out and net_now are its net_open. A market never pairs with
itself; two markets of one venue may.
"""

from fractions import Fraction

from shared.routes.funding import due_bps, unknown
from shared.routes.fx import ONE, Rate, crosses
from shared.routes.numbers import BPS, cents, half_even
from shared.routes.side import Side, ask_scaled, bid_scaled
from shared.routes.size import top_size
from shared.signals import Kind

ZERO = Fraction(0)


def kind_of(buy: Side, sell: Side) -> Kind | None:
    """The kind of the route, None where there is none."""
    if buy is sell:
        return None
    one, other = buy.row.category, sell.row.category
    if one != other and one != "unknown" and other != "unknown":
        return None  # a stock's ticker may be a coin's
    if buy.market == "perp":
        if sell.market == "perp":
            return "perp-perp"
        return None if sell.loan is None else "perp-spot"
    return "spot-perp" if sell.market == "perp" else "spot-spot"


def factors(buy: Side, sell: Side, rate: Rate) -> tuple[Fraction, Fraction]:
    """q_A and q_B."""
    if not crosses(buy, sell):
        return ONE, ONE
    return rate.factor(buy, "buy"), rate.factor(sell, "sell")


def rough_bps(buy: Side, sell: Side, rate: Rate) -> float:
    """The edge in floats, good to some 1e-10 of a basis point; both legs' numbers must be made and two-sided."""
    if not crosses(buy, sell):
        return (sell.bid / buy.ask - 1.0) * BPS
    return (sell.bid * rate.rough_factor(sell, "sell") / (buy.ask * rate.rough_factor(buy, "buy")) - 1.0) * BPS


def ratio(buy: Side, sell: Side, rate: Rate) -> tuple[int, int]:
    """bid_B * q_B over ask_A * q_A, not reduced."""
    (bid, b), (ask, a) = bid_scaled(sell), ask_scaled(buy)
    if not crosses(buy, sell):
        return bid * 10**a, ask * 10**b
    q_buy, q_sell = factors(buy, sell, rate)
    top = bid * 10**a * q_sell.numerator * q_buy.denominator
    return top, ask * 10**b * q_sell.denominator * q_buy.numerator


def exact_bps(buy: Side, sell: Side, rate: Rate) -> Fraction:
    """The edge in bps, exactly."""
    top, bottom = ratio(buy, sell, rate)
    return Fraction((top - bottom) * BPS, bottom)


class Measure:
    """One route at one moment, in hundredths of a basis point and of a dollar, rounded half-even once.

    `size` is in base units and, like the unrounded net and dollars, a numerator over a denominator.
    """

    __slots__ = (
        "cash",
        "due",
        "edge",
        "exact_net",
        "exact_usd",
        "flags",
        "in_out",
        "net",
        "now",
        "size",
        "size_usd",
        "until",
    )

    def __init__(self, buy: Side, sell: Side, rate: Rate, at: int, window_ns: int, transfer: Fraction = ZERO) -> None:
        """Both fees must be known and the needed sides be there. `transfer`: of spot against spot, in bps."""
        top, bottom = ratio(buy, sell, rate)
        one, other = buy.fee or ZERO, sell.fee or ZERO
        if transfer:
            one += transfer
        below_fees = one.denominator * other.denominator  # not reduced: cheaper than a sum of fractions
        fees = (one.numerator * other.denominator + other.numerator * one.denominator) * bottom
        gain = (top - bottom) * BPS
        self.edge = half_even(gain * 100, bottom)
        self.exact_net = (gain * below_fees - fees, bottom * below_fees)
        self.net = half_even(self.exact_net[0] * 100, self.exact_net[1])
        #: payments until then are reckoned with
        self.until = at + window_ns
        self.due = due_bps(buy, sell, at, window_ns)
        self.cash = cents(Fraction(*self.exact_net) + self.due) if self.due else self.net
        self.in_out = self.now = self.net
        if buy.market == "perp" or sell.market == "perp":
            paid = 2 * fees
            self.in_out = half_even((gain * below_fees - paid) * 100, bottom * below_fees)
            if buy.bid and sell.ask:
                back, below = ratio(sell, buy, rate)
                both = (top * below + back * bottom - 2 * bottom * below) * BPS * below_fees
                self.now = half_even((both - paid * below) * 100, bottom * below * below_fees)
        self.size = top_size(buy, sell)
        self.exact_usd = usd(buy, sell, rate, self.size)
        self.size_usd = half_even(self.exact_usd[0] * 100, self.exact_usd[1])
        self.flags = flags(buy, sell, rate)

    def pays(self, least: Fraction) -> bool:
        """net_cash >= least, exactly."""
        if self.due:
            return Fraction(*self.exact_net) + self.due >= least
        return self.exact_net[0] * least.denominator >= least.numerator * self.exact_net[1]

    def fits(self, least: Fraction) -> bool:
        """A size that can be traded, worth at least so many dollars, exactly."""
        dollars, power = self.exact_usd
        return dollars > 0 and dollars * least.denominator >= least.numerator * power


def usd(buy: Side, sell: Side, rate: Rate, size: tuple[int, int]) -> tuple[int, int]:
    """`size * ask_A * q_A`, not reduced."""
    digits, decimals = ask_scaled(buy)
    factor = factors(buy, sell, rate)[0]
    return size[0] * digits * factor.numerator, size[1] * 10**decimals * factor.denominator


def flags(buy: Side, sell: Side, rate: Rate) -> tuple[str, ...]:
    """What a reader should know of the numbers: size from the top of the book, dollars taken for others, ..."""
    found = ["L1"]
    if crosses(buy, sell) and rate.venues == 1:
        found.append("fx_single")
    if "USD" in (buy.row.quote, sell.row.quote) and buy.row.quote != sell.row.quote:
        found.append("usd_as_usdc")
    if unknown(buy, sell):
        found.append("funding_unknown")
    return tuple(found)

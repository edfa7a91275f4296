"""What to do about a signal: two orders at once, their worst prices, what they cost, and what must hold. Pure.

    R = bid_B·q_B / (ask_A·q_A)                     the prices as they are
    r = 1 + (f_A + f_B + m + min_net) / 10^4        the least ratio that still leaves min_net; m: moving the coins
    worst_A = ask_A · (1 + x), worst_B = bid_B · (1 + x) · r / R,   x = max(0, R/r - 1) / 2

So each side may give away half of what there is above min_net, and both at their worst together still leave it. Worst
prices are rounded inwards to the market's tick.
"""

from fractions import Fraction
from typing import Final, Literal

from services.scanner.judge import Judge
from services.scanner.market import Leg
from shared.routes.edge import Measure, factors, ratio
from shared.routes.fx import crosses
from shared.routes.numbers import BPS, cents, cents_text, decimal_text, fraction
from shared.routes.side import ask_scaled, bid_scaled
from shared.signals import Condition, Plan, PlanOrder

ZERO: Final = Fraction(0)


def plan(judge: Judge, buy: Leg, sell: Leg, measure: Measure) -> Plan:
    """The plan of a route whose measure was good just now."""
    moved = judge.transfers.bps(buy.asset.name, buy, sell)
    fees = (buy.fee or ZERO) + (sell.fee or ZERO)
    stands = Fraction(*ratio(buy, sell, judge.rate))
    least = 1 + (fees + moved + judge.min_net) / BPS
    give = max(ZERO, stands / least - 1) / 2
    ask, bid = Fraction(*_over(ask_scaled(buy))), Fraction(*_over(bid_scaled(sell)))
    worst_buy = _to_tick(ask * (1 + give), _tick(buy, ask_scaled(buy)), up=False)
    worst_sell = _to_tick(bid * min(Fraction(1), (1 + give) * least / stands), _tick(sell, bid_scaled(sell)), up=True)
    worst_buy, worst_sell = max(worst_buy, ask), min(worst_sell, bid)
    size = Fraction(*measure.size)
    q_buy, q_sell = factors(buy, sell, judge.rate)
    paid, got = size * ask * q_buy, size * bid * q_sell
    costs = paid * (buy.fee or ZERO) / BPS, got * (sell.fee or ZERO) / BPS
    back = paid * moved / BPS if buy.market == sell.market == "spot" else sum(costs, ZERO)
    worst = size * (worst_sell * q_sell - worst_buy * q_buy)
    return Plan(
        orders=(
            _order("buy", buy, size, worst_buy, costs[0]),
            _order("sell", sell, size, worst_sell, costs[1]),
        ),
        size_usd=cents_text(measure.size_usd),
        fees_usd=cents_text(cents(sum(costs, ZERO))),
        exit_fees_usd=cents_text(cents(back)),
        gain_usd=cents_text(cents(got - paid - sum(costs, ZERO))),
        least_gain_usd=cents_text(cents(worst - sum(costs, ZERO))),
        holds=tuple(_conditions(judge, buy, sell, measure)),
    )


def _over(scaled: tuple[int, int]) -> tuple[int, int]:
    return scaled[0], 10 ** scaled[1]


def _tick(leg: Leg, price: tuple[int, int]) -> Fraction:
    """The market's price step; where it names none, that of the quote's last digit."""
    tick = None if leg.row.tick_size is None else fraction(leg.row.tick_size)
    return tick or Fraction(1, 10 ** price[1])


def _to_tick(price: Fraction, tick: Fraction, *, up: bool) -> Fraction:
    steps = price / tick
    whole = -(-steps.numerator // steps.denominator) if up else steps.numerator // steps.denominator
    return whole * tick


def _order(side: Literal["buy", "sell"], leg: Leg, size: Fraction, worst: Fraction, cost: Fraction) -> PlanOrder:
    return PlanOrder(
        side=side,
        venue=leg.venue,
        market=leg.market,
        symbol=leg.symbol,
        native=leg.native,
        size=decimal_text(size.numerator, size.denominator),
        worst_price=decimal_text(worst.numerator, worst.denominator),
        fee_bps=f"{float(leg.fee or 0):g}",
        fee_usd=cents_text(cents(cost)),
    )


def _conditions(judge: Judge, buy: Leg, sell: Leg, measure: Measure) -> list[Condition]:
    """What has to be true when the orders go out."""
    runtime = judge.runtime
    oldest = runtime.max_age_ms if buy.periodic or sell.periodic else runtime.quiet_max_ms
    found = [
        Condition(name="edge_bps", least=f"{runtime.enter_bps * runtime.exit_ratio:g}", now=cents_text(measure.edge)),
        Condition(name="net_cash_bps", least=f"{runtime.min_net_bps:g}", now=cents_text(measure.cash)),
        Condition(name="size_usd", least=f"{runtime.min_size_usd:g}", now=cents_text(measure.size_usd)),
        Condition(name="quote_age_ms", most=str(oldest)),
        Condition(name="both_trading", now="yes"),
    ]
    if crosses(buy, sell):
        found.append(Condition(name="usdc_usdt", least="0.995", most="1.005", now=judge.rate.fx.mid))
    pays = [leg for leg in (buy, sell) if leg.market == "perp" and leg.funding is not None]
    due = min((leg.funding.next_ts for leg in pays if leg.funding and leg.funding.next_ts), default=None)
    if due is not None and due <= measure.until and measure.due:
        found.append(Condition(name="funding_due_ts", now=str(due)))
    if buy.market == "perp" and sell.loan is not None:
        rate = f"{sell.loan.apr_percent:g}"
        found.append(Condition(name="borrow_apr_percent", most=rate, now=rate))
    return found

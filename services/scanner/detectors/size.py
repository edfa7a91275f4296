"""How much can be traded at the top of both books.

    L = least common multiple of both lots
    Q = floor(min(bid_size of the sold leg, ask_size of the bought leg) / L) * L

below either venue's minimum, in base or in notional: 0. `size_usd = Q * ask * q` of the bought leg.
"""

from fractions import Fraction

from services.scanner.market import Leg
from services.scanner.numbers import common_lot, fraction

ZERO = Fraction(0)


def top_size(buy: Leg, sell: Leg) -> Fraction:
    """Q in base units; 0 where a side is missing or a minimum is not reached."""
    if buy.quote is None or sell.quote is None or buy.quote.ask_size is None or sell.quote.bid_size is None:
        return ZERO
    if buy.quote.ask is None or sell.quote.bid is None:
        return ZERO
    size = min(Fraction(buy.quote.ask_size), Fraction(sell.quote.bid_size))
    lot = common_lot(buy.row.lot_size, sell.row.lot_size)
    if lot is not None:
        size = size // lot * lot
    for leg, price in ((buy, buy.quote.ask), (sell, sell.quote.bid)):
        if leg.row.min_size is not None and size < fraction(leg.row.min_size):
            return ZERO
        if leg.row.min_notional is not None and size * Fraction(price) < fraction(leg.row.min_notional):
            return ZERO
    return size

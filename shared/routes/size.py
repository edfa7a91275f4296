"""How much can be traded at the top of both books.

    L = least common multiple of both lots
    Q = floor(min(bid_size of the sold leg, ask_size of the bought leg) / L) * L

below either venue's minimum, in base or in notional: 0. `size_usd = Q * ask * q` of the bought leg.
"""

from typing import Final

from shared.routes.numbers import common_lot, fraction, scaled
from shared.routes.side import Side, ask_scaled, bid_scaled

#: numerator and denominator, not reduced
Ratio = tuple[int, int]
NONE: Final[Ratio] = (0, 1)


def top_size(buy: Side, sell: Side) -> Ratio:
    """Q in base units; 0 where a side is missing or a minimum is not reached."""
    one, other = buy.quote, sell.quote
    if one is None or other is None or one.ask_size is None or other.bid_size is None:
        return NONE
    (ask_size, a), (bid_size, b) = scaled(one.ask_size), scaled(other.bid_size)
    size, power = (ask_size, 10**a) if ask_size * 10**b <= bid_size * 10**a else (bid_size, 10**b)
    lot = common_lot(buy.row.lot_size, sell.row.lot_size)
    if lot is not None:
        size, power = size * lot.denominator // (power * lot.numerator) * lot.numerator, lot.denominator
    for leg, (price, decimals) in ((buy, ask_scaled(buy)), (sell, bid_scaled(sell))):
        row = leg.row
        if row.min_size is not None:
            least = fraction(row.min_size)
            if size * least.denominator < least.numerator * power:
                return NONE
        if row.min_notional is not None:
            least = fraction(row.min_notional)
            if size * price * least.denominator < least.numerator * power * 10**decimals:
                return NONE
    return size, power

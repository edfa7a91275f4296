"""The best of all pairs, against looking at each of them exactly."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.routes.best import best_pair, lack
from shared.routes.costs import Loan
from shared.routes.edge import exact_bps, kind_of
from shared.routes.fx import Rate, crosses
from tests.scanner.legs import AT, NO_RATE, RATE, leg

#: between the edges that these prices can have: where one lies on it, floats decide
MAX_BPS = 300.00123
MARKETS = st.tuples(
    st.integers(9_000, 11_000),
    st.integers(1, 50),
    st.sampled_from(["spot", "perp"]),
    st.sampled_from(["USDT", "USDC", "USD"]),
    st.sampled_from([None, "0", "4.5", "10"]),
    st.sampled_from([None, 0.0, 36.5]),
)


@given(
    given=st.lists(MARKETS, max_size=6),
    rate=st.sampled_from([RATE, NO_RATE]),
    doubted=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))),
    kind=st.sampled_from([None, "perp-perp", "spot-perp", "spot-spot", "perp-spot"]),
    moved=st.sampled_from([0, 12, 40]),
)
def test_it_is_the_highest_net_of_the_pairs_that_may_be(
    given: list[tuple[int, int, str, str, str | None, float | None]],
    rate: Rate,
    doubted: set[tuple[int, int]],
    kind: str | None,
    moved: int,
) -> None:
    legs = [
        leg(f"{bid / 100:.2f}", f"{(bid + width) / 100:.2f}", venue=str(place), market=market, quote=quote, fee=fee)
        for place, (bid, width, market, quote, fee, _) in enumerate(given)
    ]
    for one, (*_, lent) in zip(legs, given, strict=True):
        one.loan = None if lent is None or one.market == "perp" else Loan.at(lent)

    def doubtful(one: object, other: object) -> bool:
        return any({legs[a], legs[b]} == {one, other} for a, b in doubted if max(a, b) < len(legs))

    nets: list[Fraction] = []
    for buy in legs:
        for sell in legs:
            found = kind_of(buy, sell)
            if found is None or kind not in (None, found) or (crosses(buy, sell) and rate.trouble(AT) is not None):
                continue
            edge = exact_bps(buy, sell, rate)
            if buy.fee is not None and sell.fee is not None and edge <= MAX_BPS and not doubtful(buy, sell):
                nets.append(edge - buy.fee - sell.fee - (moved if found == "spot-spot" else 0))
    wanted, moving = lambda buy, sell, of: kind in (None, of), (lambda buy, sell: float(moved)) if moved else None
    best, refused = best_pair(legs, rate, AT, MAX_BPS, doubtful, wanted, moving)
    if best is None:
        assert not nets
        assert refused in (None, "fx", "fee_unknown", "identity", "max_edge")
        return
    buy, sell, of = best
    assert of == kind_of(buy, sell)
    assert buy.fee is not None
    assert sell.fee is not None
    paid = buy.fee + sell.fee + (moved if of == "spot-spot" else 0)
    assert abs(exact_bps(buy, sell, rate) - paid - max(nets)) < Fraction(1, 10**6)


def test_what_too_few_markets_lack_is_a_second_one_or_what_most_of_them_are() -> None:
    assert lack(1, []) == "single"
    assert lack(0, ["stale"]) == "single"
    assert lack(1, ["stale", "halted", "stale"]) == "stale"

"""The best of all pairs, against looking at each of them exactly."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.routes.best import best_pair, lack
from shared.routes.edge import exact_bps, kind_of
from shared.routes.fx import Rate, crosses
from tests.scanner.legs import AT, NO_RATE, RATE, leg

MAX_BPS = 300.0
MARKETS = st.tuples(
    st.integers(9_000, 11_000),
    st.integers(1, 50),
    st.sampled_from(["spot", "perp"]),
    st.sampled_from(["USDT", "USDC", "USD"]),
    st.sampled_from([None, "0", "4.5", "10"]),
)


@given(
    given=st.lists(MARKETS, max_size=6),
    rate=st.sampled_from([RATE, NO_RATE]),
    doubted=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))),
    kind=st.sampled_from([None, "perp-perp", "spot-perp", "spot-spot"]),
)
def test_it_is_the_highest_net_of_the_pairs_that_may_be(
    given: list[tuple[int, int, str, str, str | None]], rate: Rate, doubted: set[tuple[int, int]], kind: str | None
) -> None:
    legs = [
        leg(f"{bid / 100:.2f}", f"{(bid + width) / 100:.2f}", venue=str(place), market=market, quote=quote, fee=fee)
        for place, (bid, width, market, quote, fee) in enumerate(given)
    ]

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
                nets.append(edge - buy.fee - sell.fee)
    best, refused = best_pair(legs, rate, AT, MAX_BPS, doubtful, lambda buy, sell, of: kind in (None, of))
    if best is None:
        assert not nets
        assert refused in (None, "fx", "fee_unknown", "identity", "max_edge")
        return
    buy, sell, of = best
    assert of == kind_of(buy, sell)
    assert buy.fee is not None
    assert sell.fee is not None
    assert abs(exact_bps(buy, sell, rate) - buy.fee - sell.fee - max(nets)) < Fraction(1, 10**6)


def test_what_too_few_markets_lack_is_a_second_one_or_what_most_of_them_are() -> None:
    assert lack(1, []) == "single"
    assert lack(0, ["stale"]) == "single"
    assert lack(1, ["stale", "halted", "stale"]) == "stale"

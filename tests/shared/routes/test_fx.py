"""The USDC rate."""

from fractions import Fraction

from shared.routes.fx import Fx, Rate, measure
from shared.signals import Signal
from tests.scanner.legs import AT, NO_RATE
from tests.scanner.tape import Tape, hold, row

SECOND = 1_000_000_000


def test_the_rate_is_the_median_over_the_markets() -> None:
    assert measure([("0.9990", "0.9992"), ("0.9996", "0.9998"), ("0.9994", "0.9996")]) == Fx(
        "0.9994", "0.9996", "0.9995", 3
    )
    assert measure([("0.9996", "0.9998")]) == Fx("0.9996", "0.9998", "0.9997", 1)
    assert measure([]) == Fx(None, None, None, 0)


def test_a_rate_serves_for_a_minute() -> None:
    rate = Rate(Fx("0.9996", "0.9998", "0.9997", 1), AT)
    assert rate.trouble(AT + 60 * SECOND) is None
    assert rate.trouble(AT + 60 * SECOND + 1) == "fx_stale"
    assert NO_RATE.trouble(AT) == "fx_stale"


def test_more_than_fifty_basis_points_from_one_is_a_depeg() -> None:
    assert Rate(Fx("0.995", "0.995", "0.995", 1), AT).trouble(AT) is None
    assert Rate(Fx("0.9949", "0.9949", "0.9949", 1), AT).trouble(AT) == "depeg"
    assert Rate(Fx("1.006", "1.006", "1.006", 1), AT).mid == Fraction("1.006")


def run(*rates: Fx) -> list[Signal]:
    one = Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF", quote="USDC")]})
    one.quote("alpha", "WIF/USDT:USDT", "1.999", "2.000", "1000")
    one.quote("beta", "WIF/USDC:USDC", "2.020", "2.021", "1000")
    for rate in rates:
        one.ctl(rate)
        hold(one, ("alpha", "beta"), 4000)
    return hold(one, ("alpha", "beta"), 4000).fold()[1]


def test_without_a_rate_nothing_across_currencies_signals() -> None:
    assert run() == []
    assert run(Fx("0.99", "0.99", "0.99", 1)) == []


def test_with_a_rate_the_edge_is_in_common_dollars() -> None:
    records = run(Fx("0.9998", "1.0000", "0.9999", 2))
    assert records[0].edge_bps == "98.99"


def test_a_depeg_ends_what_was_open() -> None:
    records = run(Fx("0.9998", "1.0000", "0.9999", 2), Fx("0.98", "0.98", "0.98", 2))
    assert [(record.event, record.close_reason) for record in records if record.event != "update"] == [
        ("open", None),
        ("close", "fx"),
    ]

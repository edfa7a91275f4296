"""Figures beside the prices, flat."""

from typing import Any

import msgspec

from services.api.columns import COLUMNS, NUMERIC, flat
from services.api.figures import NAMES, deviations, figure, figures, premiums
from services.api.sources import ordered
from shared.routes.fx import Fx
from shared.signals import BoardRow, Leg, Route, RouteDepth, RouteFunding, RouteStats

HOUR = 3_600_000_000_000
ROUTE = Route(
    kind="perp-perp", buy=("alpha", "perp", "A"), sell=("beta", "perp", "B"), buy_price="100", sell_price="101",
    edge_bps="100.00", net_open_bps="90.00", net_in_out_bps="80.00", net_now_bps="70.00", net_cash_bps="90.00",
    size="5", size_usd="500.00",
    funding=RouteFunding(
        carry_8h_bps="3.00", apr_percent="32.85", apr_equity_percent="16.42", next_ts=HOUR, next_bps="3.00",
        cost_bps="10.00", even_ts=25 * HOUR, even_payments=7, even_stays_ts=25 * HOUR,
    ),
    depth=RouteDepth(
        usd="1000.00", edge_bps="90.00", net_bps="80.00", pays_usd="1505.00", pays_size="15", profit_usd="4.20",
        keeps_usd="1400.00", at_least=True, recv=(1, 2),
    ),
    stats=RouteStats(
        z=(1.5, 2.5, None), robust_z=(1.0, 2.0, None), percentile=99.0, half_life_s=900, convergences_24h=4,
        exit_bps="-20.00", net_rt_bps="60.00", minutes=700,
    ),
)  # fmt: skip


def bare(route: Route) -> Route:
    return msgspec.structs.replace(route, funding=None, depth=None, stats=None)


def same(text: str | None) -> Any:
    return text


def leg(venue: str, market: Any, bid: str, ask: str, quote: str = "USDT", **over: Any) -> Leg:
    given: dict[str, Any] = {"symbol": f"A/{quote}", "native": "A", "state": "ok", "bid": bid, "ask": ask}
    return Leg(venue=venue, market=market, **{**given, **over})


def row(best: Route | None, *legs: Leg, asset: str = "A", fx: Fx | None = None) -> BoardRow:
    return BoardRow(asset=asset, fence=1, ver=1, at=1, legs=legs, best=best, fx=fx)


def test_every_figure_of_a_route_has_a_column_and_times_are_in_milliseconds() -> None:
    found = figures(ROUTE, same)
    assert tuple(found) == NAMES
    assert set(NAMES) < set(COLUMNS)
    assert (found["next_cash_ms"], found["even_ms"]) == (3_600_000, 25 * 3_600_000)
    assert (found["z_12h"], found["z_7d"], found["pays_usd"], found["depth_at_least"]) == (2.5, None, "1505.00", True)
    assert found["net_rt_bps"] == "60.00"


def test_what_is_not_known_is_null() -> None:
    assert figures(None, same) == figures(bare(ROUTE), same) == dict.fromkeys(NAMES)
    assert {name: flat(row(None), same)[name] for name in NAMES} == dict.fromkeys(NAMES)


def test_rows_are_sorted_by_any_figure_and_those_without_it_stand_last() -> None:
    rows = [row(bare(ROUTE), asset="B"), row(ROUTE, asset="A"), row(None, asset="C")]
    for name in NUMERIC:
        assert figure(ROUTE, name) is not None or name == "z_7d"
        for sort in (name, f"-{name}"):
            names = [one.asset for one in ordered(rows, sort)]
            assert names[0 if name != "z_7d" and figure(bare(ROUTE), name) is None else -1] == (
                "A" if name != "z_7d" and figure(bare(ROUTE), name) is None else "C"
            )


def test_premiums_are_by_venue_and_against_everybody_in_common_dollars() -> None:
    legs = (
        leg("alpha", "perp", "101", "103", mark="100.10", index="100"),
        leg("alpha", "spot", "99", "101"),
        leg("beta", "perp", "99.9", "100.1", "USDC"),
        leg("gamma", "perp", "500", "501", state="down"),
    )
    fx = Fx("1", "1", "0.99", 1)
    found = premiums(row(None, *legs, fx=fx), same)
    assert [one["mark_premium_bps"] for one in found] == ["10.00", None, None, None]
    assert [one["basis_bps"] for one in found] == ["200.00", None, None, None]
    assert deviations(row(None, *legs, fx=fx)) == ["200.00", "0.00", "-100.00", None]
    assert deviations(row(None, *legs))[2] is None

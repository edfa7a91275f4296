"""What the board says of a route: funding, depth, statistics."""

from fractions import Fraction
from itertools import count
from typing import Any

import pytest

from services.scanner.board import Board
from services.scanner.detectors.tracks import MINUTE, SECOND
from services.scanner.figures import BOOK_AGE_NS, EXIT_LEAST, Figures, past_of
from services.scanner.fold import Fold
from services.scanner.market import Asset, Leg
from shared.config import Runtime
from shared.events import Book, Funding, Level, Settlement
from shared.routes.edge import Measure
from shared.routes.funding import HOUR_NS, WINDOW_NS
from shared.routes.numbers import cents_text
from shared.signals import Route
from tests.scanner.legs import AT, leg
from tests.scanner.tape import MS


def route(buy_ask: str = "100", sell_bid: str = "100.90", **over: Any) -> tuple[Fold, Leg, Leg]:
    fold = Fold()
    fold.at, fold.judge.id_ms = AT, AT // MS
    fold.judge.use(Runtime(version=1, **over))
    asset = fold.assets["WIF"] = Asset("WIF")
    buy = leg("99.99", buy_ask, asset=asset, venue="alpha")
    sell = leg(sell_bid, "101", asset=asset, venue="beta")
    asset.legs = [buy, sell]
    return fold, buy, sell


def measured(fold: Fold, buy: Leg, sell: Leg) -> Measure:
    return Measure(buy, sell, fold.judge.rate, fold.at, WINDOW_NS)


def booked(one: Leg, bids: tuple[Level, ...], asks: tuple[Level, ...], at: int = AT) -> None:
    one.book = Book(one.symbol, bids, asks, None, None, at)


def deep(**over: Any) -> tuple[Fold, Leg, Leg]:
    fold, buy, sell = route(**over)
    booked(buy, (("99.99", "1"),), (("100.00", "5"), ("100.50", "10"), ("101", "100")))
    booked(sell, (("100.9", "8"), ("100.7", "20")), (("101", "1"),))
    return fold, buy, sell


def test_depth_says_what_my_size_nets_and_the_largest_that_pays() -> None:
    fold, buy, sell = deep()
    found = Figures(fold).depth(buy, sell)
    assert found is not None
    # 5 at 100 and 500 / 100.5 more; sold at 100.9 to 8 and the rest at 100.7
    size = 5 + Fraction(500) / Fraction("100.5")
    proceeds = 8 * Fraction("100.9") + (size - 8) * Fraction("100.7")
    assert found.usd == "1000.00"
    assert found.edge_bps == f"{float(proceeds / 1000 - 1) * 10_000:.2f}"
    # fees of 10 bps leave 15 at 100.5 against 100.7
    assert (found.pays_size, found.pays_usd) == ("15", "1505.00")
    paid, got = Fraction("1505") * Fraction("1.0005"), 8 * Fraction("100.9") + 7 * Fraction("100.7")
    assert found.profit_usd == f"{float(got * Fraction('0.9995') - paid):.2f}"
    assert found.keeps_usd == "1505.00"
    assert not found.at_least
    assert found.recv == (AT, AT)


def test_a_book_that_ends_while_it_still_pays_says_at_least() -> None:
    fold, buy, sell = deep()
    booked(sell, (("100.9", "8"),), ())
    found = Figures(fold).depth(buy, sell)
    assert found is not None
    assert (found.pays_size, found.at_least) == ("8", True)


def test_what_is_traded_is_a_setting() -> None:
    fold, buy, sell = deep(trade_usd=100)
    found = Figures(fold).depth(buy, sell)
    assert found is not None
    assert (found.usd, found.edge_bps) == ("100.00", "90.00")


@pytest.mark.parametrize("spoilt", ["old", "ahead", "other ask", "other bid", "absent", "no fee", "digits", "empty"])
def test_books_of_another_moment_or_another_top_say_nothing(spoilt: str) -> None:
    fold, buy, sell = deep()
    asks: tuple[Level, ...] = (("100.00", "5"),)
    if spoilt == "old":
        booked(buy, (), asks, AT - BOOK_AGE_NS - 1)
    elif spoilt == "ahead":
        booked(buy, (), asks, AT + BOOK_AGE_NS + 1)
    elif spoilt == "other ask":
        booked(buy, (), (("100.01", "5"),))
    elif spoilt == "other bid":
        booked(sell, (("100.8", "5"),), ())
    elif spoilt == "absent":
        sell.book = None
    elif spoilt == "no fee":
        sell.fee = None
    elif spoilt == "digits":
        booked(buy, (), (("100.00", "0." + "1" * 40),))
    else:
        booked(buy, (), ())
    assert Figures(fold).depth(buy, sell) is None


def test_a_row_whose_size_comes_from_the_books_is_not_flagged_so() -> None:
    fold, buy, sell = deep()
    found, _ = Board(fold).best([(buy, "ok"), (sell, "ok")])
    assert found is not None
    assert found.depth is not None
    assert "L1" not in found.flags
    sell.book = None
    found, _ = Board(fold).best([(buy, "ok"), (sell, "ok")])
    assert found is not None
    assert found.depth is None
    assert "L1" in found.flags


def pays(one: Leg, rate: str, due: int = AT + HOUR_NS) -> None:
    one.funding = Funding(one.symbol, rate, "8", due, None, None, AT)


def test_funding_tells_the_difference_the_next_payment_and_the_break_even() -> None:
    fold, buy, sell = route()
    pays(buy, "-0.0001")
    pays(sell, "0.0002")
    found = Figures(fold).funding(buy, sell, 1000)
    assert found is not None
    assert (found.carry_8h_bps, found.apr_percent, found.apr_equity_percent) == ("3.00", "32.85", "16.42")
    assert (found.next_ts, found.next_bps) == (AT + HOUR_NS, "3.00")
    assert (found.cost_bps, found.even_payments) == ("10", 7)
    assert found.even_ts == found.even_stays_ts == AT + 25 * HOUR_NS


def best(board: Board, buy: Leg, sell: Leg) -> Route:
    found, _ = board.best([(buy, "ok"), (sell, "ok")])
    assert found is not None
    return found


def test_what_is_remembered_of_a_route_ends_when_a_payment_comes_into_its_window_or_a_minute_passes() -> None:
    fold, buy, sell = route()
    pays(buy, "0.0010", AT + WINDOW_NS + 7 * SECOND)
    pays(sell, "0.0001", AT + 8 * HOUR_NS)
    board = Board(fold)
    first = best(board, buy, sell)
    assert first.net_cash_bps == first.net_open_bps
    for at in (AT + 7 * SECOND - 1, AT + 7 * SECOND, AT - AT % MINUTE + MINUTE):
        fold.at = at
        found = best(board, buy, sell)
        assert found == best(Board(fold), buy, sell)
        assert (found.net_cash_bps == found.net_open_bps) is (at < AT + 7 * SECOND)


def test_what_is_remembered_of_a_route_ends_with_its_books() -> None:
    fold, buy, sell = deep()
    board, books = Board(fold), (buy.book, sell.book)
    for moment, held in (
        *((AT, books), (AT, (None, books[1])), (AT, books), (AT, (books[0], None)), (AT, books)),
        (AT + BOOK_AGE_NS + 1, books),
    ):
        fold.at, (buy.book, sell.book) = moment, held
        assert best(board, buy, sell) == best(Board(fold), buy, sell)
    assert best(board, buy, sell).depth is None


def test_the_usual_rate_of_a_perpetual_counts_from_its_second_payment_on() -> None:
    fold, buy, sell = route()
    pays(buy, "0")
    pays(sell, "0.0002")
    figures = Figures(fold)
    fold.memory.paid(sell, Settlement(sell.symbol, "0.0020", "8", AT - HOUR_NS, None, AT))
    fold.memory.instant(fold, AT)
    found = figures.funding(buy, sell, 2000)
    assert found is not None
    assert found.even_ts == AT + 9 * HOUR_NS


def test_where_funding_costs_there_is_no_break_even_and_without_it_nothing() -> None:
    fold, buy, sell = route()
    pays(buy, "0.0002")
    pays(sell, "0.0001")
    found = Figures(fold).funding(buy, sell, 1000)
    assert found is not None
    assert (found.carry_8h_bps, found.even_ts, found.even_stays_ts) == ("-1.00", None, None)
    sell.funding = None
    assert Figures(fold).funding(buy, sell, 1000) is None


def test_funding_remembers_while_nothing_changed() -> None:
    fold, buy, sell = route()
    pays(buy, "0.0002")
    pays(sell, "0.0003")
    figures = Figures(fold)
    first = figures.funding(buy, sell, 1000)
    assert figures.funding(buy, sell, 1000) is first
    assert figures.funding(buy, sell, 901) is first
    assert figures.funding(buy, sell, 1001) != first
    pays(sell, "0.0004")
    assert figures.funding(buy, sell, 1000) != first


def followed(minutes: int) -> tuple[Fold, Leg, Leg]:
    """A pair whose spread of 50 bps swings by 1 bp, minute by minute."""
    fold, buy, sell = route()
    tracks = fold.memory.tracks
    tracks.near((buy, sell), AT)
    track = tracks.of(buy, sell)
    assert track is not None
    first = AT // MINUTE - minutes
    swing = (number % 2 for number in count())
    for minute in range(first, first + minutes):
        track.spread.put(minute, 50_000 + 1000 * next(swing))
        track.exits.put(minute, -7000)
        track.back.put(minute, 3000)
    return fold, buy, sell


def test_statistics_set_the_present_spread_beside_its_past() -> None:
    fold, buy, sell = followed(400)
    figures, measure = Figures(fold), measured(fold, buy, sell)
    found = figures.stats(buy, sell, measure)
    assert found is not None
    assert found.minutes >= 399
    assert found.z[0] is not None
    assert found.z[0] > 40
    assert found.z[1] == found.z[2]
    assert found.percentile == 100.0
    assert found.exit_bps == "-70.00"
    assert found.net_rt_bps == cents_text(measure.edge - 7000 - 2000)
    back = figures.stats(sell, buy, measured(fold, sell, buy))
    assert back is not None
    assert back.z == tuple(-one for one in found.z if one is not None)
    assert (back.exit_bps, back.percentile) == ("30.00", 0.0)


def test_exits_say_nothing_before_four_hours_of_them() -> None:
    fold, buy, sell = followed(EXIT_LEAST - 2)
    found = Figures(fold).stats(buy, sell, measured(fold, buy, sell))
    assert found is not None
    assert (found.exit_bps, found.net_rt_bps) == (None, None)
    assert found.z[0] is not None


def test_a_pair_that_is_not_followed_has_no_statistics() -> None:
    fold, buy, sell = route()
    assert Figures(fold).stats(buy, sell, measured(fold, buy, sell)) is None


def test_statistics_are_those_of_a_whole_minute_and_depend_on_nothing_but_the_fold() -> None:
    fold, buy, sell = followed(300)
    early, late = Figures(fold), Figures(fold)
    measure = measured(fold, buy, sell)
    for second in range(0, 130, 7):
        fold.at = AT + second * 1_000_000_000
        early.stats(buy, sell, measure)
        assert early.stats(buy, sell, measure) == Figures(fold).stats(buy, sell, measure)
    assert late.stats(buy, sell, measure) == early.stats(buy, sell, measure)
    track = fold.memory.tracks.of(buy, sell)
    assert track is not None
    assert past_of(track, track.spread.first, 60_000).minutes == 0

"""The best route within a filter, against the scanner's own board."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.symbols import Directory
from services.api.within import Routes, Wanted
from services.scanner.board import Board
from services.scanner.control import Listing
from shared.config import BorrowRate, Exclusion, Fees, Runtime, Transfer
from shared.events import Settlement
from shared.instruments import Instrument
from shared.routes.funding import HOUR_NS
from shared.routes.fx import Fx
from shared.signals import BoardRow, Route
from tests.scanner.tape import MS, T0, Tape, hold, row

FX = Fx("0.9990", "0.9992", "0.9991", 2)
VENUES = ("alpha", "beta", "gamma")
EVERYWHERE = Wanted.of(VENUES)
RATES = {"alpha": "0.0004", "beta": "-0.0001", "gamma": "0.0004"}
SETTLED = {"alpha": "0.0002", "gamma": "0.0013"}
Quoted = dict[tuple[str, str, str], tuple[str, str]]


def listed(venue: str, market: str, quote: str, **over: Any) -> Instrument:
    """The instrument that a row of the tape is made from."""
    one = row("WIF", market, quote, **over)
    terms = {name: getattr(one, name) for name in ("category", "status", "lot_size", "min_size", "min_notional")}
    terms |= {name: getattr(one, name) for name in ("taker_fee_bps", "funding_interval_h", "quote_mode")}
    return Instrument(
        venue=venue, market=one.market, symbol=one.symbol, native=one.native, base="WIF", quote=quote, **terms
    )


def board(
    quotes: Quoted, runtime: Runtime | None = None, *, fx: Fx | None = FX, size: str = "1000", **over: Any
) -> tuple[BoardRow, Routes]:
    """The scanner's row of these markets ((venue, market, quote currency): (bid, ask)), and what the API judges by."""
    chosen = runtime or Runtime(version=1)
    rows = {venue: [row("WIF", m, q, **over) for v, m, q in quotes if v == venue] for venue in VENUES}
    tape = Tape().begin(rows, chosen)
    for (venue, market, quote), (bid, ask) in quotes.items():
        symbol = row("WIF", market, quote).symbol
        tape.quote(venue, symbol, bid, ask, size)
        if market == "perp":
            tape.funding(venue, symbol, RATES[venue], T0 + 300_000)
            if venue in SETTLED:
                tape.put(
                    venue, "funding", [Settlement(symbol, SETTLED[venue], "8", T0 * MS - HOUR_NS, None, tape.now * MS)]
                )
    if fx is not None:
        tape.ctl(fx)
    return judged(hold(tape, VENUES, 1_500), quotes, chosen, **over)


def judged(tape: Tape, quotes: Quoted, runtime: Runtime, **over: Any) -> tuple[BoardRow, Routes]:
    fold, _ = tape.fold()
    data = Board(fold).row(fold.assets["WIF"], 1)
    assert data is not None
    found = {venue: [listed(venue, m, q, **over) for v, m, q in quotes if v == venue] for venue in VENUES}
    return msgspec.msgpack.decode(data, type=BoardRow), Routes(Directory(found), runtime)


def plain(route: Route | None) -> Route | None:
    """A route without what the scanner alone has: books, and the past of a pair."""
    return None if route is None else msgspec.structs.replace(route, depth=None, stats=None)


def among(shown: BoardRow, routes: Routes, wanted: Wanted) -> BoardRow:
    """What the API itself works out: the scanner's choice is taken away."""
    return routes.within(msgspec.structs.replace(shown, best=None, why=None), wanted)


PRICES = st.integers(19_800, 20_200).map(lambda cents: (f"{cents / 100:.2f}", f"{(cents + 5) / 100:.2f}"))
MARKETS = st.tuples(
    st.sampled_from(VENUES), st.sampled_from(["spot", "perp"]), st.sampled_from(["USDT", "USDC", "USD"])
)
FEES = st.sampled_from([{}, {"alpha": Fees(perp=1.5)}, {"beta": Fees(spot=0.0, perp=25.0)}])
LOANS = st.sampled_from([(), (BorrowRate(asset="WIF", apr_percent=3650), BorrowRate(venue="beta", apr_percent=0))])
MOVES = st.sampled_from([(), (Transfer(bps=20), Transfer(venue="gamma", to="alpha", bps=0.5))])


@settings(max_examples=60)
@given(
    quotes=st.dictionaries(MARKETS, PRICES, min_size=1, max_size=8),
    fees=FEES,
    max_edge=st.sampled_from([500.0, 60.0]),
    fx=st.sampled_from([FX, None, Fx("0.9800", "0.9802", "0.9801", 1)]),
    fee=st.sampled_from(["5", None]),
    loans=LOANS,
    moves=MOVES,
)
def test_of_everything_it_is_the_scanners_own_to_the_last_digit(
    quotes: Quoted,
    fees: dict[str, Fees],
    max_edge: float,
    fx: Fx | None,
    fee: str | None,
    loans: tuple[BorrowRate, ...],
    moves: tuple[Transfer, ...],
) -> None:
    runtime = Runtime(version=1, fees=fees, max_edge_bps=max_edge, borrow_rates=loans, transfers=moves)
    shown, routes = board(quotes, runtime, fx=fx, taker_fee_bps=fee)
    found = among(shown, routes, EVERYWHERE)
    assert found.best == plain(shown.best)
    if shown.why not in ("single", None):
        assert found.why == shown.why


@settings(max_examples=60)
@given(quotes=st.dictionaries(MARKETS, PRICES, min_size=2, max_size=8), venues=st.sets(st.sampled_from(VENUES)))
def test_of_some_exchanges_it_is_what_a_scanner_of_these_alone_would_show(quotes: Quoted, venues: set[str]) -> None:
    shown, routes = board(quotes)
    some = {key: prices for key, prices in quotes.items() if key[0] in venues}
    expected = board(some)[0].best if some else None
    assert plain(routes.within(shown, Wanted.of(venues)).best) == plain(expected)


THREE: Quoted = {
    ("alpha", "perp", "USDT"): ("199.00", "199.10"),
    ("beta", "perp", "USDT"): ("200.00", "200.10"),
    ("gamma", "perp", "USDT"): ("199.40", "199.50"),
    ("alpha", "spot", "USDT"): ("199.20", "199.30"),
    ("gamma", "spot", "USDT"): ("199.25", "199.35"),
}


def ends(shown: BoardRow) -> tuple[str, str] | None:
    return None if shown.best is None else (shown.best.buy[0], shown.best.sell[0])


def test_the_next_best_is_shown_where_the_best_does_not_fit() -> None:
    shown, routes = board(THREE)
    assert ends(shown) == ("alpha", "beta")
    assert routes.within(shown, Wanted()) is shown
    assert routes.within(shown, Wanted.of(("alpha", "beta"))) is shown
    assert ends(routes.within(shown, Wanted.of(("alpha", "gamma")))) == ("alpha", "gamma")
    assert ends(routes.within(shown, Wanted.of(("beta", "gamma")))) == ("gamma", "beta")
    spots = routes.within(shown, Wanted.of(None, "spot-spot"))
    assert spots.best is not None
    assert (spots.best.kind, ends(spots)) == ("spot-spot", ("alpha", "gamma"))
    assert (spots.best.net_in_out_bps, spots.why) == (spots.best.net_open_bps, None)
    hedged = routes.within(shown, Wanted.of(("gamma",), "spot-perp"))
    assert ends(hedged) == ("gamma", "gamma")


def test_its_funding_is_reckoned_as_the_scanner_reckons_it_and_books_and_the_past_are_not_known() -> None:
    shown, routes = board(THREE)
    found = among(shown, routes, EVERYWHERE).best
    assert found is not None
    assert shown.best is not None
    assert found.funding == shown.best.funding
    told = routes.within(shown, Wanted.of(("beta", "gamma"), "perp-perp")).best
    assert told is not None
    assert told.funding is not None
    # sold on beta (-1 bp), bought on gamma (4 bps): it costs 5 bps at each payment
    assert (told.funding.carry_8h_bps, told.funding.next_bps, told.funding.even_ts) == ("-5.00", "-5.00", None)
    assert (told.depth, told.stats) == (None, None)
    hedged = routes.within(shown, Wanted.of(("gamma",))).best
    assert hedged is not None
    assert hedged.funding is not None
    # 4 bps at the next payment and then 13, as gamma usually settles; without that 4 each time
    assert len(set(shown.usual)) == 3
    assert (hedged.funding.cost_bps, hedged.funding.even_payments) == ("18", 3)
    without = msgspec.structs.replace(shown, usual=())
    later = routes.within(without, Wanted.of(("gamma",))).best
    assert later is not None
    assert later.funding is not None
    assert later.funding.even_payments == 5


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wanted.of(("gamma",), "spot-spot"), "single"),
        (Wanted.of(("beta",)), "single"),
        (Wanted.of(("nowhere",)), "single"),
        (Wanted.of(("beta", "gamma"), "perp-perp", 1e9), "filtered"),
    ],
)
def test_where_nothing_fits_it_says_so(wanted: Wanted, why: str) -> None:
    shown, routes = board(THREE)
    found = routes.within(shown, wanted)
    assert (found.best, found.why) == (None, why)
    assert found.legs == shown.legs


def test_a_route_must_carry_the_size_that_is_asked_for() -> None:
    shown, routes = board(THREE, size="10")
    assert shown.best is not None
    assert routes.within(shown, Wanted.of(None, None, 1_991.0)) is shown
    less = routes.within(shown, Wanted.of(None, None, 1_994.0))
    assert less.best is not None
    assert Decimal(less.best.size_usd) >= 1_994
    assert Decimal(less.best.net_open_bps) < Decimal(shown.best.net_open_bps)


def test_several_filters_may_look_at_one_row_and_each_new_row_is_looked_at_anew() -> None:
    shown, routes = board(THREE)
    wanted = Wanted.of(("alpha", "gamma"), "perp-perp")
    assert ends(routes.within(shown, wanted)) == ("alpha", "gamma")
    assert ends(routes.within(shown, Wanted.of(("beta", "gamma"), "perp-perp"))) == ("gamma", "beta")
    turned, _ = board(THREE | {("gamma", "perp", "USDT"): ("198.00", "198.10")})
    assert ends(routes.within(turned, wanted)) == ("gamma", "alpha")
    assert ends(routes.within(shown, wanted)) == ("alpha", "gamma")


def test_a_pair_in_doubt_and_a_bad_leg_never_make_a_route() -> None:
    strange = THREE | {("gamma", "perp", "USDT"): ("2000.00", "2000.10")}
    shown, routes = board(strange)
    perps = [place for place, leg in enumerate(shown.legs) if leg.market == "perp"]
    assert {pair for pair in shown.doubtful if set(pair) <= set(perps)}
    found = among(shown, routes, Wanted.of(("alpha", "gamma"), "perp-perp"))
    assert (found.best, found.why) == (None, "identity")
    barred = Runtime(version=1, exclusions=(Exclusion(venue="gamma", reason="test"),))
    shown, routes = board(THREE, barred)
    found = routes.within(shown, Wanted.of(("beta", "gamma"), "perp-perp"))
    assert (found.best, found.why) == (None, "excluded")


def test_a_doubt_that_is_over_is_no_longer_in_the_row() -> None:
    runtime = Runtime(version=1, pair_warmup_ms=5_000)
    two = {key: THREE[key] for key in list(THREE)[:2]}
    tape = Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF")]}, runtime)
    symbol = row("WIF").symbol
    tape.quote("alpha", symbol, "1.0", "1.1", "1000").quote("beta", symbol, "9.0", "9.1", "1000")
    tape = hold(tape, ("alpha", "beta"), 1_500)
    assert judged(tape, two, runtime)[0].doubtful == ((0, 1),)
    tape = hold(tape.quote("beta", symbol, "1.0", "1.1", "1000"), ("alpha", "beta"), 4_000)
    assert judged(tape, two, runtime)[0].doubtful == ((0, 1),)
    found, routes = judged(hold(tape, ("alpha", "beta"), 4_000), two, runtime)
    assert found.doubtful == ()
    assert among(found, routes, EVERYWHERE).best == plain(found.best)


def test_a_market_listed_later_is_in_doubt_until_it_was_watched() -> None:
    runtime = Runtime(version=1, pair_warmup_ms=100_000)
    quotes = {key: THREE[key] for key in list(THREE)[:2]}
    tape = Tape().begin({"alpha": [row("WIF")], "beta": [row("OTHER")]}, runtime)
    tape = hold(tape.quote("alpha", row("WIF").symbol, "1.0", "1.1"), ("alpha", "beta"), 61_000, 1000)
    tape.ctl(Listing("beta", [row("WIF")], [])).quote("beta", row("WIF").symbol, "1.2", "1.3").wait(1)
    tape.quote("alpha", row("WIF").symbol, "1.0", "1.1")
    found, routes = judged(tape, quotes, runtime)
    assert (found.doubtful, found.why) == (((0, 1),), "identity")
    assert among(found, routes, EVERYWHERE).why == "identity"


def test_without_a_good_rate_different_dollars_do_not_meet() -> None:
    mixed: Quoted = {("alpha", "perp", "USDT"): ("199.00", "199.10"), ("beta", "perp", "USDC"): ("200.00", "200.10")}
    for fx in (None, Fx("0.9800", "0.9802", "0.9801", 1)):
        shown, routes = board(mixed, fx=fx)
        found = among(shown, routes, EVERYWHERE)
        assert (found.best, found.why) == (None, "fx")
    shown, routes = board(mixed)
    later = msgspec.structs.replace(shown, at=shown.at + 61_000 * MS)
    assert among(later, routes, EVERYWHERE).why == "fx"
    older = msgspec.structs.replace(shown, fx=None, fx_at=0)
    assert among(older, routes, EVERYWHERE).why == "fx"


def test_my_fees_choose_the_route_and_an_unknown_fee_makes_none() -> None:
    shown, routes = board(THREE, Runtime(version=1, fees={"beta": Fees(perp=100.0)}))
    assert ends(among(shown, routes, Wanted.of(None, "perp-perp"))) == ("alpha", "gamma")
    shown, routes = board(THREE, taker_fee_bps=None)
    assert among(shown, routes, EVERYWHERE).why == "fee_unknown"


def test_what_the_listing_does_not_know_yet_makes_no_route() -> None:
    shown, _ = board(THREE)
    found = Routes(Directory(), Runtime()).within(shown, Wanted.of(("alpha", "gamma")))
    assert (found.best, found.why) == (None, "filtered")

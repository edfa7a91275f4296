"""Whether a market prices the coin that it is named after."""

from typing import Any

import pytest

from services.scanner.board import shown
from services.scanner.checkpoint import dump, load
from services.scanner.control import Listing, Row
from services.scanner.detectors.price_check import Rounds, Standing, look
from services.scanner.explain import lines
from services.scanner.fold import Fold
from services.scanner.market import Asset, Leg
from services.scanner.why import why
from shared.config import Runtime
from shared.instruments import UNCONFIRMED
from shared.routes.fx import Fx
from tests.scanner.legs import AT, leg
from tests.scanner.tape import MS, T0, Tape, feed, hold, row

SECOND = 1000 * MS
WARM = Runtime(version=1, pair_warmup_ms=60_000)


def unsure(base: str = "WIF", **over: Any) -> Row:
    return row(base, status="quarantined", reason=UNCONFIRMED, multiplier="1000", **over)


class Coin:
    """Markets of one coin that are looked at by hand."""

    def __init__(self) -> None:
        self.asset = Asset("WIF")
        self.at = AT
        self.runtime = WARM

    def add(self, venue: str, price: float, **over: Any) -> Leg:
        one = leg(f"{price:.10f}", f"{price * 1.0001:.10f}", venue=venue, asset=self.asset, **over)
        one.row = row("WIF", **over)
        self.asset.legs.append(one)
        return one

    def wait(self, seconds: int, usdc: float | None = 1.0) -> set[str]:
        """Looks ten seconds apart; the venues of which something was concluded."""
        found: set[str] = set()
        for _ in range(seconds // 10):
            self.at += 10 * SECOND
            for one in self.asset.legs:
                assert one.producer is not None
                one.producer.last_ms, one.renewed = self.at // MS, self.at
            found |= {one.venue for one in look(self.asset.legs, self.at, self.at // MS, self.runtime, usdc)}
        return found

    def doubted(self) -> set[str]:
        return {one.venue for one in self.asset.legs if one.standing.doubted}


def test_one_that_is_off_for_a_tenth_of_the_time_is_in_doubt_and_the_others_are_not() -> None:
    coin = Coin()
    for venue in ("alpha", "beta"):
        coin.add(venue, 2.0)
    wrong = coin.add("gamma", 24.0)
    assert coin.wait(10) == set()
    assert coin.wait(10) == {"gamma"}
    assert coin.doubted() == {"gamma"}
    assert wrong.state(coin.at, coin.at // MS, WARM) == "quarantined"
    assert wrong.feed_state(coin.at, coin.at // MS, WARM) == "ok"
    assert wrong.reason() == "other_coin: its price is 12 times that of the other venues; perhaps another coin"


def test_it_is_known_again_once_it_has_agreed_for_the_whole_time() -> None:
    coin = Coin()
    coin.add("alpha", 2.0), coin.add("beta", 2.0)
    wrong = coin.add("gamma", 24.0)
    coin.wait(30)
    wrong.bid, wrong.ask = 2.0, 2.0002
    assert coin.wait(60) == {"gamma"}
    assert wrong.reason() == "other_coin: its price agrees with the other venues; being watched"
    assert coin.wait(10) == {"gamma"}
    assert (coin.doubted(), wrong.reason(), wrong.standing.known) == (set(), None, True)


def test_a_known_one_may_be_off_for_longer() -> None:
    coin = Coin()
    coin.add("alpha", 2.0), coin.add("beta", 2.0)
    one = coin.add("gamma", 2.0)
    coin.wait(80)
    one.bid, one.ask = 2.2, 2.2002
    assert coin.wait(60) == set()
    assert coin.wait(10) == {"gamma"}


def test_two_venues_that_part_are_both_in_doubt_and_neither_when_one_is_trusted_but_the_other() -> None:
    coin = Coin()
    coin.add("alpha", 2.0), coin.add("beta", 3.0)
    coin.wait(30)
    assert coin.doubted() == {"alpha", "beta"}
    trusting = Coin()
    trusting.add("alpha", 2.0, trusted=True), trusting.add("beta", 3.0)
    trusting.wait(30)
    assert trusting.doubted() == {"beta"}
    pinned = Coin()
    pinned.runtime = Runtime(pair_warmup_ms=60_000, pins=("WIF",))
    pinned.add("alpha", 2.0), pinned.add("beta", 3.0)
    pinned.wait(30)
    assert pinned.doubted() == set()


def test_a_majority_judges_and_a_wrong_market_beside_a_right_one_judges_nobody() -> None:
    coin = Coin()
    for venue, price in (("alpha", 2.0), ("beta", 2.0), ("gamma", 2.0), ("delta", 3.0), ("epsilon", 3.0)):
        coin.add(venue, price)
    coin.wait(30)
    assert coin.doubted() == {"delta", "epsilon"}
    beside = Coin()
    beside.add("alpha", 2.0)
    beside.add("beta", 2.0, market="spot")
    beside.add("beta", 0.9)
    beside.wait(30)
    assert [(one.venue, one.market) for one in beside.asset.legs if one.standing.doubted] == [("beta", "perp")]


def test_a_stock_of_the_same_ticker_is_no_judge() -> None:
    coin = Coin()
    coin.add("alpha", 2.0), coin.add("beta", 200.0, category="equity")
    coin.wait(60)
    assert coin.doubted() == set()


def test_what_is_not_seen_counts_for_nothing() -> None:
    coin = Coin()
    one = coin.add("alpha", 2.0)
    other = coin.add("beta", 3.0)
    other.channel = "down"
    assert coin.wait(120) == set()
    assert one.standing.on is None
    dollars = Coin()
    dollars.add("alpha", 2.0), dollars.add("beta", 3.0, quote="USDC")
    dollars.asset.legs[1].converted = True
    dollars.wait(60, usdc=None)
    assert dollars.doubted() == set()


def test_time_that_nobody_looked_is_not_counted() -> None:
    standing = Standing()
    for at in (10, 20, 90):
        standing.see(True, at * SECOND)
    assert standing.span == 10 * SECOND
    standing.see(None, 100 * SECOND)
    standing.see(True, 110 * SECOND)
    assert standing.span == 10 * SECOND
    standing.see(False, 120 * SECOND)
    assert standing.span == 0


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (
            2000.0,
            "multiplier_unconfirmed: its price is 1000 times that of the other venues; multiplier 1000000 would fit",
        ),
        (0.002, "multiplier_unconfirmed: its price is 0.001 times that of the other venues; multiplier 1 would fit"),
        (5.0, "multiplier_unconfirmed: its price is 2.5 times that of the other venues; perhaps another coin"),
        (2.04, "multiplier_unconfirmed: its price agrees with the other venues; being watched"),
    ],
)
def test_an_unconfirmed_multiplier_says_what_would_fit(price: float, reason: str) -> None:
    coin = Coin()
    coin.add("alpha", 2.0), coin.add("beta", 2.0)
    one = coin.add("gamma", price, status="quarantined", reason=UNCONFIRMED, multiplier="1000")
    coin.wait(30)
    assert (one.reason(), one.standing.doubted, one.standing.confirmed) == (reason, False, False)
    assert coin.doubted() == set()


def test_an_unconfirmed_multiplier_is_confirmed_after_the_whole_time_and_judges_nobody_before() -> None:
    coin = Coin()
    coin.add("alpha", 2.0)
    one = coin.add("gamma", 2.0, status="quarantined", reason=UNCONFIRMED, multiplier="1000")
    coin.wait(60)
    found = [one.standing.confirmed]
    assert coin.wait(10) == {"gamma"}
    assert [*found, one.standing.confirmed] == [False, True]
    assert coin.asset.legs[0].standing.on is None
    alone = Coin()
    lonely = alone.add("gamma", 2.0, status="quarantined", reason=UNCONFIRMED)
    alone.wait(60)
    assert lonely.reason() == "multiplier_unconfirmed: nothing to compare its price with yet"


def test_every_coin_is_looked_at_once_in_ten_seconds() -> None:
    assets = [Asset(f"C{number}") for number in range(23)]
    for asset in assets:
        asset.legs = [leg("2.0", "2.1", asset=asset), leg("9.0", "9.1", venue="beta", asset=asset)]
    rounds, seen = Rounds(), 0
    for tenth in range(100):
        before = sum(asset.legs[0].standing.looked > 0 for asset in assets)
        rounds.look(assets, AT + tenth * SECOND // 10, T0, WARM, None)
        seen = sum(asset.legs[0].standing.looked > 0 for asset in assets)
        assert seen - before <= 3
    assert seen == 23


# ---- in the fold

VENUES = ("alpha", "beta", "gamma")
SYMBOL = "WIF/USDT:USDT"


def tape(third: Row) -> Tape:
    return Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF")], "gamma": [third]}, WARM)


def quoted(one: Tape, price: float, symbol: str = SYMBOL) -> Tape:
    for venue, at in (("alpha", 2.0), ("beta", 2.0), ("gamma", price)):
        one.quote(venue, symbol if venue == "gamma" else SYMBOL, f"{at:.8f}", f"{at * 1.0001:.8f}", "100000")
    return one


def kept(one: Tape, price: float, seconds: int, symbol: str = SYMBOL) -> Tape:
    """Quotes every five seconds, a beat a second."""
    for _ in range(seconds // 5):
        hold(quoted(one, price, symbol), VENUES, 5000, 1000)
    return one


def third(fold: Fold) -> Leg:
    return fold.natives["gamma"]["perp", "WIFUSDTP"]


def test_another_coin_of_the_ticker_is_quarantined_and_shown_with_its_reason() -> None:
    fold, records = kept(tape(row("WIF")), 24.0, 60).fold()
    assert records == []
    found = shown(third(fold), third(fold).state(fold.at, fold.judge.id_ms, fold.judge.runtime))
    assert (found.state, found.reason and found.reason[:10]) == ("quarantined", "other_coin")
    assert any(line.startswith("gamma|perp|WIFUSDTP: quarantined (other_coin: ") for line in lines(why(fold, "WIF")))


def test_a_signal_ends_when_a_leg_falls_into_doubt() -> None:
    wide = Runtime(version=1, pair_warmup_ms=1_000, max_edge_bps=5_000.0)
    one = Tape().begin({venue: [row("WIF")] for venue in VENUES}, wide)
    _, records = kept(one, 2.3, 60).fold()
    assert [record.close_reason for record in records if record.event == "close"][:1] == ["quarantined"]


def test_a_confirmed_reading_trades_and_another_multiplier_begins_anew() -> None:
    one = kept(tape(unsure()), 2.0, 100)
    fold, _ = one.fold()
    assert third(fold).standing.confirmed
    done = len(one.entries)
    one.ctl(Listing("gamma", [row("WIF", multiplier="1000")], [])).wait(1)
    kept(one, 2.0, 5)
    feed(fold, one.entries[done:])
    assert third(fold).state(fold.at, fold.judge.id_ms, fold.judge.runtime) in ("ok", "quiet")
    assert third(fold).standing.known
    done = len(one.entries)
    one.ctl(Listing("gamma", [row("WIF", multiplier="10")], []))
    feed(fold, one.entries[done:])
    assert not third(fold).standing.known


def test_what_is_read_as_another_coin_leaves_the_old_one_and_comes_to_the_new() -> None:
    one = kept(tape(row("WIF")), 24.0, 30)
    other = row("WIFX", native="WIFUSDTP")
    one.ctl(Listing("gamma", [other], [])).wait(1)
    kept(one, 24.0, 10, other.symbol)
    fold, _ = one.fold()
    states = {
        asset.name: {leg.venue: leg.state(fold.at, fold.judge.id_ms, fold.judge.runtime) for leg in asset.legs}
        for asset in fold.assets.values()
    }
    assert states == {"WIF": {"alpha": "quiet", "beta": "quiet", "gamma": "delisted"}, "WIFX": {"gamma": "quiet"}}
    assert third(fold).asset.name == "WIFX"
    taken_up, _ = load(dump(fold, {}))
    assert third(taken_up).asset.name == "WIFX"
    done = len(one.entries)
    one.ctl(Listing("gamma", [row("WIF")], [])).wait(1)
    kept(one, 24.0, 10)
    feed(fold, one.entries[done:])
    assert third(fold).asset.name == "WIF"
    assert [leg.venue for leg in fold.assets["WIF"].legs] == list(VENUES)
    done = len(one.entries)
    kept(one, 24.0, 150)
    feed(fold, one.entries[done:])
    assert [leg.venue for leg in fold.assets["WIF"].legs] == list(VENUES)
    assert set(fold.assets) == {"WIF"}


def test_a_checkpoint_keeps_what_was_found() -> None:
    one = kept(tape(unsure()), 2000.0, 40)
    one.ctl(Fx("0.9996", "0.9998", "0.9997", 2))
    fold, _ = one.fold()
    taken_up, _ = load(dump(fold, {}))
    assert third(taken_up).standing.saved() == third(fold).standing.saved()
    assert (taken_up.rounds.due, taken_up.rounds.turn) == (fold.rounds.due, fold.rounds.turn)

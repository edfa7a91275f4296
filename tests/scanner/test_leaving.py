"""What no venue lists any more goes, by event time, and nothing else does."""

import msgspec

from services.scanner.board import Board
from services.scanner.checkpoint import dump, load
from services.scanner.control import Listing
from services.scanner.fold import Fold
from shared.signals import BoardRow
from tests.scanner.tape import Tape, feed, hold, row

VENUES = ("alpha", "beta")
GONE = [("perp", "AAAUSDTP")]


def market() -> Tape:
    tape = Tape().begin({venue: [row("AAA"), row("BBB")] for venue in VENUES})
    return quoted(tape)


def quoted(tape: Tape, *coins: str) -> Tape:
    for venue in VENUES:
        for coin in coins or ("AAA", "BBB"):
            tape.quote(venue, f"{coin}/USDT:USDT", "10.00", "10.01")
    return tape


def delist(tape: Tape, *venues: str) -> Tape:
    for venue in venues:
        tape.ctl(Listing(venue, [], list(GONE)))  # type: ignore[arg-type]
    return tape


def parts(fold: Fold) -> dict[str, list[str]]:
    return {name: [leg.part for leg in asset.legs] for name, asset in fold.assets.items()}


BOTH = {"AAA": ["alpha|perp|AAAUSDTP", "beta|perp|AAAUSDTP"], "BBB": ["alpha|perp|BBBUSDTP", "beta|perp|BBBUSDTP"]}


def test_a_coin_goes_with_its_last_market_two_minutes_after_its_last_quote() -> None:
    tape = delist(market(), *VENUES)
    fold, _ = hold(tape, VENUES, 119_000, 1000).fold()
    assert parts(fold) == BOTH
    fold, _ = hold(tape, VENUES, 3_000, 1000).fold()
    assert parts(fold) == {"BBB": BOTH["BBB"]}
    assert "AAA/USDT:USDT" not in fold.venues["alpha"]
    assert list(fold.natives["alpha"]) == [("perp", "BBBUSDTP")]


def test_its_row_is_gone_with_it() -> None:
    tape = hold(delist(market(), *VENUES), VENUES, 100_000, 1000)
    fold, board = Fold(), None
    feed(fold, tape.ordered())
    board = Board(fold)
    asset = fold.assets["AAA"]
    assert board.row(asset, 1) is not None
    fold.touched.clear()
    more = hold(Tape(tape.now, [], tape.seqs, tape.ids), VENUES, 30_000, 1000)
    feed(fold, more.ordered())
    assert asset in fold.touched
    assert board.row(asset, 1) is None
    told = msgspec.msgpack.decode(board.gone("AAA", 1), type=BoardRow)
    assert (told.asset, told.legs, told.best, told.why, told.ver) == ("AAA", (), None, "delisted", 2)


def test_one_market_that_leaves_takes_nothing_else_along() -> None:
    fold, _ = hold(delist(market(), "beta"), VENUES, 125_000, 1000).fold()
    assert parts(fold) == {**BOTH, "AAA": ["alpha|perp|AAAUSDTP"]}


def test_a_market_that_still_quotes_stays() -> None:
    tape = delist(market(), *VENUES)
    for _ in range(5):
        quoted(hold(tape, VENUES, 50_000, 1000), "AAA")
    assert parts(tape.fold()[0]) == BOTH
    assert parts(hold(tape, VENUES, 122_000, 1000).fold()[0]) == {"BBB": BOTH["BBB"]}


def test_one_that_is_listed_again_in_time_stays_and_later_it_is_new() -> None:
    tape = hold(delist(market(), *VENUES), VENUES, 60_000, 1000)
    for venue in VENUES:
        tape.ctl(Listing(venue, [row("AAA")], []))
    assert parts(hold(tape, VENUES, 125_000, 1000).fold()[0]) == BOTH
    hold(delist(tape, *VENUES), VENUES, 125_000, 1000)
    tape.ctl(Listing("beta", [row("AAA")], []))
    fold, _ = quoted(tape, "AAA").fold()
    assert parts(fold) == {"BBB": BOTH["BBB"], "AAA": ["beta|perp|AAAUSDTP"]}
    (leg,) = fold.assets["AAA"].legs
    assert leg.new
    assert leg.quote is not None


def test_a_signal_on_it_closes_and_its_route_may_cool_down() -> None:
    tape = market()
    for _ in range(40):
        tape.quote("alpha", "AAA/USDT:USDT", "10.00", "10.01").quote("beta", "AAA/USDT:USDT", "10.15", "10.16")
        hold(tape, VENUES, 250)
    _, records = hold(delist(tape, *VENUES), VENUES, 1000).fold()
    assert [(one.event, one.close_reason) for one in records if one.event != "update"] == [
        ("open", None),
        ("close", "delisted"),
    ]
    fold, _ = hold(tape, VENUES, 125_000, 1000).fold()
    assert parts(fold) == {"BBB": BOTH["BBB"]}


def test_a_checkpoint_in_between_changes_nothing() -> None:
    entries = hold(delist(market(), *VENUES), VENUES, 125_000, 1000).ordered()
    whole = Fold()
    feed(whole, entries)
    for cut in range(1, len(entries), 37):
        fold = Fold()
        feed(fold, entries[:cut])
        taken_up, _ = load(dump(fold, {}))
        feed(taken_up, entries[cut:])
        assert dump(taken_up, {}) == dump(whole, {})

"""Rows of the board."""

import msgspec
import pytest

from services.scanner.board import Board
from services.scanner.control import Listing
from services.scanner.fold import Fold
from shared.config import Exclusion, Runtime
from shared.events import Mark, Stats
from shared.signals import BoardRow
from tests.scanner.script import Script
from tests.scanner.tape import MS, Tape, hold, row

SYMBOL = "WIF/USDT:USDT"


def tape(runtime: Runtime | None = None) -> Tape:
    rows = [row("WIF"), row("WIF", "spot")]
    return Tape().begin({"alpha": rows, "beta": [row("WIF")]}, runtime)


def shown(fold: Fold) -> BoardRow:
    data = Board(fold).row(fold.assets["WIF"], 7)
    assert data is not None
    return msgspec.msgpack.decode(data, type=BoardRow)


def quoted(one: Tape, beta: str = "2.0010") -> Tape:
    one.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000")
    return one.quote("beta", SYMBOL, beta, f"{float(beta) + 0.001:.4f}", "10")


def test_a_row_holds_every_market_that_was_heard_of_and_the_best_route() -> None:
    one = quoted(tape()).put("alpha", "mark", [Mark(SYMBOL, "2.0", "2.1", None, 5)])
    one.put("alpha", "stats", [Stats(SYMBOL, "1.99", "10", "20", "30", None, 5)]).funding(
        "beta", SYMBOL, "0.0001", None
    )
    found = shown(one.fold()[0])
    assert (found.asset, found.fence, found.ver) == ("WIF", 7, 1)
    assert [(leg.venue, leg.market, leg.state) for leg in found.legs] == [
        ("alpha", "perp", "ok"),
        ("beta", "perp", "ok"),
    ]
    alpha, beta = found.legs
    assert (alpha.bid, alpha.mark, alpha.index, alpha.last, alpha.open_interest) == (
        "1.9990",
        "2.0",
        "2.1",
        "1.99",
        "30",
    )
    assert (beta.funding_rate, beta.funding_interval_h) == ("0.0001", "8")
    best = found.best
    assert best is not None
    assert (best.buy, best.sell) == (("alpha", "perp", "WIFUSDTP"), ("beta", "perp", "WIFUSDTP"))
    assert (best.edge_bps, best.net_open_bps, best.net_in_out_bps, best.net_now_bps) == (
        "5.00",
        "-5.00",
        "-15.00",
        "-29.99",
    )
    assert (best.size, best.size_usd) == ("10", "20.00")


def test_the_best_route_may_lose_money_but_must_be_believable() -> None:
    found = shown(quoted(tape(), "3.0000").fold()[0])
    assert found.best is not None
    assert found.best.buy[0] == "beta"
    assert float(found.best.edge_bps) < -3000


def test_a_row_says_why_it_has_no_route() -> None:
    lone = tape().quote("alpha", SYMBOL, "1", "2")
    assert shown(lone.fold()[0]).why == "single"
    stale = hold(quoted(tape()), ("alpha", "beta"), 62_000, 1000)
    assert shown(stale.fold()[0]).why == "stale"
    barred = Runtime(version=1, exclusions=(Exclusion(venue="beta", reason="test"),))
    assert shown(quoted(tape(barred)).fold()[0]).why == "excluded"
    free = Tape().begin({"alpha": [row("WIF", taker_fee_bps=None)], "beta": [row("WIF")]})
    assert shown(quoted(free).fold()[0]).why == "fee_unknown"


def test_a_row_names_the_open_signals() -> None:
    one = hold(quoted(tape(), "2.0300").quote("beta", SYMBOL, "2.0300", "2.0310", "1000"), ("alpha", "beta"), 4000)
    fold, records = one.fold()
    assert shown(fold).signals == (records[0].id,)


def test_a_leg_whose_state_changed_by_time_alone_is_noticed() -> None:
    one = quoted(tape())
    fold, _ = one.fold()
    board = Board(fold)
    asset = fold.assets["WIF"]
    board.row(asset, 1)
    assert not board.changed(asset)
    fold.judge.id_ms += 10_000
    assert board.changed(asset)


def test_nothing_heard_is_no_row_and_a_delisted_market_says_so() -> None:
    fold, _ = tape().fold()
    assert Board(fold).row(fold.assets["WIF"], 1) is None
    gone = quoted(tape()).ctl(Listing("beta", [], [("perp", "WIFUSDTP")]))
    assert [leg.state for leg in shown(gone.fold()[0]).legs] == ["ok", "delisted"]


def test_a_leg_is_encoded_again_only_when_it_changed_and_always_rightly() -> None:
    one = quoted(tape())
    fold, _ = one.fold()
    board = Board(fold)
    asset = fold.assets["WIF"]
    first = board.row(asset, 1)
    leg = asset.legs[0]
    leg.mark = Mark(SYMBOL, "9", None, None, 9 * MS)
    second = board.row(asset, 1)
    assert first is not None
    assert second is not None
    assert msgspec.msgpack.decode(second, type=BoardRow).legs[0].mark == "9"
    assert msgspec.msgpack.decode(second, type=BoardRow).legs[1] == msgspec.msgpack.decode(first, type=BoardRow).legs[1]


def test_venues_that_the_user_keeps_apart_make_no_best_route_and_readers_are_told() -> None:
    rule = Exclusion(venue="alpha", against="beta", reason="test")
    rows = {"alpha": [row("WIF")], "beta": [row("WIF")], "gamma": [row("WIF")]}

    def shown(*venues: str) -> BoardRow:
        tape = Tape().begin({name: rows[name] for name in venues}, Runtime(version=1, exclusions=(rule,)))
        for venue, bid in zip(venues, ("1.9990", "2.0300", "2.0100"), strict=False):
            tape.quote(venue, "WIF/USDT:USDT", bid, f"{float(bid) + 0.001:.4f}", "1000")
        fold, _ = tape.wait(10).tick().fold()
        made = Board(fold).row(fold.assets["WIF"], 1)
        assert made is not None
        return msgspec.msgpack.decode(made, type=BoardRow)

    three = shown("alpha", "beta", "gamma")
    assert three.best is not None
    assert {three.best.buy[0], three.best.sell[0]} != {"alpha", "beta"}
    assert three.doubtful == ((0, 1),)
    two = shown("alpha", "beta")
    assert (two.best, two.why, two.doubtful) == (None, "excluded", ((0, 1),))


@pytest.mark.parametrize("seed", (3, 29))
def test_what_is_remembered_of_rows_is_what_would_be_worked_out_anew(seed: int) -> None:
    fold, shown_before = Fold(), 0
    kept = Board(fold)
    for ms, key, seq, batch in Script(seed, parting=0.3).write(65).entries:
        fold.take(key, ms, seq, batch)
        for asset in fold.touched:
            remembered, anew = kept.row(asset, 1), Board(fold).row(asset, 1)
            if remembered is None or anew is None:
                assert remembered is anew
                continue
            row, other = (msgspec.msgpack.decode(data, type=BoardRow) for data in (remembered, anew))
            assert msgspec.structs.replace(row, ver=0) == msgspec.structs.replace(other, ver=0)
            shown_before += row.best is not None
        fold.touched.clear()
        fold.drain()
    assert shown_before > 1000

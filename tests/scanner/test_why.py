"""Why a coin gives a signal or none: every step, and that the steps agree with the verdict."""

import pytest

from services.scanner.control import Row
from services.scanner.explain import lines
from services.scanner.fold import Fold
from services.scanner.lifecycle import key_of
from services.scanner.why import steps, why
from shared.config import Exclusion, Runtime
from shared.routes.edge import kind_of
from tests.scanner.script import Script
from tests.scanner.tape import Tape, feed, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def apart(runtime: Runtime | None = None, bps: int = 100) -> Fold:
    one = Tape().begin({"alpha": [row("WIF")], "beta": [row("WIF")]}, runtime)
    bid = 2.0 * (1 + bps / 10_000)
    one.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000")
    one.quote("beta", SYMBOL, f"{bid:.6f}", f"{bid + 0.002:.6f}", "1000")
    return hold(one, VENUES, 1500).fold()[0]


def test_every_step_of_a_route_is_told_with_what_was_found_and_what_was_wanted() -> None:
    told = why(apart(), "WIF")
    best = told.routes[0]
    assert (best.buy, best.sell, best.edge_bps) == ("alpha|perp|WIFUSDTP", "beta|perp|WIFUSDTP", "100.00")
    assert (best.verdict, best.stage, best.samples, best.wanted) == ("good", "pend", 1, 3)
    assert all(step.ok for step in best.steps)
    found = {step.name: (step.value, step.limit) for step in best.steps}
    assert found["edge"] == ("100.00 bps", "at least 60 bps")
    assert found["net of fees and funding due"] == ("90.00 bps", "at least 5 bps")
    assert found["size"] == ("2000.00 USD", "at least 500 USD")
    assert found["fees"] == ("5 bps and 5 bps", None)
    assert told.routes_total == 2


def test_a_step_that_fails_names_its_reason_and_what_follows_is_not_looked_at() -> None:
    barred = Runtime(version=1, exclusions=(Exclusion(asset="WIF", venue="beta", reason="wallet closed"),))
    told = why(apart(barred), "WIF")
    best = told.routes[0]
    assert best.verdict == "excluded"
    assert [(step.name, step.ok, step.why) for step in best.steps if step.ok is False] == [
        ("sold leg", False, "excluded")
    ]
    assert {step.ok for step in best.steps if step.name in ("edge", "size", "net of fees and funding due")} == {None}
    assert {leg.venue: leg.reason for leg in told.legs} == {"alpha": None, "beta": "wallet closed"}
    assert told.held_back == {"excluded": 1}


@pytest.mark.parametrize(
    ("sold", "kind", "verdict", "said"),
    [
        (row("WIF", market="spot"), "perp-spot", "inventory", "spot is sold: that needs coins or a loan"),
        (row("WIF", category="equity"), "perp-perp", "category", "crypto and equity"),
    ],
)
def test_a_candidate_between_markets_that_make_no_route_is_counted_and_explained(
    sold: Row, kind: str, verdict: str, said: str
) -> None:
    one = Tape().begin({"alpha": [row("WIF", category="crypto")], "beta": [sold]})
    one.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000")
    one.quote("beta", sold.symbol, "2.0200", "2.0220", "1000")
    fold, records = hold(one, VENUES, 5500).fold()
    told = why(fold, "WIF")
    best = told.routes[0]
    assert (best.kind, best.edge_bps, best.verdict, best.stage) == (kind, "100.00", verdict, "idle")
    assert [(step.name, step.value) for step in best.steps if step.ok is False] == [("makes a route", said)]
    assert told.held_back == {verdict: 5}
    assert not records


def test_it_reads_as_text() -> None:
    text = list(lines(why(apart(bps=700), "WIF", answered_ms=1)))
    assert text[0] == "alpha|perp|WIFUSDTP: ok, quote 1500 ms old"
    assert text[2] == "buy alpha|perp|WIFUSDTP, sell beta|perp|WIFUSDTP: 700.00 bps: max_edge"
    assert "    NO  believable edge: 700.00 bps (wanted: at most 500 bps)" in text
    assert text[-1] == "candidates held back so far: max_edge 1"
    assert list(lines(why(apart(), "NONE"))) == ["NONE: no market of it is known"]


@pytest.mark.parametrize("seed", range(4))
def test_the_steps_agree_with_the_verdict_whatever_the_market_does(seed: int) -> None:
    fold, entries = Fold(), Script(seed).write(12).ordered()
    seen = set()
    for start in range(0, len(entries), 40):
        feed(fold, entries[start : start + 40])
        for asset in fold.assets.values():
            for buy in asset.legs:
                for sell in asset.legs:
                    buy.numbers()
                    sell.numbers()
                    if kind_of(buy, sell) is None or not buy.ask or not sell.bid:
                        continue
                    verdict = fold.judge.refuse(buy, sell, fold.at, fold.cycle.window(key_of(buy, sell)))
                    told = steps(fold, buy, sell)
                    failed = [step.why for step in told if step.ok is False]
                    if isinstance(verdict, str):
                        assert verdict in failed, (verdict, told)
                        seen.add(verdict)
                        if failed[0] != verdict:
                            assert {"bought leg", "sold leg"} == {step.name for step in told[:2] if step.ok is False}
                    else:
                        assert all(step.ok for step in told), told
    assert len(seen) > 4

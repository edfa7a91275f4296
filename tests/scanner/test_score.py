"""One number for a signal, and the terms that it is made of."""

from fractions import Fraction
from typing import Any

import pytest

from shared.config import Runtime
from shared.routes.fx import Fx
from shared.signals import Score
from tests.scanner.script import Script
from tests.scanner.tape import T0, Tape, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def scored(tape: Tape | None = None, quote: str = "USDT", size: str = "50000", **setting: Any) -> Score:
    tape = (tape or Tape()).begin(
        {"alpha": [row("WIF")], "beta": [row("WIF", quote=quote)]}, Runtime(version=1, **setting)
    )
    tape.ctl(Fx("0.9999", "1.0001", "1.0000", 2))
    for venue, symbol in (("alpha", SYMBOL), ("beta", f"WIF/{quote}:{quote}")):
        tape.funding(venue, symbol, "0.0001", T0 + 3_600_000)
    tape.quote("alpha", SYMBOL, "1.9990", "2.0000", size)
    tape.quote("beta", f"WIF/{quote}:{quote}", "2.0200", "2.0220", size)
    found = hold(tape, VENUES, 3500).fold()[1][0].score
    assert found is not None
    return found


def points(score: Score) -> dict[str, str]:
    return {term.name: term.points for term in score.terms}


def test_every_term_is_told_with_its_points_and_their_reason() -> None:
    score = scored(pair_warmup_ms=1000)
    assert points(score) == {
        "net": "36.0",
        "size": "20.0",
        "freshness": "10.5",
        "persistence": "0.0",
        "carry": "5.0",
        "stability": "5.0",
    }
    assert score.points == "76.5"
    assert {term.name: term.value for term in score.terms}["net"] == "90.00 bps"
    assert sum(term.of for term in score.terms) == 100


def test_what_takes_points_away_is_told_as_well() -> None:
    assert points(scored())["young"] == "-10.0"
    assert points(scored(max_edge_bps=150))["near_max"] == "-10.0"
    assert points(scored(quote="USDC", pair_warmup_ms=0))["other_dollar"] == "-5.0"


def test_size_counts_by_its_logarithm() -> None:
    found = [points(scored(size=size))["size"] for size in ("250", "500", "5000", "500000")]
    assert found == ["4.7", "6.7", "13.3", "20.0"]


@pytest.mark.parametrize("seed", range(3))
def test_the_score_is_the_sum_of_its_terms_within_its_bounds(seed: int) -> None:
    scores = [record.score for record in Script(seed).write(40).fold()[1] if record.score is not None]
    assert scores
    for score in scores:
        total = sum(Fraction(term.points) for term in score.terms)
        assert Fraction(score.points) == min(max(total, Fraction(0)), Fraction(100))
        assert all(Fraction(term.points) <= term.of for term in score.terms)

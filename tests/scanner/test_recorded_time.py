"""A replay's time: whole seconds of the entries' ids bring a tick, and the rate."""

from services.scanner.fold import Fold
from services.scanner.recorded_time import pass_time
from tests.scanner.tape import CTL, MS, T0, Tape, row


def listed() -> Tape:
    usdc = row("USDC", "spot", "USDT")
    return Tape().begin({"alpha": [usdc, row("AAA")], "beta": [usdc, row("AAA", quote="USDC")]})


def taken(tape: Tape) -> Fold:
    fold = Fold()
    for ms, key, seq, batch in tape.ordered():
        pass_time(fold, CTL, ms)
        fold.take(key, ms, seq, batch)
    return fold


def test_time_passes_by_whole_seconds_and_never_back() -> None:
    fold = Fold()
    for ms, expected in ((T0 + 300, T0), (T0 + 999, T0), (T0 + 2_400, T0 + 2_000), (T0 + 1_000, T0 + 2_000)):
        pass_time(fold, CTL, ms)
        assert fold.at == expected * MS


def test_the_rate_is_that_of_the_second_and_is_told_again_before_it_is_too_old() -> None:
    tape = listed().quote("alpha", "USDC/USDT", "0.9996", "0.9998").quote("beta", "USDC/USDT", "0.9998", "1.0000")
    tape.wait(500)
    for second in range(1, 25):
        tape.wait(1000).beat("alpha", "beta")
        rate = taken(tape).judge.rate
        assert (rate.fx.mid, rate.venues) == ("0.9998", 2)
        assert rate.at == (T0 + (21_000 if second > 20 else 1000)) * MS


def test_without_a_good_market_the_rate_that_is_known_grows_old() -> None:
    tape = listed().quote("alpha", "USDC/USDT", "0.9996", "0.9998").wait(1500).beat("alpha")
    tape.state("alpha", "USDC/USDT", "down").wait(30_000).beat("alpha")
    assert taken(tape).judge.rate.at == (T0 + 1000) * MS

"""The guard against the wrong coin."""

from services.scanner.detectors.identity import Doubts
from shared.config import Runtime
from shared.signals import Signal
from tests.scanner.legs import AT, leg
from tests.scanner.tape import MS, T0, Tape, hold, row

WARM = Runtime(version=1, pair_warmup_ms=10_000)
SYMBOL = "NEIRO/USDT:USDT"
VENUES = ("alpha", "beta")


def tape() -> Tape:
    return Tape().begin({"alpha": [row("NEIRO")], "beta": [row("NEIRO")]}, WARM)


def at_prices(one: Tape, alpha: float, beta: float) -> Tape:
    one.quote("alpha", SYMBOL, f"{alpha * 0.9999:.6f}", f"{alpha:.6f}", "100000")
    return one.quote("beta", SYMBOL, f"{beta:.6f}", f"{beta * 1.0001:.6f}", "100000")


def opens(records: list[Signal]) -> list[int]:
    return [(record.first_at - T0 * MS) // (1000 * MS) for record in records if record.event == "open"]


def test_a_pair_that_agrees_at_first_sight_may_signal_at_once() -> None:
    _, records = hold(at_prices(tape(), 2.0, 2.02), VENUES, 4000).fold()
    assert opens(records) == [1]


def test_another_coin_of_the_same_ticker_may_not_when_its_price_comes_by() -> None:
    one = hold(at_prices(tape(), 2.0, 22.0), VENUES, 3000)
    _, records = hold(at_prices(one, 2.0, 2.02), VENUES, 8000).fold()
    assert opens(records) == []


def test_a_pair_in_doubt_is_known_once_it_has_agreed_for_the_whole_time() -> None:
    one = hold(at_prices(tape(), 2.0, 22.0), VENUES, 3000)
    _, records = hold(at_prices(one, 2.0, 2.02), VENUES, 20_000).fold()
    assert opens(records) == [13]


def test_a_known_pair_is_only_rejected_while_it_is_off() -> None:
    one = hold(at_prices(tape(), 2.0, 2.0), VENUES, 12_000)
    one = hold(at_prices(one, 2.0, 2.5), VENUES, 3000)
    _, records = hold(at_prices(one, 2.0, 2.02), VENUES, 4000).fold()
    assert opens(records) == [16]


def test_a_market_listed_later_waits_even_if_it_agrees() -> None:
    from services.scanner.control import Listing

    one = Tape().begin({"alpha": [row("NEIRO")], "beta": [row("OTHER")]}, WARM)
    one.quote("alpha", SYMBOL, "1.9998", "2.0", "100000")
    one = hold(one, VENUES, 70_000, 1000).ctl(Listing("beta", [row("NEIRO")], [])).wait(1)
    start = (one.now - T0) // 1000
    _, records = hold(at_prices(one, 2.0, 2.02), VENUES, 15_000).fold()
    assert opens(records) == [start + 11]


def test_a_coin_pinned_by_hand_is_never_in_doubt() -> None:
    doubts, (one, other) = Doubts(), (leg("1", "2"), leg("1", "2", venue="beta"))
    doubts.off(one, other, AT, WARM)
    assert doubts.about(one, other, AT + 1, WARM)
    assert doubts.about(other, one, AT + 1, WARM)
    assert not doubts.about(one, other, AT + 1, Runtime(pins=("WIF",)))
    doubts.forget(AT + 10_000 * MS)
    assert not doubts.until

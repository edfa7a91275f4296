"""What makes a leg good, quiet, stale, down."""

import pytest

from services.scanner.market import Producer, apart_bps, crossed
from shared.config import Runtime
from shared.events import Quote, State
from tests.scanner.legs import AT, leg
from tests.scanner.tape import MS, T0

SECOND = 1_000_000_000
SETTINGS = Runtime()


def quote(recv: int, source: str = "ws", ts: int | None = None, bid: str = "1.0", ask: str = "1.1") -> Quote:
    return Quote("WIF/USDT:USDT", bid, "5", ask, "5", ts, recv, source)  # type: ignore[arg-type]


def test_a_quiet_leg_is_good_until_quiet_max() -> None:
    one = leg("1.0", "1.1")
    assert one.state(AT, T0, SETTINGS) == "ok"
    assert one.state(AT + 10 * SECOND, T0, SETTINGS) == "quiet"
    assert one.state(AT + 61 * SECOND, T0, SETTINGS) == "stale"


def test_a_periodic_leg_is_stale_after_max_age() -> None:
    one = leg("1.0", "1.1", quote_mode="periodic")
    assert one.state(AT + 1500 * MS, T0, SETTINGS) == "ok"
    assert one.state(AT + 1501 * MS, T0, SETTINGS) == "stale"


def test_a_silent_producer_is_down_by_the_ids() -> None:
    one = leg("1.0", "1.1")
    assert one.state(AT, T0 + 3000, SETTINGS) == "ok"
    assert one.state(AT, T0 + 3001, SETTINGS) == "down"


@pytest.mark.parametrize(
    ("bid", "ask", "state"),
    [("1.2", "1.1", "crossed"), ("1.1", "1.10", "crossed"), (None, "1.1", "one_sided"), ("1.0", None, "one_sided")],
)
def test_the_quote_itself_decides(bid: str | None, ask: str | None, state: str) -> None:
    assert leg(bid, ask).state(AT, T0, SETTINGS) == state


@pytest.mark.parametrize(
    ("status", "state"),
    [("halted", "halted"), ("pre", "halted"), ("quarantined", "quarantined"), ("delisting", "delisted")],
)
def test_the_instrument_decides_first(status: str, state: str) -> None:
    assert leg("1.2", "1.1", status=status).state(AT, T0, SETTINGS) == state


@pytest.mark.parametrize(
    ("state", "before_up", "repeat_confirms"), [("down", "down", False), ("stale", "stale", True), ("gap", "gap", True)]
)
def test_what_confirms_a_leg_again(state: str, before_up: str, repeat_confirms: bool) -> None:
    one = leg("1.0", "1.1")
    producer = one.producer
    assert producer is not None
    one.take_state(State(one.symbol, state, "test", AT), producer)  # type: ignore[arg-type]
    assert one.state(AT, T0, SETTINGS) == before_up
    one.take_state(State(one.symbol, "up", "test", AT), producer)
    assert one.state(AT, T0, SETTINGS) == "unconfirmed"
    one.take_quote(quote(AT, "repeat"), producer, AT, 0)
    assert one.state(AT, T0, SETTINGS) == ("ok" if repeat_confirms else "unconfirmed")
    one.take_quote(quote(AT + 1), producer, AT + 1, 0)
    assert one.state(AT + 1, T0, SETTINGS) == "ok"


def test_a_rest_quote_counts_only_while_the_channel_is_up() -> None:
    one = leg("1.0", "1.1")
    producer = one.producer
    assert producer is not None
    one.take_state(State(one.symbol, "down", "test", AT), producer)
    one.take_quote(quote(AT + 1, "rest"), producer, AT + 1, 0)
    assert one.state(AT + 1, T0, SETTINGS) == "down"
    one.take_state(State(one.symbol, "up", "test", AT), producer)
    one.take_quote(quote(AT + 2, "rest"), producer, AT + 2, 0)
    assert one.state(AT + 2, T0, SETTINGS) == "ok"


def test_what_another_producer_says_is_not_believed() -> None:
    one = leg("1.0", "1.1")
    assert not one.take_state(State(one.symbol, "down", "test", AT), Producer("other", 0, T0))
    assert one.state(AT, T0, SETTINGS) == "ok"


def test_a_leg_never_goes_back_in_time_unless_a_clock_was_set() -> None:
    one = leg("1.0", "1.1")
    producer = one.producer
    assert producer is not None
    assert not one.take_quote(quote(AT + 5, ts=AT - 1), producer, AT + 5, 0)
    assert one.take_quote(quote(AT + 6 * SECOND, ts=AT - 1), producer, AT + 6 * SECOND, 0)


def test_a_jump_of_the_mid_is_remembered_for_this_second_and_the_next() -> None:
    one = leg("1.000", "1.001")
    producer = one.producer
    assert producer is not None
    jump = AT + SECOND // 2
    one.take_quote(quote(jump, bid="1.010", ask="1.011"), producer, jump, jump // SECOND)
    assert one.moved(jump) is False, "the first quote of its second has nothing before it"
    later = jump + SECOND
    one.take_quote(quote(later, bid="1.020", ask="1.021"), producer, later, later // SECOND)
    assert one.moved(later)
    assert one.moved(later + SECOND)
    assert not one.moved(later + 2 * SECOND)


def test_producer_numbers_new_skipped_late_and_doubled() -> None:
    one = Producer("p", 4, T0)
    assert one.take(5) is True
    assert one.take(8) is None
    assert (one.lost, one.missing) == (2, {6, 7})
    assert one.take(6) is True
    assert one.take(6) is False
    assert one.take(8) is False
    assert one.lost == 1


def test_crossing_is_judged_exactly() -> None:
    assert crossed(quote(0, bid="1.10", ask="1.1"))
    assert not crossed(quote(0, bid="1.0999999999999999999999", ask="1.1"))
    assert round(apart_bps(quote(0, bid="1", ask="1"), quote(0, bid="2", ask="2"))) == 5000

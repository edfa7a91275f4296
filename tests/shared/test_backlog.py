"""What waits is bounded, and what is let go is told."""

from hypothesis import given
from hypothesis import strategies as st

from shared import streams
from shared.backlog import Backlog
from shared.codec import decode_events
from shared.events import Event, Quote, State, Trade
from tests.shared.tools import QUOTES, TRADES, quote, trade

BOOKS = streams.market_data(0, "sim", "book")


def drain(backlog: Backlog) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    while (piece := backlog.take()) is not None:
        key, count, body = piece
        found.setdefault(key, []).extend(decode_events(count, body))
    return found


def test_below_the_bound_everything_comes_out_in_order() -> None:
    backlog = Backlog(1 << 20, 16)
    events: list[Event] = [trade(number) for number in range(100)]
    for at in range(0, 100, 7):
        backlog.add(TRADES, events[at : at + 7])
    assert drain(backlog) == {TRADES: events}
    assert backlog.bytes == 0
    assert not backlog


def test_small_pieces_are_joined_up_to_a_batch() -> None:
    backlog = Backlog(1 << 20, 16)
    for number in range(40):
        backlog.add(TRADES, [trade(number)])
    counts = []
    while (piece := backlog.take()) is not None:
        counts.append(piece[1])
    assert counts == [16, 16, 8]


def test_streams_take_turns() -> None:
    backlog = Backlog(1 << 20, 2)
    for number in range(6):
        backlog.add(TRADES, [trade(number)])
        backlog.add(QUOTES, [quote(number)])
    keys = []
    while (piece := backlog.take()) is not None:
        keys.append(piece[0])
    assert keys == [TRADES, QUOTES] * 3


def test_past_the_bound_the_newest_quote_of_each_symbol_is_kept_and_the_gap_is_told_before_it() -> None:
    backlog = Backlog(20_000, 16)
    for number in range(1000):
        backlog.add(QUOTES, [quote(number, f"C{number % 5}/USDT")])
    found = drain(backlog)[QUOTES]
    states, quotes = ([event for event in found if isinstance(event, kind)] for kind in (State, Quote))
    newest = {event.symbol: event for event in quotes if isinstance(event, Quote)}
    assert newest == {f"C{number % 5}/USDT": quote(number, f"C{number % 5}/USDT") for number in range(995, 1000)}
    assert found[: len(states)] == states
    assert {(event.symbol, event.state, event.reason) for event in states if isinstance(event, State)} == {
        (f"C{number}/USDT", "gap", "backlog") for number in range(5)
    }
    assert backlog.conflated == 1000 - len(quotes)
    assert backlog.dropped == 0


def test_a_quote_that_lost_no_predecessor_is_not_announced() -> None:
    backlog = Backlog(20_000, 16)
    backlog.add(QUOTES, [quote(1, "ONCE/USDT")])
    for number in range(1000):
        backlog.add(QUOTES, [quote(number)])
    found = drain(backlog)[QUOTES]
    assert quote(1, "ONCE/USDT") in found
    assert [event.symbol for event in found if isinstance(event, State)] == ["BTC/USDT"]


def test_trades_are_kept_longer_than_quotes_and_books() -> None:
    backlog = Backlog(40_000, 16)
    for number in range(200):
        backlog.add(TRADES, [trade(number)])
        backlog.add(BOOKS, [quote(number, f"B{number}/USDT")])
        backlog.add(QUOTES, [quote(number, f"C{number}/USDT")])
    for number in range(200, 450):
        backlog.add(TRADES, [trade(number)])
    found = drain(backlog)
    assert [event for event in found[TRADES] if isinstance(event, Trade)] == [trade(number) for number in range(450)]
    left = {key: sum(isinstance(event, Quote) for event in found[key]) for key in (BOOKS, QUOTES)}
    assert left[BOOKS] < left[QUOTES]
    assert backlog.dropped > 0


def test_where_only_trades_wait_the_oldest_go_and_their_symbols_are_told() -> None:
    backlog = Backlog(10_000, 16)
    for number in range(1000):
        backlog.add(TRADES, [trade(number, "OLD/USDT" if number < 100 else "NEW/USDT")])
    found = drain(backlog)[TRADES]
    kept = [event for event in found if isinstance(event, Trade)]
    assert kept == [trade(number, "NEW/USDT") for number in range(1000 - len(kept), 1000)]
    assert backlog.dropped == 1000 - len(kept)
    gaps = {event.symbol: event.recv for event in found if isinstance(event, State)}
    assert gaps == {"OLD/USDT": trade(99).recv, "NEW/USDT": trade(999 - len(kept)).recv}
    assert all(isinstance(event, State) for event in found[:2])


def test_states_outlive_what_they_came_with() -> None:
    backlog = Backlog(5_000, 4)
    down = State("BTC/USDT", "down", "closed", 5)
    backlog.add(TRADES, [trade(1), down])
    for number in range(1000):
        backlog.add(TRADES, [trade(number)])
    assert down in drain(backlog)[TRADES]


def test_conflating_does_not_start_again_for_every_event() -> None:
    backlog = Backlog(50_000, 16)
    calls = 0
    conflate = backlog._conflate

    def counted(stream: object) -> None:
        nonlocal calls
        calls += 1
        conflate(stream)  # type: ignore[arg-type]

    backlog._conflate = counted  # type: ignore[method-assign]
    for number in range(5_000):
        backlog.add(QUOTES, [quote(number, f"C{number % 100}/USDT")])
    assert 0 < calls < 60


EVENTS = st.builds(
    lambda kind, number, symbol: (kind, number, f"C{symbol}/USDT"),
    st.sampled_from([QUOTES, TRADES]),
    st.integers(0, 10**6),
    st.integers(0, 3),
)


@given(steps=st.lists(st.lists(EVENTS, min_size=1, max_size=20), max_size=60), limit=st.integers(500, 20_000))
def test_the_bound_holds_and_every_loss_is_counted(steps: list[list[tuple[str, int, str]]], limit: int) -> None:
    backlog = Backlog(limit, 16)
    given_events = 0
    for step in steps:
        for key in (QUOTES, TRADES):
            make = quote if key == QUOTES else trade
            events: list[Event] = [make(number, symbol) for kind, number, symbol in step if kind == key]
            if events:
                backlog.add(key, events)
                given_events += len(events)
                assert backlog.bytes <= limit
    found = [event for events in drain(backlog).values() for event in events if not isinstance(event, State)]
    assert len(found) + backlog.dropped + backlog.conflated == given_events
    assert backlog.bytes == 0

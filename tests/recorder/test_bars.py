"""The fold of bars: what a minute holds, when it is written, and that a dump goes on where it stopped."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.bars import GRACE_MS, Bar, BarFold
from shared.events import Event, Funding, Mark, Quote

MINUTE_MS = 60_000
KEEP_MS = 120_000
BASE = 29_000_000  # a minute


def quote(at_ms: int, bid: str | None = "10.0", ask: str | None = "10.2", symbol: str = "A/USDT") -> Quote:
    recv = (BASE * MINUTE_MS + at_ms) * 1_000_000
    return Quote(symbol, bid, None if bid is None else "1", ask, None if ask is None else "1", None, recv)


def apply(fold: BarFold, *events: Event) -> None:
    for event in events:
        fold.apply(event, event.recv // 1_000_000)


def written(fold: BarFold, at_ms: int) -> dict[tuple[str, int], Bar]:
    return {(symbol, bar.slot - BASE): bar for symbol, bar in fold.closed(BASE * MINUTE_MS + at_ms)}


def test_a_bar_holds_first_highest_lowest_and_last_mid_of_its_minute() -> None:
    fold = BarFold()
    apply(fold, quote(1, "10", "12"), quote(2, "20", "22"), quote(3, "1", "3"), quote(4, "5", "7"))
    bar = written(fold, MINUTE_MS + GRACE_MS)[("A/USDT", 0)]
    assert [value / 2 for value in (bar.open, bar.high, bar.low, bar.close) if value is not None] == [
        Decimal(11),
        Decimal(21),
        Decimal(2),
        Decimal(6),
    ]
    assert (bar.bid, bar.ask, bar.quotes, bar.two_sided) == ("5", "7", 4, 4)


def test_a_bar_is_not_written_before_its_grace_is_over() -> None:
    fold = BarFold()
    apply(fold, quote(1))
    assert written(fold, MINUTE_MS + GRACE_MS - 1) == {}
    assert list(written(fold, MINUTE_MS + GRACE_MS)) == [("A/USDT", 0)]


def test_a_late_quote_makes_its_bar_written_again() -> None:
    fold = BarFold()
    apply(fold, quote(1))
    rows = list(fold.closed(BASE * MINUTE_MS + MINUTE_MS + GRACE_MS))
    fold.mark(rows, dirty=False)
    assert written(fold, 2 * MINUTE_MS) == {}
    apply(fold, quote(5, "30", "32"))
    assert written(fold, 2 * MINUTE_MS)[("A/USDT", 0)].high == Decimal(62)


def test_a_quote_for_a_bar_that_left_memory_is_counted_not_folded() -> None:
    fold = BarFold()
    apply(fold, quote(1))
    clock = BASE * MINUTE_MS + MINUTE_MS + KEEP_MS
    fold.mark(list(fold.closed(clock)), dirty=False)
    fold.forget(clock)
    assert len(fold) == 0
    apply(fold, quote(2))
    assert (len(fold), fold.late) == (0, 1)


def test_a_bar_that_is_not_written_yet_is_never_forgotten() -> None:
    fold = BarFold()
    apply(fold, quote(1))
    fold.forget(BASE * MINUTE_MS + 100 * MINUTE_MS)
    assert len(fold) == 1


def test_a_one_sided_quote_counts_but_makes_no_mid() -> None:
    fold = BarFold()
    apply(fold, quote(1, bid=None))
    bar = written(fold, 2 * MINUTE_MS)[("A/USDT", 0)]
    assert (bar.quotes, bar.two_sided, bar.open, bar.bid) == (1, 0, None, None)


def test_a_repeated_quote_fills_the_minute_in_which_it_was_repeated() -> None:
    fold = BarFold()
    old = quote(1)
    apply(fold, old)
    repeat = Quote(old.symbol, old.bid, old.bid_size, old.ask, old.ask_size, None, old.recv, "repeat")
    fold.apply(repeat, BASE * MINUTE_MS + MINUTE_MS + 5)
    bar = written(fold, 3 * MINUTE_MS)[("A/USDT", 1)]
    assert (bar.quotes, bar.close) == (0, Decimal("20.2"))


def test_mark_and_funding_join_the_bar_of_their_minute() -> None:
    fold = BarFold()
    recv = BASE * MINUTE_MS * 1_000_000
    apply(fold, Mark("A/USDT", "1", "2", None, recv), Funding("A/USDT", "0.0001", "8", 5, None, None, recv))
    bar = written(fold, 2 * MINUTE_MS)[("A/USDT", 0)]
    assert (bar.mark, bar.index, bar.rate, bar.interval_h, bar.next_ts) == ("1", "2", "0.0001", "8", 5)


def test_a_rate_that_still_stands_is_a_sample_of_each_minute_in_which_that_was_said() -> None:
    fold = BarFold()
    first = Funding("A/USDT", "0.0001", "8", 5, None, None, BASE * MINUTE_MS * 1_000_000)
    apply(fold, first)
    for minute in (1, 2, 30):
        fold.apply(msgspec.structs.replace(first, source="repeat"), (BASE + minute) * MINUTE_MS + 7)
    bars = written(fold, 40 * MINUTE_MS)
    assert {place: bar.rate for (_, place), bar in bars.items()} == dict.fromkeys((0, 1, 2, 30), "0.0001")
    assert fold.late == 0


def test_a_rate_that_was_read_before_an_older_one_was_repeated_is_the_one_that_counts() -> None:
    fold = BarFold()
    minute = BASE * MINUTE_MS
    old = Funding("A/USDT", "0.0001", "8", 5, None, None, (minute - MINUTE_MS) * 1_000_000)
    new = Funding("A/USDT", "0.0009", "8", 5, None, None, (minute + 6) * 1_000_000)
    fold.apply(msgspec.structs.replace(old, source="repeat"), minute + 7)
    fold.apply(new, minute + 8)
    fold.apply(msgspec.structs.replace(old, source="repeat"), minute + 9)
    assert written(fold, 2 * MINUTE_MS)[("A/USDT", 0)].rate == "0.0009"


@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 500), st.sampled_from(["A/USDT", "B/USDT"]))),
    st.integers(0, 50),
)
def test_a_fold_that_is_dumped_and_loaded_goes_on_as_if_nothing_had_happened(
    ticks: list[tuple[int, int, str]], cut: int
) -> None:
    events = [quote(at, str(price), str(price + 1), symbol) for at, price, symbol in ticks]
    whole, first = BarFold(), BarFold()
    apply(whole, *events)
    apply(first, *events[:cut])
    second = BarFold(state=first.dump())
    apply(second, *events[cut:])
    assert second.dump() == whole.dump()

"""Whether a change goes on from a book, and whether a checksum is the book's."""

import pytest

from services.collector.continuity import best_levels_agree, names_the_one_before, nothing_follows
from services.collector.messages import BookDelta, BookSnapshot


def book(seq: int | None, prev: int | None = None) -> BookDelta:
    return BookDelta("BTC/USDT", (), (), None, seq, prev, None, 1)


def snapshot(seq: int | None) -> BookSnapshot:
    return BookSnapshot("BTC/USDT", (), (), seq, None, 1)


@pytest.mark.parametrize(
    ("previous", "delta", "verdict"),
    [
        (snapshot(100), book(103, 100), "apply"),
        (book(103, 100), book(103, 103), "apply"),  # kept alive while idle
        (book(103, 100), book(7, 103), "apply"),  # numbers may begin anew
        (book(7, 103), book(9, 7), "apply"),
        (book(9, 7), book(9, 7), "skip"),  # doubled
        (book(9, 7), book(12, 11), "gap"),  # lost
        (book(9, 7), book(8, 6), "gap"),  # late, or after a reset that was lost: it cannot be told
        (book(9, 7), book(12, 0), "gap"),  # what a snapshot says, in a change
        (snapshot(None), book(None), "apply"),  # old frames, which have checksums
        (snapshot(100), book(None), "gap"),
        (snapshot(None), book(5, 4), "gap"),
    ],
)
def test_a_book_goes_on_by_the_number_before(
    previous: BookSnapshot | BookDelta, delta: BookDelta, verdict: str
) -> None:
    assert names_the_one_before(previous, delta) == verdict


@pytest.mark.parametrize("previous", [snapshot(100), snapshot(None), book(100)])
def test_where_there_are_no_changes_none_goes_on(previous: BookSnapshot | BookDelta) -> None:
    assert nothing_follows(previous, book(101, 100)) == "gap"


def test_a_checksum_is_over_the_best_25_levels_in_turn() -> None:
    bids, asks = [("100.0", "1"), ("99.5", "2")], [("100.5", "3.10")]
    assert best_levels_agree(bids, asks, -1499585470)
    assert not best_levels_agree(bids, asks, 0)
    deep = [(str(price), "1") for price in range(100, 60, -1)]
    assert best_levels_agree(deep, asks, -1433715952)
    assert best_levels_agree(deep[:25], asks, -1433715952)
    assert not best_levels_agree(deep[:24], asks, -1433715952)

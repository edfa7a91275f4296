"""Recorded sessions and samples: every frame counted, every book in step."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.collector.book_sync import BookRules, BookSync
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.recorded import Recorded
from services.collector.venues.lighter import VENUE
from shared.events import Book, State
from tests.venues.recordings import counts, frames, messages, recorded

FOLDER = "lighter"


def decoder() -> Recorded:
    return recorded("lighter", quotes={"perp": "ticker", "spot": "ticker"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # bare_row: rows outside of their bodies; unused_endpoint: candles, assets, state, a body without content;
        # no_request: orders of a market that only the request names; relist: the second list has fewer markets
        (
            "ccxt_ccxt__rest_docstrings.jsonl",
            {"bare_row": 5, "unused_endpoint": 4, "no_request": 1, "Stats": 3, "Relist": 1, "Funding": 1, "Trade": 1},
        ),
        # old_api: a change of a book of 2025; unused_answer: the answer to a transaction
        (
            "ccxt_ccxt__ws_docstrings.jsonl",
            {"old_api": 1, "unused_answer": 1, "Mark": 2, "Funding": 2, "Stats": 2, "Settlement": 2}
            | {"Ack": 5, "Replayed": 1, "Refused": 1},
        ),
        ("choosemycoins_hftbacktest__crv_session_20260729.jsonl", {"Ack": 2, "BookSnapshot": 1, "BookDelta": 6}),
        # unused_channel: the height of the chain
        (
            "choosemycoins_hftbacktest__eth_session_20260728.jsonl",
            {"Ack": 4, "BookSnapshot": 1, "BookDelta": 4, "Quote": 1, "Trade": 1, "Mark": 2, "Funding": 2, "Stats": 2}
            | {"Settlement": 2, "unused_channel": 1, "Pong": 1, "Refused": 3},
        ),
        ("choosemycoins_hftbacktest__orderBooks_5rows_20260731.json", {"Relist": 1}),
        ("choosemycoins_hftbacktest__trades_20260729.jsonl", {"Ack": 1, "Trade": 1, "Replayed": 4}),
        ("tardis-dev_tardis-node__mappers_order_book.jsonl", {"Ack": 1, "BookSnapshot": 1, "BookDelta": 1}),
        # empty: a push without trades
        (
            "tardis-dev_tardis-node__mappers_trade.jsonl",
            {"Ack": 1, "Replayed": 4, "Trade": 2, "Liquidation": 1, "empty": 1},
        ),
    ],
)
def test_every_frame_of_a_recording_is_accounted_for(captures: Path, name: str, expected: dict[str, int]) -> None:
    of = decoder()
    assert counts(messages(of, frames(captures / FOLDER / name, of))) == expected


def test_no_recording_is_forgotten(captures: Path) -> None:
    (marked,) = (mark for mark in test_every_frame_of_a_recording_is_accounted_for.pytestmark)  # type: ignore[attr-defined]
    assert {path.name for path in (captures / FOLDER).iterdir()} == {name for name, _ in marked.args[1]}


def pictures(path: Path) -> tuple[list[Book], list[State]]:
    """The books of a recording with one market, and what was said of them."""
    sync = BookSync("", BookRules(VENUE.follows, VENUE.resync, min_interval_ns=0))
    of = decoder()
    made = messages(of, frames(path, of))
    said = [output for one in made if isinstance(one, BookSnapshot | BookDelta) for output in sync.take(one)]
    return [one for one in said if isinstance(one, Book)], [one for one in said if isinstance(one, State)]


def test_a_recorded_book_stays_in_step_and_is_never_crossed(captures: Path) -> None:
    books, states = pictures(captures / FOLDER / "choosemycoins_hftbacktest__crv_session_20260729.jsonl")
    assert len(books) == 7
    assert not states
    for book in books:
        assert Decimal(book.bids[0][0]) < Decimal(book.asks[0][0])
    assert (books[0].bids[0], books[0].asks[0]) == (("0.20351", "7673.9"), ("0.20382", "7816.7"))
    assert books[-1].bids[0] == ("0.20350", "2495.4")


def test_a_hole_in_a_recorded_book_is_seen(captures: Path) -> None:
    books, states = pictures(captures / FOLDER / "choosemycoins_hftbacktest__eth_session_20260728.jsonl")
    assert [book.seq for book in books] == [17926042877, 17926042944, 17926043003, 17926043048]
    assert [state.state for state in states] == ["gap"]

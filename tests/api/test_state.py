from services.api.state import Board, LiveState, Process, SignalBook
from shared.signals import BoardRow, Signal
from tests.api.market import gone, row, signal


def test_a_lower_fence_or_version_never_replaces_a_higher_one() -> None:
    board, heard = Board(), list[list[BoardRow]]()
    board.listeners.append(heard.append)
    board.put([row(ver=5)])
    board.put([row(ver=4), row(ver=5)])
    board.put([row(ver=1, fence=2)])
    assert (board.rows["BTC"].fence, board.rows["BTC"].ver) == (2, 1)
    assert [len(rows) for rows in heard] == [1, 1]
    assert board.dropped == 1


def test_a_row_without_legs_takes_the_coin_off_the_board_until_a_newer_one() -> None:
    board, heard = Board(), list[list[BoardRow]]()
    board.put([row(ver=5), row("WIF", 6)])
    board.listeners.append(heard.append)
    board.put([gone(ver=7)])
    assert list(board.rows) == ["WIF"]
    board.put([row(ver=5), gone(ver=7), gone("NEW", 8)])
    assert list(board.rows) == ["WIF"]
    assert [[one.asset for one in rows] for rows in heard] == [["BTC"]]
    board.put([row(ver=9)])
    assert set(board.rows) == {"WIF", "BTC"}


def test_what_is_not_in_the_store_any_more_goes() -> None:
    board, heard = Board(), list[list[BoardRow]]()
    board.put([row(ver=5), row("WIF", 6)])
    board.listeners.append(heard.append)
    board.keep({"BTC", "ETH"})
    board.put([row("WIF", 6)])
    assert list(board.rows) == ["BTC"]
    assert [[one.asset for one in rows] for rows in heard] == [["WIF"]]


def test_a_signal_keeps_its_highest_revision_and_closed_ones_are_bounded() -> None:
    book, heard = SignalBook(keep=2), list[list[Signal]]()
    book.listeners.append(heard.append)
    book.put([signal(rev=2), signal(rev=1)])
    assert book.open["s1"].rev == 2
    for number in range(4):
        book.put([signal(f"c{number}", 3, "close", opened_at=number)])
    assert list(book.closed) == ["c2", "c3"]
    assert [one.id for one in book.newest()] == ["s1", "c3", "c2"]
    book.put([signal(rev=3, event="close")])
    assert not book.open
    assert sum(map(len, heard)) == 6


def test_rows_that_nobody_keeps_up_are_stale() -> None:
    state = LiveState()
    assert (state.feed, state.feed_reason()) == ("warming", "no prices have come yet")
    state.board.put([row()])
    assert (state.feed, state.feed_reason()) == ("stale", "Redis cannot be reached")
    state.redis_up = True
    assert (state.feed, state.feed_reason()) == ("stale", "no scanner is running")
    state.processes = {"_scanner:a": Process("_scanner", "a", {"state": "live"})}
    assert (state.feed, state.feed_reason()) == ("live", "")


def test_a_replay_counts_ages_in_its_recordings_own_time() -> None:
    state = LiveState(mode="replay")
    assert state.now_ns(5_000_000) == 5_000_000
    state.board.put([row(at=1_000)])
    assert state.now_ns(5_000_000) == 1_000
    assert LiveState().now_ns(5) == 5


def test_what_is_not_measured_is_no_figure() -> None:
    process = Process("x", "m", {"lag_ms_p50": "-1", "frames_total": "12", "a": "nan", "b": "text"})
    assert [process.number(name) for name in ("lag_ms_p50", "frames_total", "a", "b", "c")] == [
        None,
        12,
        None,
        None,
        None,
    ]

"""Books of a recording: told apart by channel, lost with their connection, summed up twice a second."""

from services.collector.books import Books
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venues import VENUES
from shared.events import Book, Depth, State

SECOND = 1_000_000_000
BIDS, ASKS = (("99", "1"), ("98", "2")), (("101", "1"), ("102", "2"))


def snapshot(seq: int, recv: int = 0, source: str = "ws") -> BookSnapshot:
    return BookSnapshot("BTC/USDT", BIDS, ASKS, seq, None, recv, source)


def delta(prev: int, seq: int, recv: int = 0) -> BookDelta:
    return BookDelta("BTC/USDT", (("99", "5"),), (), prev + 1, seq, prev, None, recv)


def test_each_change_is_a_picture_where_no_interval_is_set() -> None:
    books = Books(VENUES["okx"], min_interval_ns=0)
    made = [*books.take(snapshot(1), "books", "a"), *books.take(delta(1, 2), "books", "a")]
    assert [book.bids[0] for book in made if isinstance(book, Book)] == [("99", "1"), ("99", "5")]


def test_two_channels_are_two_books() -> None:
    books = Books(VENUES["okx"], min_interval_ns=0)
    made = [
        *books.take(snapshot(1), "books", "a"),
        *books.take(snapshot(7), "books5", "a"),
        *books.take(delta(1, 2), "books", "a"),
    ]
    assert [type(one) for one in made] == [Book, Book, Book]


def test_a_book_is_lost_with_its_connection() -> None:
    books = Books(VENUES["okx"], min_interval_ns=0)
    list(books.take(snapshot(1), "books", "a"))
    assert list(books.take(delta(1, 2, recv=5), "books", "b")) == [State("BTC/USDT", "gap", "book: reconnect", 5)]
    assert [type(one) for one in books.take(snapshot(9), "books", "b")] == [Book]


def test_where_snapshots_come_by_rest_they_belong_to_the_deltas_whatever_the_connection() -> None:
    books = Books(VENUES["binance"], min_interval_ns=0)
    assert list(books.take(delta(9, 11), "depth@100ms", "a")) == []
    (book,) = books.take(snapshot(10, source="rest"), "/fapi/v1/depth", None)
    assert isinstance(book, Book)
    assert (book.bids[0], book.seq) == (("99", "5"), 11)


def test_resting_size_is_summed_twice_a_second_where_times_are_known() -> None:
    books = Books(VENUES["okx"], min_interval_ns=0)
    recvs = [10 * SECOND, 10 * SECOND + SECOND // 4, 10 * SECOND + SECOND // 2]
    made = [books.take(replace_recv(snapshot(n), recv), "books", "a") for n, recv in enumerate(recvs)]
    assert [sum(isinstance(one, Depth) for one in each) for each in made] == [1, 0, 1]
    assert not [one for one in Books(VENUES["okx"], 0).take(snapshot(1), "books", "a") if isinstance(one, Depth)]


def replace_recv(one: BookSnapshot, recv: int) -> BookSnapshot:
    return BookSnapshot(one.symbol, one.bids, one.asks, one.seq, one.ts, recv, one.source)

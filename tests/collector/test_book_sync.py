"""A live book is the venue's book, whatever the network did to its messages."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.book_sync import BookRules, BookSync, Output, Resync
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Follow
from shared.events import Book, Level, State

SYMBOL = "BTC/USDT"


def contiguous(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """Numbers without a hole: a delta must begin no later than the number after the book's."""
    assert previous.seq is not None
    assert delta.seq is not None
    assert delta.first_seq is not None
    if delta.seq <= previous.seq:
        return "skip"
    return "apply" if delta.first_seq <= previous.seq + 1 else "gap"


def chained(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """Numbers with holes: a delta names its predecessor."""
    assert previous.seq is not None
    assert delta.seq is not None
    assert delta.prev_seq is not None
    if delta.seq <= previous.seq:
        return "skip"
    if isinstance(previous, BookSnapshot):
        return "apply" if delta.prev_seq <= previous.seq else "gap"
    return "apply" if delta.prev_seq == previous.seq else "gap"


@dataclass
class Exchange:
    """A book that changes, its deltas in order, and its picture after each."""

    step: int
    bids: dict[int, str] = field(default_factory=lambda: {100 - n: f"{n + 1}.0" for n in range(40)})
    asks: dict[int, str] = field(default_factory=lambda: {101 + n: f"{n + 1}.00" for n in range(40)})
    seq: int = 10
    deltas: list[BookDelta] = field(default_factory=list)
    #: sequence number -> whole sides then, best first
    pictures: dict[int, tuple[list[Level], list[Level]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pictures[self.seq] = self.sides()

    def sides(self) -> tuple[list[Level], list[Level]]:
        bids = [(str(price), self.bids[price]) for price in sorted(self.bids, reverse=True)]
        return bids, [(str(price), self.asks[price]) for price in sorted(self.asks)]

    def change(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        before = self.seq
        self.seq += self.step
        for side, changes in ((self.bids, bids), (self.asks, asks)):
            for price, size in changes:
                if size:
                    side[price] = str(size)
                else:
                    side.pop(price, None)
        made = [tuple((f"{price}.0", f"{size}.000") for price, size in changes) for changes in (bids, asks)]
        self.deltas.append(BookDelta(SYMBOL, made[0], made[1], before + 1, self.seq, before, None, self.seq))
        self.pictures[self.seq] = self.sides()

    def snapshot(self, limit: int | None) -> BookSnapshot:
        bids, asks = self.sides()
        return BookSnapshot(
            SYMBOL, tuple(bids[:limit]), tuple(asks[:limit]), self.seq, None, self.seq, "rest", limit=limit
        )


def value(levels: Any) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in levels]


def is_true(book: Book, exchange: Exchange, top: int) -> bool:
    """Whether a picture is the beginning of both of the venue's sides at its number, and no side is hidden."""
    assert book.seq is not None
    for mine, theirs in zip((book.bids, book.asks), exchange.pictures[book.seq], strict=True):
        if value(mine) != value(theirs)[: len(mine)] or len(mine) > top or (theirs and not mine):
            return False
    return True


changes = st.tuples(st.integers(60, 140), st.integers(0, 5))
sides = st.lists(changes, max_size=6)
fates = st.sampled_from(["deliver", "deliver", "deliver", "deliver", "lose", "double", "delay", "late"])


def split(pairs: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    unique = dict(pairs)
    return [(p, s) for p, s in unique.items() if p <= 100], [(p, s) for p, s in unique.items() if p > 100]


class Client:
    """A sync and what it has said; a snapshot that it asks for is taken at once and arrives `slow` messages later."""

    def __init__(self, exchange: Exchange, rules: BookRules, limit: int | None, slow: int) -> None:
        self.exchange, self.limit, self.slow = exchange, limit, slow
        self.sync = BookSync(SYMBOL, rules)
        self.said: list[Output] = []
        self.coming: list[tuple[int, BookSnapshot]] = []
        self.turn = 0

    def take(self, message: BookSnapshot | BookDelta) -> None:
        self.hear(self.sync.take(message))

    def hear(self, outputs: list[Output]) -> None:
        self.said += outputs
        for output in outputs:
            if isinstance(output, Resync):
                self.coming.append((self.turn + self.slow, self.exchange.snapshot(self.limit)))

    def tick(self) -> None:
        self.turn += 1
        due = [snapshot for turn, snapshot in self.coming if turn <= self.turn]
        self.coming = [(turn, snapshot) for turn, snapshot in self.coming if turn > self.turn]
        for snapshot in due:
            self.take(snapshot)


@pytest.mark.parametrize(("follows", "step"), [(contiguous, 1), (contiguous, 3), (chained, 7)])
@given(
    moves=st.lists(st.tuples(sides, fates), max_size=60),
    limit=st.sampled_from([None, 5, 10, 30]),
    slow=st.integers(0, 5),
    buffered=st.sampled_from([1, 3, 2_000]),
)
@settings(max_examples=120, deadline=None)
def test_a_live_book_is_the_venues_book_whatever_is_lost_doubled_late_or_out_of_order(
    follows: Any, step: int, moves: list[Any], limit: int | None, slow: int, buffered: int
) -> None:
    exchange = Exchange(step)
    rules = BookRules(follows, "rest", top=8, min_interval_ns=0, max_buffered=buffered)
    client = Client(exchange, rules, limit, slow)
    client.hear(client.sync.start())
    held: list[BookDelta] = []
    for pairs, fate in moves:
        exchange.change(*split(pairs))
        delta = exchange.deltas[-1]
        if fate == "lose":
            continue
        if fate == "delay":
            held.append(delta)
            continue
        arriving = [delta, delta] if fate == "double" else [delta]
        if fate == "late":
            arriving, held = [*arriving, *held], []
        for one in arriving:
            client.take(one)
        client.tick()
    for output in client.said:
        if isinstance(output, Book):
            assert is_true(output, exchange, rules.top)
    if client.sync.status == "live":
        picture = client.sync.picture()
        assert picture is not None
        assert picture.seq == client.sync.seq
        assert is_true(picture, exchange, rules.top)


@given(pairs=st.lists(sides, min_size=1, max_size=40), limit=st.sampled_from([None, 10, 30]), slow=st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_a_stream_that_loses_nothing_is_in_step_in_the_end(pairs: list[Any], limit: int | None, slow: int) -> None:
    exchange = Exchange(step=1)
    client = Client(exchange, BookRules(contiguous, "rest", top=8, min_interval_ns=0), limit, slow)
    for changed in pairs:
        exchange.change(*split(changed))
        client.take(exchange.deltas[-1])
        client.tick()
    while client.coming:
        client.tick()
    assert client.sync.status == "live"
    assert client.sync.seq == exchange.seq


def snapshot(seq: int, bids: list[Level], asks: list[Level], **more: Any) -> BookSnapshot:
    return BookSnapshot(SYMBOL, tuple(bids), tuple(asks), seq, None, more.pop("recv", seq), **more)


def delta(seq: int, bids: list[Level] = [], asks: list[Level] = [], **more: Any) -> BookDelta:  # noqa: B006
    first = more.pop("first", seq)
    return BookDelta(SYMBOL, tuple(bids), tuple(asks), first, seq, None, None, more.pop("recv", seq), **more)


def rest_rules(**more: Any) -> BookRules:
    return BookRules(contiguous, "rest", **{"min_interval_ns": 0, **more})


def stream_rules(**more: Any) -> BookRules:
    return BookRules(contiguous, "resubscribe", **{"min_interval_ns": 0, **more})


def test_deltas_before_the_snapshot_are_kept_and_applied_to_it() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    assert sync.take(delta(11, [("9", "1")])) == [Resync(SYMBOL, "no book yet")]
    assert sync.take(delta(12, [("8", "2")])) == []
    made = sync.take(snapshot(11, [("9", "5")], [("10", "1")], source="rest"))
    assert made == [Book(SYMBOL, (("9", "5"), ("8", "2")), (("10", "1"),), 12, None, 12, "ws")]


def test_a_snapshot_older_than_the_first_delta_is_asked_for_again() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    sync.take(delta(20))
    assert sync.take(snapshot(10, [], [], source="rest")) == [Resync(SYMBOL, "snapshot older than the first change")]
    assert sync.counters.old_snapshots == 1


def test_a_gap_says_stale_asks_once_and_says_up_again() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    sync.take(snapshot(10, [("9", "1")], [("10", "1")], source="rest"))
    assert sync.take(delta(15, [("9", "7")])) == [State(SYMBOL, "gap", "book: gap", 15), Resync(SYMBOL, "gap")]
    assert sync.picture() is None
    assert sync.take(delta(16, [("9", "8")])) == []
    made = sync.take(snapshot(14, [("9", "1")], [("10", "1")], source="rest"))
    assert made == [
        State(SYMBOL, "up", "book in step", 14),
        Book(SYMBOL, (("9", "8"),), (("10", "1"),), 16, None, 16, "ws"),
    ]


def test_levels_are_one_by_value_and_keep_the_digits_they_came_in_last() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    sync.take(snapshot(10, [("1.10", "5.00")], [("2", "1")], source="rest"))
    [book] = sync.take(delta(11, [("1.1", "6.0")]))
    assert isinstance(book, Book)
    assert book.bids == (("1.1", "6.0"),)
    [book] = sync.take(delta(12, [("1.100", "0.000")]))
    assert isinstance(book, Book)
    assert book.bids == ()


def test_a_snapshot_nobody_asked_for_is_ignored_by_rest_and_taken_from_the_stream() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    sync.take(snapshot(10, [("9", "1")], [], source="rest"))
    assert sync.take(snapshot(5, [("8", "1")], [], source="rest")) == []
    stream = BookSync(SYMBOL, stream_rules())
    stream.take(snapshot(10, [("9", "1")], []))
    assert stream.take(snapshot(1, [("8", "1")], [])) == [Book(SYMBOL, (("8", "1"),), (), 1, None, 1)]


def test_pictures_come_no_faster_than_the_interval_and_the_last_one_is_flushed() -> None:
    sync = BookSync(SYMBOL, rest_rules(min_interval_ns=100))
    assert len(sync.take(snapshot(10, [("9", "1")], [], source="rest", recv=1_000))) == 1
    assert sync.take(delta(11, [("9", "2")], recv=1_050)) == []
    assert sync.flush(1_099) is None
    book = sync.flush(1_100)
    assert book is not None
    assert (book.bids, book.recv) == ((("9", "2"),), 1_050)
    assert sync.flush(2_000) is None


def test_a_full_buffer_lets_the_oldest_go_and_counts_it() -> None:
    sync = BookSync(SYMBOL, rest_rules(max_buffered=2))
    for seq in (11, 12, 13):
        sync.take(delta(seq))
    assert sync.counters.buffer_dropped == 1
    assert sync.take(snapshot(10, [], [], source="rest")) == [Resync(SYMBOL, "snapshot older than the first change")]
    assert sync.take(snapshot(11, [("9", "1")], [], source="rest")) == [
        Book(SYMBOL, (("9", "1"),), (), 13, None, 13, "ws")
    ]


def test_a_request_that_failed_is_made_again() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    assert sync.take(delta(11)) == [Resync(SYMBOL, "no book yet")]
    assert sync.take(delta(12)) == []
    sync.asked_in_vain()
    assert sync.take(delta(13)) == [Resync(SYMBOL, "no book yet")]


def test_a_cut_snapshot_is_renewed_before_the_market_leaves_it_and_dropped_once_it_has() -> None:
    sync = BookSync(SYMBOL, rest_rules(top=4))
    asks: list[Level] = [("20", "1"), ("21", "1"), ("22", "1"), ("23", "1")]
    bids: list[Level] = [("19", "1"), ("18", "1"), ("17", "1"), ("16", "1")]
    sync.take(snapshot(10, bids, asks, source="rest", limit=4))
    [book, resync] = sync.take(delta(11, [("19", "0"), ("18", "0"), ("17", "0"), ("15", "9")]))
    assert isinstance(book, Book)
    assert book.bids == (("16", "1"),)  # 15 is not shown: what lies between may be missing
    assert resync == Resync(SYMBOL, "few known levels left")
    made = sync.take(delta(12, [("16", "0")]))
    assert made == [State(SYMBOL, "gap", "book: the market left the known levels", 12)]
    made = sync.take(snapshot(11, [("16", "1"), ("15", "9"), ("14", "3"), ("13", "1")], asks, source="rest", limit=4))
    assert [type(one) for one in made] == [State, Book]
    assert made[1] == Book(SYMBOL, (("15", "9"), ("14", "3"), ("13", "1")), tuple(asks), 12, None, 12, "ws")


def test_a_checksum_that_fails_drops_the_book_and_zero_means_none() -> None:
    seen: list[tuple[Any, Any, int]] = []

    def verify(bids: Any, asks: Any, checksum: int) -> bool:
        seen.append((bids, asks, checksum))
        return checksum == 7

    sync = BookSync(SYMBOL, stream_rules(verify=verify))
    sync.take(snapshot(10, [("0.9", "1")], [], raw=((("900", "1"),), ()), checksum=7))
    assert seen == [([("900", "1")], [], 7)]
    assert sync.take(delta(11, checksum=0))
    assert sync.take(delta(12, checksum=8)) == [
        State(SYMBOL, "gap", "book: checksum", 12),
        Resync(SYMBOL, "checksum"),
    ]
    assert sync.counters.checksum_failures == 1


def test_a_stream_that_brings_its_own_snapshots_is_not_asked_for_the_first_one() -> None:
    sync = BookSync(SYMBOL, stream_rules())
    assert sync.take(delta(11)) == []
    assert len(sync.take(snapshot(12, [("9", "1")], []))) == 1
    assert sync.lost("reconnect", 99) == [State(SYMBOL, "gap", "book: reconnect", 99), Resync(SYMBOL, "reconnect")]


def test_depth_sums_what_rests_around_the_mid_and_is_null_past_the_known_levels() -> None:
    sync = BookSync(SYMBOL, rest_rules())
    assert sync.depth() is None
    asks: list[Level] = [("100.2", "1.50"), ("101", "2"), ("109", "3")]
    sync.take(snapshot(10, [("99.8", "0.5"), ("99.0", "1"), ("95", "4")], asks, source="rest", limit=3, recv=5))
    depth = sync.depth()
    assert depth is not None
    assert depth.bands == (("0.5", "0.5", "1.5"), ("2", "1.5", "3.5"), ("10", None, None))
    assert (depth.total_bid_size, depth.total_ask_size, depth.recv) == (None, None, 5)
    sync = BookSync(SYMBOL, rest_rules())
    sync.take(snapshot(10, [("99.8", "0.5"), ("99.0", "1"), ("80", "4")], asks, source="rest"))
    depth = sync.depth()
    assert depth is not None
    assert depth.bands[2] == ("10", "1.5", "6.5")
    assert (depth.total_bid_size, depth.total_ask_size) == ("5.5", "6.5")


def test_a_stream_kept_at_its_length_is_known_as_far_as_its_last_level() -> None:
    sync = BookSync(SYMBOL, stream_rules())
    sync.take(snapshot(10, [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")], limit=2))
    made = sync.take(delta(11, [("100", "0"), ("98", "4")], [("101", "0"), ("103", "5")]))
    assert made == [Book(SYMBOL, (("99", "1"), ("98", "4")), (("102", "1"), ("103", "5")), 11, None, 11)]
    depth = sync.depth()
    assert depth is not None
    # the mid is 100.5: 2 % below it lies above the last bid, 2 % above it inside the asks
    assert depth.bands == (("0.5", "0", "0"), ("2", "1", "1"), ("10", None, None))

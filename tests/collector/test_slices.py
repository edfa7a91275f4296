"""Frames of many rows are worked off in parts, in order, and none is lost."""

from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st

from services.collector.messages import ROWS_AT_ONCE, Message, Pong, Unknown
from services.collector.slices import WAITING, Slices


class Loop:
    """Callbacks of the next turn."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def soon(self, callback: Callable[[], None]) -> None:
        self.due.append(callback)

    def turn(self) -> None:
        due, self.due = self.due, []
        for callback in due:
            callback()


class Seen:
    def __init__(self) -> None:
        self.parts: list[tuple[bytes, list[Message]]] = []

    def take(self, frame: bytes, messages: Iterable[Message]) -> None:
        self.parts.append((frame, list(messages)))

    def all(self) -> list[tuple[bytes, Message]]:
        return [(frame, message) for frame, messages in self.parts for message in messages]


def rows(number: int) -> list[Message]:
    return [Unknown(str(at)) for at in range(number)]


@given(sizes=st.lists(st.integers(0, 3 * ROWS_AT_ONCE), max_size=2 * WAITING), turns=st.integers(0, 3))
def test_whatever_comes_is_handed_on_once_and_in_order(sizes: list[int], turns: int) -> None:
    loop, seen = Loop(), Seen()
    slices = Slices(seen.take, loop.soon)
    for at, size in enumerate(sizes):
        slices.add(b"%d" % at, iter(rows(size)))
        assert len(loop.due) <= 1
        for _ in range(turns):
            loop.turn()
    while loop.due:
        loop.turn()
    assert seen.all() == [(b"%d" % at, message) for at, size in enumerate(sizes) for message in rows(size)]


def test_a_turn_of_the_loop_works_off_no_more_than_one_part() -> None:
    loop, seen = Loop(), Seen()
    slices = Slices(seen.take, loop.soon)
    slices.add(b"a", iter(rows(2 * ROWS_AT_ONCE + 1)))
    assert seen.parts == []
    for done in (1, 2):
        loop.turn()
        assert len(seen.all()) == done * ROWS_AT_ONCE
    loop.turn()
    assert len(seen.all()) == 2 * ROWS_AT_ONCE + 1
    assert loop.due == []


def test_frames_do_not_pile_up() -> None:
    loop, seen = Loop(), Seen()
    slices = Slices(seen.take, loop.soon)
    for _ in range(WAITING + 1):
        slices.add(b"a", iter([Pong()]))
    assert len(seen.all()) == WAITING + 1


def test_the_end_of_a_connection_works_off_what_is_left() -> None:
    loop, seen = Loop(), Seen()
    slices = Slices(seen.take, loop.soon)
    slices.add(b"a", iter(rows(ROWS_AT_ONCE + 5)))
    loop.turn()
    slices.finish()
    assert len(seen.all()) == ROWS_AT_ONCE + 5
    loop.turn()
    assert loop.due == []

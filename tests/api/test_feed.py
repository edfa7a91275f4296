import asyncio
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from services.api.feed import SLICE, Feed, Subscription, Turns, array, encode


class Shelf:
    """A source of our own: what stands on it is in view."""

    def __init__(self, **rows: int) -> None:
        self.things = dict(rows)

    def rows(self, dirty: Collection[str] | None, held: Collection[str]) -> Iterable[tuple[str, dict[str, Any] | None]]:
        for name in list(self.things) if dirty is None else dirty:
            yield name, {"id": name, "n": self.things[name]} if name in self.things else None


class Reader:
    """A client that applies what it is sent, and has room or not."""

    def __init__(self) -> None:
        self.room = True
        self.rows: dict[str, int] = {}
        self.messages: list[dict[str, Any]] = []

    def offer(self, message: dict[str, Any]) -> bool:
        if self.room:
            found = msgspec.json.decode(encode(message, "json"))
            self.messages.append(found)
            if found["type"] == "snapshot":
                self.rows = {}
            for row in found.get("rows", found.get("changed", [])):
                self.rows[row["id"]] = row["n"]
            for name in found.get("removed", []):
                self.rows.pop(name, None)
        return self.room


def follow(feed: Feed) -> tuple[Reader, Subscription]:
    reader = Reader()
    subscription = Subscription(1, feed, reader.offer)
    feed.subscriptions.add(subscription)
    subscription.snapshot()
    return reader, subscription


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_encoded_items_make_an_array_in_either_encoding(count: int) -> None:
    packed = array([b"\x01"] * count, "msgpack")
    assert msgspec.msgpack.decode(packed) == [1] * count
    assert msgspec.json.decode(array([b"1"] * count, "json")) == [1] * count


async def test_changes_of_one_turn_go_out_together_and_equal_rows_not_at_all() -> None:
    shelf = Shelf(a=1, b=2)
    feed = Feed(shelf, "json", 0)
    reader, _ = follow(feed)
    shelf.things |= {"a": 5, "c": 3}
    feed.touch(["a"])
    feed.touch(["b", "c"])
    await asyncio.sleep(0)
    assert len(reader.messages) == 2
    assert {row["id"]: row["n"] for row in reader.messages[-1]["changed"]} == {"a": 5, "c": 3}
    feed.touch(["a"])
    await asyncio.sleep(0)
    assert len(reader.messages) == 2


async def test_a_reader_without_room_gets_the_latest_of_each_row_and_is_told() -> None:
    shelf = Shelf(a=1, b=1)
    feed = Feed(shelf, "json", 0)
    reader, subscription = follow(feed)
    reader.room = False
    for value in (2, 3, 4):
        shelf.things["a"] = value
        feed.touch(["a"])
        feed.flush()
    del shelf.things["b"]
    feed.touch(["b"])
    feed.flush()
    reader.room = True
    subscription.catch_up()
    assert reader.messages[-1] == {
        "id": 1,
        "type": "delta",
        "seq": 2,
        "changed": [{"id": "a", "n": 4}],
        "removed": ["b"],
        "conflated": 2,
    }
    assert subscription.conflated == 0


async def test_a_snapshot_for_which_there_was_no_room_is_owed() -> None:
    shelf = Shelf(a=1)
    feed = Feed(shelf, "json", 0)
    reader = Reader()
    reader.room = False
    subscription = Subscription(1, feed, reader.offer)
    feed.subscriptions.add(subscription)
    subscription.snapshot()
    shelf.things["a"] = 2
    feed.touch(["a"])
    feed.flush()
    reader.room = True
    subscription.catch_up()
    assert [(message["type"], message["seq"]) for message in reader.messages] == [("snapshot", 1)]
    assert reader.rows == {"a": 2}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3) | st.none(), st.booleans(), st.booleans())))
async def test_whatever_happens_a_reader_ends_with_what_is_there(
    steps: list[tuple[str, int | None, bool, bool]],
) -> None:
    await ends_with_what_is_there(steps, None)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3) | st.none(), st.booleans(), st.booleans())))
async def test_and_so_does_one_whose_rows_are_made_in_slices(
    steps: list[tuple[str, int | None, bool, bool]],
) -> None:
    await ends_with_what_is_there(steps, Turns())


async def ends_with_what_is_there(steps: list[tuple[str, int | None, bool, bool]], turns: Turns | None) -> None:
    shelf = Shelf(a=1)
    feed = Feed(shelf, "json", 0, turns)
    reader, subscription = follow(feed)
    for name, value, flush, room in steps:
        if value is None:
            shelf.things.pop(name, None)
        else:
            shelf.things[name] = value
        feed.touch([name])
        reader.room = room
        if flush:
            feed.flush()
            feed.work(1)
    reader.room = True
    subscription.catch_up()
    while feed.work(1) or feed.busy:
        feed.flush()
    subscription.catch_up()
    assert reader.rows == shelf.things
    seqs = [message["seq"] for message in reader.messages]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_rows_that_are_dear_are_made_in_slices_and_others_are_told_meanwhile() -> None:
    told: list[str] = []
    dear, plain = Shelf(**{f"r{n}": n for n in range(4 * SLICE)}), Shelf(a=1)
    feed, other = Feed(dear, "json", 0, Turns()), Feed(plain, "json", 0)

    def follower(name: str, of: Feed) -> Reader:
        reader = Reader()

        def offer(message: dict[str, Any]) -> bool:
            told.append(f"{name} {message['type']}")
            return reader.offer(message)

        subscription = Subscription(1, of, offer)
        of.subscriptions.add(subscription)
        subscription.snapshot()
        return reader

    slow, quick = follower("dear", feed), follower("plain", other)
    assert told == ["plain snapshot"]
    dear.things["r0"] = 77
    feed.touch(["r0"])
    plain.things["a"] = 2
    other.touch(["a"])
    async with asyncio.timeout(10):
        while feed.busy:  # noqa: ASYNC110 - it is no state that tells of itself
            await asyncio.sleep(0)
    assert told == ["plain snapshot", "plain delta", "dear snapshot"]
    assert (slow.rows, quick.rows) == (dear.things, plain.things)


async def test_a_view_that_nobody_follows_any_more_is_not_worked_on() -> None:
    turns, shelf = Turns(), Shelf(**{f"r{n}": n for n in range(3 * SLICE)})
    feed = Feed(shelf, "json", 0, turns)
    feed.close()
    assert not feed.work(SLICE)
    assert (feed.view, feed.busy) == ({}, False)


async def test_a_reset_takes_away_what_is_gone() -> None:
    shelf = Shelf(a=1, b=2)
    feed = Feed(shelf, "json", 0)
    reader, _ = follow(feed)
    shelf.things = {"c": 1}
    feed.reset()
    assert reader.rows == {"c": 1}
    assert isinstance(array([], "json"), Raw)

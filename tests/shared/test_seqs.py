"""The account of batch numbers."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.seqs import MAX_MISSING, MAX_PRODUCERS, SeqMemory


def test_numbers_in_a_row_are_new() -> None:
    memory = SeqMemory()
    assert [memory.take("a", seq) for seq in (7, 8, 9)] == ["new"] * 3
    assert memory.missing() == {}


def test_a_jump_leaves_missing_numbers_which_may_come_late_once() -> None:
    memory = SeqMemory()
    memory.take("a", 0)
    assert memory.take("a", 3) == "new"
    assert memory.missing() == {"a": [1, 2]}
    assert [memory.take("a", seq) for seq in (2, 2, 3, 1)] == ["late", "drop", "drop", "late"]
    assert memory.missing() == {}
    assert memory.jumps == 1


def test_a_producer_met_at_the_start_sets_its_baseline() -> None:
    memory = SeqMemory()
    assert memory.take("a", 500) == "new"
    assert memory.missing() == {}
    assert memory.take("a", 499) == "drop"


def test_a_producer_met_by_a_live_reader_has_jumped_from_nought() -> None:
    memory = SeqMemory()
    memory.live = True
    assert memory.take("fresh", 0) == "new"
    assert memory.take("jumped", 3) == "new"
    assert memory.missing() == {"jumped": [0, 1, 2]}


def test_missing_numbers_are_told_once_after_their_time() -> None:
    memory = SeqMemory()
    memory.take("a", 0, 1000)
    memory.take("a", 2, 2000)
    memory.take("a", 4, 3000)
    assert memory.overdue(2000) == {}
    assert memory.overdue(2001) == {"a": [1]}
    assert memory.overdue(9999) == {"a": [3]}
    assert memory.overdue(9999) == {}
    assert memory.lost == 2


def test_a_jump_of_any_size_takes_bounded_memory_and_is_counted() -> None:
    memory = SeqMemory()
    memory.take("a", 0)
    memory.take("a", 10**15)
    assert len(memory.missing()["a"]) == MAX_MISSING
    assert memory.lost == 10**15 - 1 - MAX_MISSING


def test_producers_that_are_long_gone_are_forgotten() -> None:
    memory = SeqMemory()
    memory.take("living", 0)
    for number in range(MAX_PRODUCERS + 50):
        memory.take(f"run {number}", 0)
        memory.take("living", number + 1)
    assert len(memory.dump()["high"]) == MAX_PRODUCERS
    assert memory.take("living", 3) == "drop"


@given(order=st.permutations(range(12)), retries=st.lists(st.integers(0, 11)), cut=st.integers(0, 30))
def test_each_batch_is_taken_once_in_any_order_with_retries_and_a_restart(
    order: list[int], retries: list[int], cut: int
) -> None:
    memory = SeqMemory()
    memory.live = True
    taken = []
    for step, seq in enumerate([*order, *retries]):
        if step == cut:
            memory = SeqMemory.load(json.loads(json.dumps(memory.dump())))
        if memory.take("a", seq) != "drop":
            taken.append(seq)
    assert sorted(taken) == list(range(12))
    assert memory.missing() == {}

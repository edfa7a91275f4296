import asyncio

from services.api.outbox import Outbox


def test_a_full_outbox_says_no_but_an_empty_one_takes_any_frame() -> None:
    box = Outbox(max_frames=2, max_bytes=10)
    assert box.offer("x" * 100)
    assert not box.offer("y")
    box = Outbox(max_frames=2, max_bytes=10)
    assert [box.offer("a"), box.offer("b"), box.offer("c")] == [True, True, False]
    assert len(box) == 2


async def test_put_lets_the_oldest_go_and_counts_them() -> None:
    box = Outbox(max_frames=2, max_bytes=100)
    assert [box.put(frame) for frame in ("a", "b", "c")] == [0, 0, 1]
    assert [await box.take(), await box.take()] == ["b", "c"]
    assert box.let_go == 1


async def test_who_waits_for_room_goes_on_when_a_frame_was_taken() -> None:
    box = Outbox(max_frames=1)
    box.answer("a")
    box.answer("b")
    waiting = asyncio.create_task(box.room())
    assert [await box.take(), await box.take()] == ["a", "b"]
    async with asyncio.timeout(5):
        await waiting

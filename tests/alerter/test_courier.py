"""Messages on their way: in order, tried again, given up; one attempt at a time."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.alerter.channels import Channel
from services.alerter.courier import GIVE_UP_S, Courier
from services.alerter.message import Message, NotDelivered
from services.alerter.routing import Delivery
from tests.alerter.fakes import until
from tests.alerter.parts import alert

FAST = (0.001,)
FAR_AHEAD = 2**62


class Script:
    """A sender that does what it is told."""

    kind = "script"

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes, self.sent = list(outcomes), list[str]()
        self.gate: threading.Event | None = None
        self.inside = self.most = 0

    def send(self, message: Message) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.gate is not None:
            self.gate.wait(20)
        self.inside -= 1
        self.sent.append(message.id)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome


def message(delivery: Delivery) -> Message:
    return Message(id=delivery.id, title="t", body="b", severity="info", payload={})


def delivery(name: str, made_at: int = FAR_AHEAD) -> Delivery:
    return Delivery(id=name, channel="ops", made_at=made_at, alerts=(alert(name),))


@asynccontextmanager
async def courier(script: Script, done: list[str]) -> AsyncIterator[Courier]:
    async def note(name: str) -> None:
        done.append(name)

    one = Courier(Channel("ops", script, "x://secret-part"), message, note, backoff_s=FAST)
    running = asyncio.create_task(one.run())
    yield one
    running.cancel()
    await asyncio.wait([running])


async def test_messages_arrive_in_order_and_a_failure_is_tried_again() -> None:
    script, done = Script(NotDelivered("at secret-part"), NotDelivered("no"), None), list[str]()
    async with courier(script, done) as one:
        for name in "ab":
            one.take(delivery(name))
        await until(lambda: done == ["a", "b"])
        assert script.sent == ["a", "a", "a", "b"]
        state = one.state
        assert (state.state, state.delivered_total, state.failed_total, len(one)) == ("ok", 2, 2, 0)
        assert state.last_error == "no"


async def test_the_reason_of_a_failure_holds_no_part_of_the_address() -> None:
    script, done = Script(NotDelivered("no way to secret-part/here"), None), list[str]()
    async with courier(script, done) as one:
        one.take(delivery("a"))
        await until(lambda: done)
        assert one.state.last_error == "no way to ***/here"


async def test_what_is_too_old_is_given_up_and_counted() -> None:
    script, done = Script(NotDelivered("no"), None), list[str]()
    async with courier(script, done) as one:
        one.take(delivery("old", made_at=0))
        one.take(delivery("new"))
        await until(lambda: done == ["old", "new"])
        assert (one.state.lost_total, script.sent) == (1, ["old", "new"])
    assert GIVE_UP_S == 3_600


async def test_a_test_waits_for_the_attempt_under_way() -> None:
    script, done = Script(), list[str]()
    script.gate = threading.Event()
    async with courier(script, done) as one:
        one.take(delivery("a"))
        await until(lambda: script.inside)
        trial = asyncio.create_task(one.attempt(message(delivery("test"))))
        script.gate.set()
        await trial
        await until(lambda: done == ["a"])
    assert (script.sent, script.most) == (["a", "test"], 1)


async def test_a_stop_lets_the_attempt_under_way_end_and_begins_no_other() -> None:
    script, done = Script(), list[str]()
    script.gate = threading.Event()

    async def note(name: str) -> None:
        done.append(name)

    one = Courier(Channel("ops", script, "x://secret-part"), message, note, backoff_s=FAST)
    running = asyncio.create_task(one.run())
    for name in "ab":
        one.take(delivery(name))
    await until(lambda: script.inside)
    one.close()
    script.gate.set()
    await running
    assert (script.sent, done, len(one)) == (["a"], ["a"], 1)


async def test_a_stop_does_not_wait_for_a_channel_that_hangs() -> None:
    script = Script()
    script.gate = threading.Event()
    async with courier(script, []) as one:
        one.take(delivery("a"))
        await until(lambda: script.inside)
    assert script.sent == []
    script.gate.set()

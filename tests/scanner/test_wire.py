"""Commands and their answers, in order, waited for or not."""

from collections.abc import AsyncIterator

import pytest

from services.scanner.wire import Wire
from shared.bus import Redis
from shared.resp import ReplyError, command


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    one = Wire(redis_url)
    await one.open()
    yield one
    one.close()


async def test_what_is_sent_is_done_before_the_next_call_and_its_answers_are_not_that_ones(
    wire: Wire, redis_client: Redis
) -> None:
    for number in range(500):
        wire.send(command("SET", "n", number), command("INCR", "n"))
        assert await wire.call(command("GET", "n")) == [str(number + 1).encode()]
    assert await redis_client.get("n") == b"500"


async def test_an_error_among_what_was_sent_is_raised_by_the_next_call_alone(wire: Wire) -> None:
    wire.send(command("SET", "text", "a"), command("INCR", "text"), command("SET", "other", "b"))
    with pytest.raises(ReplyError, match="not an integer"):
        await wire.call(command("PING"))
    assert await wire.call(command("GET", "other")) == [b"b"]


async def test_nothing_is_sent_on_a_connection_that_is_gone(wire: Wire) -> None:
    wire.close()
    with pytest.raises(ConnectionError):
        wire.send(command("PING"))

"""What is kept in Redis: once, under the owner's fence, whatever is tried again."""

from typing import Any

import msgspec
import pytest

from services.alerter.keeper import LATENCIES, STATE, Keeper, load, terms_field
from services.alerter.lifecycle import Watch
from services.alerter.routing import Delivery, Lane
from services.alerter.rules.change import Terms
from services.alerter.state import State
from shared import fences, streams
from shared.alerts import Alert
from shared.bus import Redis
from shared.fences import Fenced
from tests.alerter.parts import T0, alert, signal

NOW_MS = T0 // 1_000_000


async def owner(client: Redis, me: str = "me") -> Keeper:
    fence = await fences.claim(client, streams.ALERTS_STATE, me)
    return Keeper(client, fence, await load(client))


async def raised(client: Redis) -> list[str]:
    entries: Any = await client.xrange(streams.ALERTS)
    return [msgspec.msgpack.decode(fields[streams.FIELD], type=Alert).id for _, fields in entries]


def delivery(name: str, made_at: int = T0) -> Delivery:
    return Delivery(id=name, channel="ops", made_at=made_at, alerts=(alert(name),))


async def test_what_was_written_is_found_again(redis_client: Redis) -> None:
    one = alert("one")
    state = State(
        at=T0,
        watches=[Watch(rule="r", subject="s", stage="firing", fired=one)],
        lanes={"ops": Lane(held={"one": one}, told=["x"])},
        positions={"signals:{0}": "5-1"},
        signals={"a": signal()},
    )
    terms = {"alpha": {"A/USDT:USDT": Terms("A", "8", None, "-0.02")}}
    late, early = delivery("late", T0 + 1), delivery("early")
    fields = {STATE: state, LATENCIES: {"alpha": [40.5]}, terms_field("alpha"): terms["alpha"]}
    keeper = await owner(redis_client)
    await keeper.commit(keeper.prepared(fields, [one], [one], [late, early], NOW_MS))
    kept = await load(redis_client)
    assert (kept.state, kept.latencies, kept.terms, kept.number) == (state, {"alpha": [40.5]}, terms, 1)
    assert kept.due == [early, late]
    assert list(kept.active) == ["one"]
    assert await raised(redis_client) == ["one"]


async def test_a_write_that_is_tried_again_is_done_once(redis_client: Redis) -> None:
    first = await owner(redis_client)
    again = Keeper(redis_client, 1, await load(redis_client))  # the same fence, and as many writes behind it
    for keeper in (first, again):
        await keeper.commit(keeper.prepared({}, [alert("one")], [], [delivery("d")], NOW_MS))
    assert await raised(redis_client) == ["one"]
    await first.commit(first.prepared({}, [alert("two")], [], [], NOW_MS))
    assert await raised(redis_client) == ["one", "two"]


async def test_who_was_replaced_writes_nothing(redis_client: Redis) -> None:
    old = await owner(redis_client)
    await fences.release(redis_client, streams.ALERTS_STATE, 1)
    new = await owner(redis_client, "another")
    with pytest.raises(Fenced):
        await old.commit(old.prepared({}, [alert("old")], [], [], NOW_MS))
    await new.commit(new.prepared({}, [alert("new")], [], [], NOW_MS))
    assert await raised(redis_client) == ["new"]


async def test_what_is_over_is_not_active_and_what_arrived_is_not_due(redis_client: Redis) -> None:
    keeper = await owner(redis_client)
    one, two = alert("one"), alert("two")
    await keeper.commit(keeper.prepared({}, [], [one, two], [delivery("d")], NOW_MS))
    await keeper.commit(keeper.prepared({}, [], [two], [], NOW_MS))
    assert list((await load(redis_client)).active) == ["two"]
    await keeper.done("d")
    assert (await load(redis_client)).due == []


async def test_a_state_of_another_version_begins_anew_and_says_so(
    redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    mapping: Any = {"state": b"\xc1", "number": "4", "terms:alpha": b"\xc1"}
    await redis_client.hset(streams.ALERTS_STATE, mapping=mapping)
    await redis_client.hset(streams.ALERTS_DUE, "d", "\xc1")
    kept = await load(redis_client)
    assert (kept.state, kept.number, kept.due, kept.terms) == (State(), 4, [], {"alpha": {}})
    assert caplog.text.count("another version") == 3

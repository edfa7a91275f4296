"""The whole engine against each exchange that the simulator does not play: everything arrives, and comes back."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from services.collector.around import Surroundings
from services.collector.engine import Engine
from services.collector.members import alone
from services.collector.standing import standing
from services.collector.venues import VENUES
from services.simulator.venues import VENUES as SIMULATED
from shared.events import STREAM, Event, State
from tests.collector.live import LIMIT_S, Kept, steady
from tests.venues.scripted import Scripted

SCRIPTED = [name for name in VENUES if name not in SIMULATED]


def given(kept: Kept, *, again: bool = False) -> dict[str, set[str]]:
    """Symbols of the events that sockets and calls brought, by kind.

    `again`: a feed that is up anew counts too, since a rate that stands is not said twice within a minute.
    """
    found: dict[str, set[str]] = {}
    for key, event in kept.events:
        kind, symbol = STREAM.get(type(event)), event.symbol
        if again and isinstance(event, State) and event.state == "up":
            kind = key.rpartition(":")[2]
        if kind is not None and symbol is not None:
            found.setdefault(kind, set()).add(symbol)
    return found


def quoted_live(event: Event) -> bool:
    return getattr(event, "source", "ws") == "ws"


@pytest.mark.parametrize("name", SCRIPTED)
async def test_what_the_exchange_says_arrives_and_comes_back_after_a_restart_of_it(name: str, tmp_path: Path) -> None:
    async with Scripted(name) as exchange:
        kept = Kept()
        engine = Engine(VENUES[name], "one", kept, Surroundings(1, tmp_path, gateway=exchange.url), Random(7))
        steady(engine)
        tasks = [asyncio.create_task(engine.run()), asyncio.create_task(alone(engine))]

        async def until(what: str, *, again: bool = False) -> None:
            wanted = exchange.script.gives
            async with asyncio.timeout(LIMIT_S):
                while True:
                    if tasks[0].done():
                        tasks[0].result()
                    found = given(kept, again=again)
                    lines = engine.lines.values()
                    proven = bool(lines) and all(line.proves(topic) for line in lines for topic in line.topics)
                    quotes = [event for key, event in kept.events if key.endswith(":quote") and event.symbol]
                    said = all(set(symbols) <= found.get(kind, set()) for kind, symbols in wanted.items())
                    if proven and said and any(map(quoted_live, quotes)):
                        break
                    await asyncio.sleep(0.02)
            assert standing(engine)[0] == "live", what

        try:
            await until("at first")
            assert all("parallax" in agent.lower() for agent in exchange.user_agents)
            kept.events.clear()
            await exchange.hang_up()
            await until("after a restart", again=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

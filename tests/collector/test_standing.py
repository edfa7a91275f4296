"""How a venue does, as it starts, loses its topics and gets them back."""

import re
from pathlib import Path

from services.collector.standing import SHORT_S, STUCK_S, Standing, carried, standing
from services.collector.venues import VENUES
from tests.collector.live import hurried, stage

#: a venue that takes one topic in a frame, and so few frames that a start takes a while
SLOW = hurried(VENUES["lighter"], frames=(20, 0.6))


class Clock:
    """Time passes by `later` alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def later(self, seconds: float) -> bool:
        self.now += seconds
        return True


async def test_a_start_says_how_far_it_is_and_is_live_with_its_last_topic(tmp_path: Path) -> None:
    async with stage("lighter", tmp_path, venue=SLOW) as found:
        said: list[tuple[str, str]] = []

        def whole() -> bool:
            said.append(standing(found.engine))
            return said[-1] == ("live", "")

        await found.until(whole)
        told = [re.fullmatch(r"(\d+) of (\d+) topics\.", detail) for state, detail in said if state == "starting"]
        steps = {(int(match[1]), int(match[2])) for match in told if match is not None}
        assert len(steps) > 1
        assert all(live < topics for live, topics in steps)
        assert said[0][0] == "starting"


async def test_who_has_started_and_loses_its_topics_is_degraded_until_most_are_back(tmp_path: Path) -> None:
    async with stage("lighter", tmp_path, venue=SLOW) as found:
        clock = Clock()
        one = Standing(found.engine, clock)
        await found.until(lambda: one.now() == ("live", ""))
        found.strike("abort")
        await found.until(lambda: clock.later(SHORT_S + 1) and one.now()[1].endswith("topics are live."))
        assert one.now()[0] == "degraded"
        await found.until(lambda: one.now() == ("live", ""))


async def test_a_start_that_gets_no_further_is_no_start_any_more(tmp_path: Path) -> None:
    async with stage("lighter", tmp_path, venue=hurried(VENUES["lighter"], frames=(4, 600.0))) as found:
        clock = Clock()
        one = Standing(found.engine, clock)
        await found.until(lambda: one.now()[0] == "starting" and one.now()[1])
        await found.until(lambda: clock.later(STUCK_S + 1) and one.now()[0] == "degraded")


async def test_nothing_is_live_between_the_listing_and_the_first_connection(tmp_path: Path) -> None:
    async with stage("lighter", tmp_path) as found:
        live: tuple[int, int] = (0, 0)

        def said_so() -> bool:
            nonlocal live
            live = carried(found.engine)
            return standing(found.engine)[0] == "live"

        await found.until(said_so)
        assert live[0] == live[1] > 0


async def test_where_there_is_nothing_to_collect_it_is_said(tmp_path: Path) -> None:
    async with stage("grvt", tmp_path, assets=frozenset({"NOSUCHCOIN"})) as found:
        await found.until(lambda: standing(found.engine) == ("live", "Nothing to collect."))

"""What holds for every venue that can be simulated."""

from collections import Counter
from random import Random

import msgspec
import pytest

from deploy.local import programs
from services.collector.venues import VENUES as COLLECTED
from services.simulator.hub import Topic
from services.simulator.market import Market
from services.simulator.options import OptionError, Options
from services.simulator.server import Simulator
from services.simulator.venues import VENUES, build
from services.simulator.wire import Request
from tests.simulator.client import rest, until

T = 1_795_000_000.0
EACH = pytest.mark.parametrize("name", VENUES)


def test_each_is_registered_under_its_name_and_no_host_is_two_venues() -> None:
    assert all(venue.name == name for name, venue in VENUES.items())
    hosts = Counter(host for venue in VENUES.values() for host in venue.hosts)
    assert set(hosts.values()) == {1}


def test_every_venue_that_can_be_simulated_can_be_collected_and_the_demo_has_them_all() -> None:
    assert set(VENUES) <= set(COLLECTED)
    assert list(programs.simulated(COLLECTED)) == [name for name in COLLECTED if name in VENUES]


@EACH
def test_its_rows_are_its_own_and_quote_at_steps_that_their_price_needs(name: str) -> None:
    world = Market(build(name, 400, 1), 1)
    world.start(T)
    for row in world.listed:
        assert row.venue == name
        assert row.interval_h in (1, 2, 4, 8)
        if row.collectable:
            told = f"{row.native} quotes {row.price_text(row.bid)}/{row.price_text(row.ask)}"
            assert 10 <= row.bid < row.ask, told
            assert row.ask - row.bid <= 2 or row.ask / row.bid < 1.01, told


@EACH
async def test_it_plays_alone_and_answers_what_it_does_not_know_with_an_error(name: str) -> None:
    async with Simulator(Options(venues=(name,), instruments=40, rate=400)) as sim:
        await until(lambda: sim.driver.events > 100)
        for host in VENUES[name].hosts:
            status, _, _ = await rest(sim, f"{host}/no/such/path")
            assert status >= 400, host


@EACH
def test_a_recorded_session_without_an_answer_gives_an_empty_one_in_its_form(name: str) -> None:
    recorded = VENUES[name].recorded
    for method, body in (("GET", b""), ("POST", b"{}")):
        msgspec.json.decode(recorded.empty(Request(method, "", "/nothing", {}, {}, body)))


@EACH
def test_a_topic_of_each_channel_that_can_be_blasted_has_a_family(name: str) -> None:
    recorded = VENUES[name].recorded
    row = Random(1).choice([row for row in build(name, 40, 1) if row.collectable])
    assert recorded.topic(Topic("host/trades/X", "X", "trades", row))


def test_a_venue_that_is_not_simulated_is_refused() -> None:
    with pytest.raises(OptionError, match="mars"):
        Simulator(Options(venues=("mars",)))

"""Instruments that a scenario lists under names of its own."""

from pathlib import Path

import pytest

from services.simulator.options import OptionError, Options
from services.simulator.scenario import Event
from services.simulator.server import Simulator
from services.simulator.strangers import added, strangers
from services.simulator.venues import VENUES
from tests.simulator.client import rest


def listing(**fields: object) -> Event:
    return Event(**{"kind": "list", "venue": "okx", "coin": "ARB", "name": "1000ARB", **fields})  # type: ignore[arg-type]


def test_a_multiple_of_a_coin_has_its_price_and_another_coin_its_own() -> None:
    events = [listing(multiplier=1000), listing(coin="other", name="ARB", price=7.5, market="spot")]
    many, other = strangers(events, VENUES["okx"], 1)
    assert (many.native, many.coin, many.multiplier, many.market) == ("1000ARB-USDT-SWAP", "ARB", 1000, "perp")
    assert many.price == pytest.approx(221)
    assert (other.native, other.coin, other.price) == ("ARB-USDT", "other", 7.5)
    assert strangers([listing(venue="binance"), Event(kind="list", coin="ARB")], VENUES["okx"], 1) == []


def test_it_takes_the_place_of_the_one_of_its_id() -> None:
    rows = VENUES["okx"].rows(200, 1)
    new = strangers([listing(coin="other", name="ARB", price=7.5)], VENUES["okx"], 1)
    found = added(rows, new)
    assert len(found) == len(rows)
    assert [row.coin for row in found if row.native == "ARB-USDT-SWAP"] == ["other"]
    assert len({row.number for row in found}) == len(found)


@pytest.mark.parametrize(
    ("event", "words"),
    [(listing(coin="nobody"), "has no price"), (listing(venue="grvt", market="spot"), "no spot market")],
)
def test_what_cannot_be_listed_is_refused(event: Event, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        strangers([event], VENUES[event.venue], 1)


async def test_the_exchange_lists_and_quotes_them(tmp_path: Path) -> None:
    scenario = tmp_path / "strangers.toml"
    scenario.write_text(
        "[[event]]\nkind = 'list'\nvenue = 'okx'\ncoin = 'ARB'\nname = '1000ARB'\nmultiplier = 1000\n"
        "[[event]]\nkind = 'delist'\nvenue = 'okx'\ncoin = 'ARB'\nname = 'ARB'\n"
    )
    async with Simulator(Options(venues=("okx",), instruments=200, scenario=scenario)) as sim:
        _, body, _ = await rest(sim, "www.okx.com/api/v5/market/tickers?instType=SWAP")
        bids = {row["instId"]: float(row["bidPx"]) for row in body["data"]}
        with pytest.raises(OptionError, match="in the scenario's file"):
            sim.strike(listing())
    assert "ARB-USDT-SWAP" not in bids
    assert 150 < bids["1000ARB-USDT-SWAP"] < 300

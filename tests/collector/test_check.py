"""The check of an exchange, against the simulator."""

import asyncio
import io
import time
from functools import partial
from pathlib import Path

import pytest

from services.collector import check, engine
from services.collector.__main__ import main
from services.collector.around import Surroundings
from services.collector.pulse import STALL_NS, Pulse
from services.collector.venues import VENUES
from services.simulator.options import Options
from services.simulator.scenario import Event as Fault
from services.simulator.server import Simulator
from tests.collector.live import LIMIT_S

COINS = frozenset({"BTC", "ETH"})


async def report(name: str, around: Surroundings, seconds: float = LIMIT_S) -> tuple[int, str]:
    out = io.StringIO()
    failed = await check.checked(VENUES[name], around, seconds, out)
    return failed, out.getvalue()


@pytest.mark.parametrize("name", ["binance", "okx"])
async def test_all_is_well_where_every_kind_of_data_arrives(name: str, tmp_path: Path) -> None:
    async with Simulator(Options(venues=(name,), instruments=24, rate=300.0)) as sim:
        failed, text = await report(name, Surroundings(1, tmp_path, gateway=sim.url, assets=COINS, watch=COINS))
    assert failed == 0, text
    for point in ("listing", "sockets", "spot quote", "perp quote", "perp trade", "perp book", "perp funding"):
        assert any(line.split("  ")[1:] and point in line and " ok " in line for line in text.splitlines()), text


async def test_a_check_goes_on_after_its_process_stood_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "Pulse", partial(Pulse, cpu=lambda: 0))
    async with Simulator(Options(venues=("okx",), instruments=24, rate=300.0)) as sim:
        sim.strike(Fault(kind="freeze", venue="okx"))
        around = Surroundings(1, tmp_path, gateway=sim.url, assets=COINS, watch=COINS)
        checking = asyncio.create_task(report("okx", around))
        while not sim.exchanges["okx"].feed.sockets:  # noqa: ASYNC110 - another task's doing
            await asyncio.sleep(0.01)
        time.sleep(STALL_NS / 1e9 + 0.2)  # noqa: ASYNC251 - the loop is to stand still
        sim.clear("freeze")
        failed, text = await checking
    assert failed == 0, text


async def test_a_coin_that_nobody_lists_fails(tmp_path: Path) -> None:
    async with Simulator(Options(venues=("okx",), instruments=24, rate=300.0)) as sim:
        around = Surroundings(1, tmp_path, gateway=sim.url, assets=frozenset({"NOSUCH"}))
        failed, text = await report("okx", around, 6.0)
    assert failed >= 1
    assert "failed" in text


async def test_an_exchange_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    failed, text = await report("okx", Surroundings(1, tmp_path, gateway="http://127.0.0.1:1"), 4.0)
    assert failed >= 1
    assert "cannot be reached" in text or "refused" in text.lower(), text


async def test_a_channel_that_stays_silent_fails_by_its_name(tmp_path: Path) -> None:
    async with Simulator(Options(venues=("okx",), instruments=24, rate=0.0)) as sim:
        failed, text = await report("okx", Surroundings(1, tmp_path, gateway=sim.url, assets=COINS, watch=COINS), 6.0)
    assert failed >= 1
    assert any("trade" in line and "failed" in line for line in text.splitlines()), text


def test_a_venue_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--venue", "nosuch"]) == 2
    assert "--venue" in capsys.readouterr().err

"""The command as its users start it."""

import asyncio
import json
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

from services.simulator.__main__ import parse
from services.simulator.venues import VENUES


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.simulator", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_it_says_where_it_is_plays_and_ends_cleanly_on_a_signal() -> None:
    process = await start("--port", "0", "--venues", "okx", "--instruments", "20")
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert "plays okx" in line
    url = line.split()[1]

    def ask() -> object:
        with urllib.request.urlopen(f"{url}/www.okx.com/api/v5/public/time", timeout=60) as reply:
            return json.load(reply)["code"]

    assert await asyncio.to_thread(ask) == "0"
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        await process.communicate()
    assert process.returncode == 0


async def test_a_scenario_that_names_a_coin_nobody_plays_is_told_so(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("[[event]]\nkind = 'gap'\ncoin = 'WIF'\nvenue = 'okx'\nbps = 90\n")
    process = await start("--port", "0", "--venues", "okx", "--instruments", "20", "--scenario", str(mine))
    assert process.stderr is not None
    assert (await process.stderr.readline()).decode().endswith("event 'gap': coin 'WIF' is not played on okx\n")
    assert process.stdout is not None
    assert b"plays okx" in await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--venues", "mars"), "mars"),
        (("--scenario", "/nowhere.toml"), "nowhere"),
        (("--replay", "/nowhere"), "nowhere"),
        (("--instruments", "0"), "at least one"),
    ],
)
async def test_what_cannot_be_used_is_one_sentence_and_status_2(arguments: tuple[str, ...], words: str) -> None:
    process = await start("--port", "0", *arguments)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert words in errors.decode()
    assert "Traceback" not in errors.decode()


def test_the_command_line_becomes_options() -> None:
    options = parse(["--port", "1", "--rate", "5", "--seed", "9", "--replay", "a", "b", "--speed", "0", "--loop"])
    assert (options.venues, options.port, options.rate, options.seed) == (tuple(VENUES), 1, 5.0, 9)
    assert [str(path) for path in options.replay] == ["a", "b"]
    assert options.loop
    assert options.scenario is None
    assert parse([]).scenario is not None
    assert parse(["--scenario", "calm"]).scenario is None

"""`python -m scenarios [FILE …]`: play scenario files through the whole system and say whether the signals are right.

One line for each scenario, and as the last line precision and recall over all of them. Exit code 0: all passed, 1: not
all, 2: a file or an option that cannot be used, one sentence says why.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from deploy.local.process import CannotRun, free_port, start_server, stop_server
from scenarios.compare import Outcome, line, several, summary
from scenarios.play import Stage, Unplayable, play
from services.scanner.judge import REFUSALS
from services.simulator.expected import check
from services.simulator.options import OptionError
from services.simulator.scenario import Scenario, load
from services.simulator.venues import VENUES
from shared.config import Runtime, SettingError, consistent
from shared.settings_store import checked

#: Where a scenario says nothing about its exchanges.
USUAL: Final = ("binance", "okx")
#: Databases of one Redis: as many scenarios can be played at a time.
MOST: Final = 16
#: How often a scenario may be played again because the machine was too slow.
AGAIN: Final = 2


def cases() -> list[Path]:
    """The files that come with the product."""
    return sorted(Path(str(resources.files("scenarios") / "cases")).glob("*.toml"))


def read(path: Path) -> Scenario:
    """A file that can be played as a test. Raises `OptionError` with a sentence that names it."""
    scenario = load(path, VENUES)
    try:
        if scenario.seconds <= 0:
            raise OptionError("expected 'seconds' above 0: how long it is watched")
        for venue in scenario.venues:
            if venue not in VENUES:
                raise OptionError(f"venues: {venue!r} is not simulated, expected some of {sorted(VENUES)}")
        for why in [word for one in scenario.held_back for word in several(one)]:
            if why not in REFUSALS:
                raise OptionError(f"held_back: {why!r}: expected some of {', '.join(REFUSALS)}")
        played = scenario.venues or USUAL
        for expected in scenario.expect:
            check(expected, played, scenario.seconds)
        for event in scenario.event:
            for venue in (event.venue, event.against):
                if venue and venue not in played:
                    raise OptionError(f"event {event.kind!r}: {venue!r} is not among its venues {list(played)}")
        consistent(Runtime(**checked(scenario.settings)))
    except (OptionError, SettingError) as error:
        raise OptionError(f"scenario {path}: {error}") from error
    return scenario


async def run(paths: Sequence[Path], jobs: int, keep: Path | None = None) -> list[Outcome]:
    """Play the files, `jobs` at a time, and print each one's line when it is done. Raises `OptionError`."""
    scenarios = [(path, read(path)) for path in paths]
    with tempfile.TemporaryDirectory(prefix="scenarios-") as made:
        home = keep or Path(made)
        home.mkdir(parents=True, exist_ok=True)
        port = free_port()
        server = start_server(
            ["deploy.local.redis_server", "--data", str(home / "redis"), "--port", str(port), "--memory-mb", "1024"],
            port,
            home / "redis.log",
        )
        databases = list(range(min(jobs, MOST)))
        free = asyncio.Semaphore(len(databases))

        async def one(path: Path, scenario: Scenario) -> Outcome:
            async with free:
                number = databases.pop()
                folder = home / path.stem
                folder.mkdir(exist_ok=True)
                stage = Stage(path, scenario, scenario.venues or USUAL, f"redis://127.0.0.1:{port}/{number}", folder)
                try:
                    outcome = await _play(stage)
                except Unplayable as error:
                    wanted = sum(len(expected.routes()) for expected in scenario.expect)
                    outcome = Outcome(scenario.name or path.stem, 0, wanted, 0, (str(error),))
                finally:
                    databases.append(number)
            print(line(outcome), flush=True)
            return outcome

        try:
            return list(await asyncio.gather(*(one(path, scenario) for path, scenario in scenarios)))
        finally:
            stop_server(server, signal.SIGTERM)


async def _play(stage: Stage) -> Outcome:
    """Play it, and again where it failed on a machine that did not keep up. Raises `Unplayable`."""
    for _ in range(AGAIN):
        outcome = await play(stage)
        if outcome.passed or not outcome.slow:
            return outcome
        print(f"again: {line(outcome)}", file=sys.stderr, flush=True)
    return await play(stage)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m scenarios", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all that come with the product")
    usual = 2 * (os.cpu_count() or 2)
    parser.add_argument("--jobs", type=int, default=usual, help=f"scenarios at a time (default {usual})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the processes' logs there")
    given = parser.parse_args(arguments)
    if not 1 <= given.jobs <= MOST:
        parser.error(f"--jobs {given.jobs}: expected 1 to {MOST}")
    try:
        outcomes = asyncio.run(run(given.files or cases(), given.jobs, given.keep))
    except (OptionError, CannotRun) as error:
        print(f"scenarios: {error}", file=sys.stderr)
        return 2
    print(summary(outcomes))
    return 0 if all(one.passed for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())

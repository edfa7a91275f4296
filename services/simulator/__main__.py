"""`python -m services.simulator`: exchanges on a loopback port until a signal ends them."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from services.simulator.options import OptionError, Options
from services.simulator.server import Simulator
from services.simulator.venues import VENUES


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Options from the command line. Exits with status 2 and a sentence on what cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m services.simulator", description="Exchanges on a loopback port.")
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free one (default 8900)")
    parser.add_argument("--venues", default=",".join(VENUES), help="separated by commas (default: all)")
    parser.add_argument("--scenario", default="demo", help="a TOML file, `demo` or `calm` (default demo)")
    parser.add_argument(
        "--instruments", type=int, default=1000, help="collectable instruments a venue, at most (default 1000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same market (default 1)")
    parser.add_argument("--rate", type=float, default=1000.0, help="quotes a second over all venues (default 1000)")
    parser.add_argument("--wait", action="store_true", help="the scenario starts at POST /_sim/begin")
    parser.add_argument("--replay", nargs="+", default=[], metavar="FILE", help="play recorded sessions instead")
    parser.add_argument("--speed", type=float, default=1.0, help="of a replay; 0: as fast as it is read (default 1)")
    parser.add_argument("--loop", action="store_true", help="play the recording again and again")
    given = parser.parse_args(arguments)
    venues = tuple(name.strip() for name in given.venues.split(",") if name.strip())
    for name in venues:
        if name not in VENUES:
            parser.error(f"venue {name!r} is not simulated, expected some of: {', '.join(VENUES)}")
    if given.instruments < 1 or given.rate < 0 or not venues:
        parser.error("expected at least one venue, one instrument and no negative rate")
    return Options(
        venues=venues, port=given.port, instruments=given.instruments, seed=given.seed, rate=given.rate,
        scenario=scenario_path("calm" if given.replay and given.scenario == "demo" else given.scenario),
        replay=tuple(Path(name) for name in given.replay), speed=given.speed, loop=given.loop, wait=given.wait,
    )  # fmt: skip


def scenario_path(name: str) -> Path | None:
    if name == "calm":
        return None
    if name == "demo":
        return Path(str(resources.files("services.simulator") / "demo.toml"))
    return Path(name)


async def run(options: Options) -> None:
    loop = asyncio.get_running_loop()
    async with Simulator(options) as sim:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, sim.stop)
        if options.scenario != scenario_path("demo"):
            for said in sim.idle_events:
                print(f"simulator: scenario {options.scenario}: {said}", file=sys.stderr)
        print(f"simulator: {sim.url} plays {', '.join(options.venues)}", flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await sim.wait()


def main() -> int:
    options = parse()
    try:
        import uvloop

        uvloop.run(run(options))
    except (OptionError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Which programs a mode consists of, as supervisord is told about them."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local import words
from deploy.local.process import REPOSITORY, CannotRun

Group = Literal["storage", "exchange", "services", "replay", "front"]
#: The order of starting; stopping goes the other way. Within a group all go at once.
GROUPS: tuple[Group, ...] = ("storage", "exchange", "services", "replay", "front")


@dataclass(frozen=True)
class Program:
    """One supervised process. `retries` failed starts in a row make it FATAL; the launcher tries again later."""

    name: str
    group: Group
    command: Sequence[str]
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_wait_s: int = 8
    start_s: int = 10
    retries: int = 5
    once: bool = False
    #: A server's port: once it has answered, a later fall is an accident and not a failed start.
    port: int | None = None
    #: A port that must answer before it starts; 0: it waits for nobody.
    after_port: int = 0


def module(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def redis(data: Path, port: int, memory_mb: int) -> Program:
    line = module("deploy.local.redis_server", "--data", str(data / "redis"), "--port", str(port))
    return Program("redis", "storage", (*line, "--memory-mb", str(memory_mb)), stop_wait_s=15, port=port)


def postgres(data: Path, port: int) -> Program:
    line = module("deploy.local.postgres_server", "--data", str(data / "postgres"), "--port", str(port))
    return Program("postgres", "storage", line, stop_signal="INT", stop_wait_s=15, port=port)


def simulated(venues: Iterable[str]) -> dict[str, Path]:
    """Those of the exchanges that the simulator can play, with the folder that does."""
    folders = {venue: REPOSITORY / "services" / "simulator" / venue for venue in venues}
    return {venue: folder for venue, folder in folders.items() if folder.is_dir()}


def simulator(venues: Sequence[str], port: int) -> Program:
    line = module("services.simulator", "--venues", ",".join(venues), "--port", str(port))
    return Program("simulator", "exchange", line)


def collectors(venues: Sequence[str], after_port: int) -> list[Program]:
    """`after_port`: where their exchanges are simulated, the simulator's; else 0."""
    return [
        Program(
            f"collector-{venue}",
            "services",
            module("services.collector", "run", "--venue", venue),
            after_port=after_port,
        )
        for venue in venues
    ]


def core(*, archived: bool = False) -> list[Program]:
    """`archived`: what is replayed is an archive, whose own control stream the scanner follows."""
    return [
        Program("scanner", "services", module("services.scanner", *(["archived"] if archived else []))),
        Program("recorder", "services", module("services.recorder")),
        Program("api", "front", module("services.api")),
    ]


def alerter() -> Program:
    return Program("alerter", "services", module("services.alerter"))


def archiver() -> Program:
    return Program("archiver", "services", module("services.archiver"))


@dataclass(frozen=True)
class ReplayRequest:
    """What `make replay` was asked for: files by venue, the listings that belong to them, and the player's options; or
    an archive, whose venues then have no files."""

    files: dict[str, list[Path]]
    listings: dict[str, list[Path]]
    options: tuple[str, ...] = ()
    archive: Path | None = None


def replay_request(
    files: Sequence[str], listings: Sequence[str], venue: str, known: Sequence[str], options: Sequence[str] = ()
) -> ReplayRequest:
    """Sort the named files by venue: the one given, else the one named in each file's path. Raises `CannotRun`."""
    if not files:
        raise CannotRun(words.text("need_file"))
    if venue and venue not in known:
        raise CannotRun(words.text("need_venue", venue=venue, known=", ".join(known)))
    for name in (*files, *listings):
        if not Path(name).is_file():
            raise CannotRun(words.text("no_file", name=name))
    sorted_files: dict[str, list[Path]] = {}
    for name in files:
        sorted_files.setdefault(venue or guess_venue(Path(name), known), []).append(Path(name).resolve())
    only = next(iter(sorted_files)) if len(sorted_files) == 1 else ""
    sorted_listings: dict[str, list[Path]] = {}
    for name in listings:
        sorted_listings.setdefault(only or guess_venue(Path(name), known), []).append(Path(name).resolve())
    return ReplayRequest(sorted_files, sorted_listings, tuple(options))


def guess_venue(path: Path, known: Sequence[str]) -> str:
    """The venue whose name is in the file's name, else in the nearest folder that has one."""
    for part in reversed(path.resolve().parts):
        named = [venue for venue in known if venue in part.lower()]
        if named:
            return max(named, key=len)
    raise CannotRun(words.text("guess_venue", name=path, known=", ".join(known)))


def replays(request: ReplayRequest) -> list[Program]:
    """One player for all venues, in one timeline; the launcher starts it once everything that reads is up."""
    if request.archive is not None:
        whole = module("services.archiver", "replay", str(request.archive), *request.options)
        return [Program("replay", "replay", whole, once=True, start_s=0)]
    line = [*module("services.collector", "replay"), *request.options]
    for venue, files in request.files.items():
        listings = [part for path in request.listings.get(venue, []) for part in ("--instruments", str(path))]
        line += ["--venue", venue, *listings, *map(str, files)]
    return [Program("replay", "replay", tuple(line), once=True, start_s=0)]

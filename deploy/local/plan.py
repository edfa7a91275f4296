"""From settings to what a mode runs: checks, the embedded servers' addresses, the programs and their environment."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from deploy.local import checks, instance, postgres_server, programs, words
from deploy.local.process import CannotRun, free_port
from shared.config import Mode, Settings

#: Where the embedded servers listen if nobody else does: the same after every start, so that other programs find them.
REDIS_PORTS: Final[dict[Mode, int]] = {"live": 16379, "demo": 16389, "replay": 16399}
POSTGRES_PORTS: Final[dict[Mode, int]] = {"live": 15432, "demo": 15442, "replay": 15452}


@dataclass(frozen=True)
class Plan:
    """What is started, once every check has passed."""

    settings: Settings
    venues: Sequence[str]
    runtime: Path
    redis_url: str
    database_url: str
    programs: Sequence[programs.Program]
    environment: dict[str, str]
    #: Kept open: the ports of our servers are no other launcher's.
    locks: Sequence[IO[bytes]] = ()

    @property
    def url(self) -> str:
        return web_address(self.settings)


def web_address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"


def make(settings: Settings, venues: Sequence[str], replay: programs.ReplayRequest | None = None) -> Plan:
    """Check the machine and prepare the data. The launcher's lock is held already. Raises `CannotRun`."""
    checks.left_overs(settings)
    checks.port(settings.host, settings.port)
    data = settings.data_path
    make_folders(data, settings.log_path)
    checks.disk(data)
    if replay is not None:
        # A replay starts from nothing, so that the same recording always gives the same result.
        for name in ("redis", "postgres"):
            shutil.rmtree(data / name, ignore_errors=True)
    run: list[programs.Program] = []
    locks: list[IO[bytes]] = []
    redis_url, database_url = settings.redis_url, settings.database_url
    if not redis_url:
        port = checks.server_port(REDIS_PORTS[settings.mode], locks)
        run.append(programs.redis(data, port, settings.redis_memory_mb))
        redis_url = f"redis://127.0.0.1:{port}/0"
    if not database_url:
        port = checks.server_port(POSTGRES_PORTS[settings.mode], locks)
        postgres_server.prepare(data / "postgres")
        run.append(programs.postgres(data, port))
        database_url = postgres_server.url(data / "postgres", port)
    environment = environment_of(settings, redis_url, database_url)
    exchanges = 0
    if settings.mode == "demo":
        exchanges = free_port()
        run.append(programs.simulator(venues, exchanges))
        environment |= {"VENUE_GATEWAY": f"http://127.0.0.1:{exchanges}", "HTTPS_PROXY": "", "ALL_PROXY": ""}
    run += programs.replays(replay) if replay is not None else programs.collectors(venues, exchanges)
    run += programs.core(archived=replay is not None and replay.archive is not None)
    if settings.mode != "replay":  # a recording is no news
        run.append(programs.alerter())
    if settings.archive_days and settings.mode != "replay":
        run.append(programs.archiver())
    runtime = instance.runtime_dir(settings)
    return Plan(settings, venues, runtime, redis_url, database_url, run, environment, locks)


def environment_of(settings: Settings, redis_url: str, database_url: str) -> dict[str, str]:
    """What every program sees; addresses and paths are absolute, wherever the launcher was called from."""
    return {
        **os.environ,
        "MODE": settings.mode,
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "DATA_DIR": str(Path(settings.data_dir).resolve()),
        "LOG_DIR": str(settings.log_path),
        instance.MARK: str(settings.data_path),
    }


def make_folders(*paths: Path) -> None:
    for path in paths:
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(13, "permission denied")
        except OSError as error:
            raise CannotRun(words.text("not_writable", path=path, reason=error.strerror)) from error

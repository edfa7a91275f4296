"""The commands behind make: `python -m deploy.local.launch run|replay|record|start|stop|restart|status|logs|reset`.

Exit statuses: 0 done (or already running), 1 cannot, 2 a setting is wrong, 3 (`status`) nothing runs.
"""

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from deploy.local import instance, plan, programs, status, words
from deploy.local.process import REPOSITORY, CannotRun, last_lines, version
from deploy.local.run import Run
from deploy.local.screen import Facts, lines
from deploy.local.setup import tree_size
from services.collector.variables import configured
from services.collector.venues import VENUES
from shared.binding import check_binding
from shared.bus import connect
from shared.config import SettingError, Settings, load, variables

_DETACHED = "PARALLAX_DETACHED"
START_LIMIT_S = 90.0
HISTORY = ("redis", "postgres", "archive")


def run(settings: Settings) -> int:
    return launch(settings, None)


def replay(settings: Settings) -> int:
    asked = os.environ
    folders = [Path(name) for name in shlex.split(asked.get("FILE", "")) if Path(name).is_dir()]
    if folders:
        from deploy.local import archives  # it loads what reads Parquet

        return launch(settings, archives.replay_request(folders[0], asked, settings.partitions))
    options = ["--speed", asked["SPEED"]] if asked.get("SPEED") else []
    request = programs.replay_request(
        shlex.split(asked.get("FILE", "")),
        shlex.split(asked.get("INSTRUMENTS", "")),
        asked.get("VENUE", ""),
        list(VENUES),
        options,
    )
    return launch(settings, request)


def launch(settings: Settings, request: programs.ReplayRequest | None) -> int:
    lock = instance.take_lock(settings)
    if lock is None:
        return already_running(settings)
    with lock:
        known = programs.simulated(VENUES) if settings.mode == "demo" else VENUES
        venues = list(request.files) if request else settings.venue_list(known)
        check_binding(settings)
        check_variables(settings, venues)
        made = plan.make(settings, venues, request)
        detached = bool(os.environ.get(_DETACHED))
        return asyncio.run(Run(made, words.language(), once=bool(os.environ.get("ONCE")), detached=detached).main())


def check_variables(settings: Settings, venues: Sequence[str]) -> None:
    """Refuse what an exchange's own variables cannot be, before anything starts. Raises `SettingError`."""
    given = variables(env_file=REPOSITORY / ".env")
    for venue in venues:
        configured(VENUES[venue], given, addresses=settings.mode == "live" and not settings.venue_gateway)


def already_running(settings: Settings) -> int:
    record = instance.read_record(instance.runtime_dir(settings))
    print(words.text("already", url=record.url if record else plan.web_address(settings)))
    return 0


def start(settings: Settings) -> int:
    """The launcher again, in a session of its own, with its lines in a log; returns when it is ready."""
    if instance.is_held(settings):
        return already_running(settings)
    plan.make_folders(settings.data_path, settings.log_path)
    log = settings.log_path / "launcher.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.launch", "run"],
            env={**os.environ, _DETACHED: "1", "MODE": settings.mode},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    runtime, deadline = instance.runtime_dir(settings), time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            print(last_lines(log, 1) if child.returncode else log.read_text(encoding="utf-8"), file=sys.stderr)
            return child.returncode or 0
        record = instance.read_record(runtime)
        if record is not None and record.pid == child.pid and record.ready:
            break
        time.sleep(0.2)
    show(settings)
    print(words.text("detached"))
    return 0


def stop(settings: Settings) -> int:
    """Stop every mode of this data directory, then what killed runs left over."""
    found = False
    for mode in instance.MODES:
        of_mode = msgspec.structs.replace(settings, mode=mode)
        record = instance.read_record(instance.runtime_dir(of_mode)) if instance.is_held(of_mode) else None
        if record is not None:
            found = True
            with suppress(psutil.NoSuchProcess):
                instance.end([psutil.Process(record.pid)], limit_s=75)
            print(words.text("stopped_mode", mode=mode))
        remains = instance.left_over(of_mode)
        if remains:
            found = True
            named = ", ".join(instance.name_of(process) for process in remains)
            instance.end(remains)
            print(words.text("ended", who=named))
    if not found:
        print(words.text("not_running"))
    return 0


def restart(settings: Settings) -> int:
    """What runs, again: in its own mode, unless another one is asked for."""
    of_mode = settings
    if not os.environ.get("MODE"):
        # a replay is of files that only its own command names
        of_mode = next((one for one in running(settings) if one.mode != "replay"), settings)
    stop(settings)
    return start(of_mode)


def running(settings: Settings) -> list[Settings]:
    """The settings of each mode that runs on this data directory."""
    modes = (msgspec.structs.replace(settings, mode=mode) for mode in instance.MODES)
    return [of_mode for of_mode in modes if instance.is_held(of_mode)]


def show_status(settings: Settings) -> int:
    shown = [show(msgspec.structs.replace(settings, mode=mode)) for mode in instance.MODES]
    if not any(shown):
        print(words.text("not_running"))
        return 3
    return 0


def show(settings: Settings) -> bool:
    """Print the screen of a running mode, with the servers' addresses. False where it does not run."""
    record = instance.read_record(instance.runtime_dir(settings)) if instance.is_held(settings) else None
    if record is None:
        return False
    elapsed = round(time.time() - record.started_s)
    facts = Facts(
        version=version(),
        mode=record.mode,
        url=record.url,
        data=settings.data_path,
        data_bytes=instance.data_bytes(settings),
        free_bytes=shutil.disk_usage(settings.data_path).free,
        retention_days=settings.retention_days,
        max_disk_gb=settings.max_disk_gb,
        elapsed_s=elapsed,
        ready_s=elapsed if record.ready and elapsed < 60 else 0 if record.ready else None,
        detached=True,
        addresses=(("Redis", record.redis_url), ("Logs", str(settings.log_path))),
    )
    snapshot = asyncio.run(look(record))
    for line in lines(facts, snapshot, words.language()):
        print(line.plain)
    return True


async def look(record: instance.Instance) -> status.Snapshot:
    client = connect(record.redis_url)
    try:
        return await status.read(client, record.venues, any_age=record.mode == "replay")
    except status.UNREACHABLE as error:
        return status.Snapshot([status.VenueStatus(name) for name in record.venues], error=str(error) or "no answer")
    finally:
        await client.aclose()


def logs(settings: Settings) -> int:
    """Follow those of what runs; where nothing does, of this mode."""
    chosen = os.environ.get("SERVICE", "*")
    folders = dict.fromkeys(of_mode.log_path for of_mode in running(settings) or [settings])
    paths = sorted(str(path) for folder in folders for path in folder.glob(f"{chosen}.log"))
    if not paths:
        raise CannotRun(words.text("no_logs", path=settings.log_path))
    os.execvp("tail", ["tail", "-n", "20", "-F", *paths])


def record(settings: Settings) -> int:
    venue = os.environ.get("VENUE", "").lower()
    if venue not in VENUES:
        raise CannotRun(words.text("need_venue", venue=venue, known=", ".join(VENUES)))
    folder = Path(settings.data_dir).resolve() / "recordings"
    plan.make_folders(folder)
    out = os.environ.get("FILE") or str(folder / f"{venue}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    print(words.text("recording", venue=venue, path=out), flush=True)
    line = programs.module("services.collector", "record", "--venue", venue, "--out", out)
    os.execv(line[0], line)


def reset(settings: Settings) -> int:
    """Remove the history of every mode, after asking. Recordings stay."""
    if running(settings):
        raise CannotRun(words.text("reset_running"))
    doomed: dict[str, list[Path]] = {}
    for mode in instance.MODES:
        paths = [msgspec.structs.replace(settings, mode=mode).data_path / name for name in HISTORY]
        existing = [path for path in paths if path.exists()]
        if existing:
            doomed[mode] = existing
    root = Path(settings.data_dir).resolve()
    if not doomed:
        print(words.text("reset_nothing", path=root))
        return 0
    total = words.size(sum(tree_size(path) for paths in doomed.values() for path in paths))
    if os.environ.get("YES") != "1":
        if not sys.stdin.isatty():
            raise CannotRun(words.text("reset_no_terminal"))
        if input(words.text("reset_ask", modes=", ".join(doomed), path=root, size=total)).strip() not in ("yes", "y"):
            print(words.text("reset_not"))
            return 1
    for paths in doomed.values():
        for path in paths:
            shutil.rmtree(path)
    print(words.text("reset_done", size=total))
    return 0


COMMANDS: Mapping[str, Callable[[Settings], int]] = {
    "run": run,
    "replay": replay,
    "record": record,
    "start": start,
    "stop": stop,
    "restart": restart,
    "status": show_status,
    "logs": logs,
    "reset": reset,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m deploy.local.launch {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        settings = load(env_file=REPOSITORY / ".env")
        if settings.ui_lang:
            os.environ["UI_LANG"] = settings.ui_lang
        return COMMANDS[arguments[0]](settings)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

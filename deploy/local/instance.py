"""One running Parallax per data directory: its lock, its record, its sockets' place and what it left behind.

The launcher holds `<data>/launcher.lock` while it runs and writes `<runtime>/instance.json`. Every process below it
carries `PARALLAX_DATA=<data>` in its environment, so that left-overs of a killed run can be told from anything else.
"""

import fcntl
import hashlib
import os
import signal
import socket
import stat
import tempfile
from pathlib import Path
from typing import IO

import msgspec
import psutil

from deploy.local import words
from deploy.local.process import CannotRun
from deploy.local.setup import tree_size
from shared import decoding
from shared.config import Mode, Settings

MARK = "PARALLAX_DATA"
MODES: tuple[Mode, ...] = ("live", "demo", "replay")
#: Kernels stop at 108 bytes for a socket's path (104 on macOS), its end mark and supervisord's own suffix included.
SOCKET_PATH_LIMIT = 90
SOCKET = "supervisor.sock"


class Instance(msgspec.Struct, kw_only=True):
    """What a running launcher writes down for `make status`, `stop` and a second `make run`."""

    pid: int
    mode: Mode
    url: str
    redis_url: str
    database_url: str
    venues: list[str]
    started_s: float
    ready: bool = False
    detached: bool = False


def data_bytes(settings: Settings) -> int:
    """What this mode's data take: those of the other modes, in folders of the live one's, are not its own."""
    return tree_size(settings.data_path, without=[mode for mode in MODES if mode != "live"])


def lock_path(settings: Settings) -> Path:
    return settings.data_path / "launcher.lock"


def take_lock(settings: Settings) -> IO[bytes] | None:
    """The held lock (keep it open), or None where another launcher has it. Raises `CannotRun`."""
    path = lock_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("ab")
    except OSError as error:
        raise CannotRun(words.text("not_writable", path=path.parent, reason=error.strerror)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


def is_held(settings: Settings) -> bool:
    if not lock_path(settings).exists():
        return False
    handle = take_lock(settings)
    if handle is None:
        return True
    handle.close()
    return False


def runtime_dir(settings: Settings) -> Path:
    """Where the supervisor's socket lives: RUNTIME_DIR, else under the data, else a short path of our own in /tmp."""
    if settings.runtime_dir:
        chosen = Path(settings.runtime_dir).resolve()
        if len(os.fsencode(chosen / SOCKET)) > SOCKET_PATH_LIMIT:
            raise CannotRun(words.text("long_runtime", path=chosen, limit=SOCKET_PATH_LIMIT - len(SOCKET) - 1))
        chosen /= settings.mode
        chosen.mkdir(parents=True, exist_ok=True, mode=0o700)
        return chosen
    beside = settings.data_path / "run"
    if len(os.fsencode(beside / SOCKET)) <= SOCKET_PATH_LIMIT and takes_sockets(beside):
        return beside
    digest = hashlib.sha256(os.fsencode(settings.data_path)).hexdigest()[:10]
    return private_dir(Path(tempfile.gettempdir()) / f"parallax-{os.getuid()}-{digest}")


def private_dir(path: Path) -> Path:
    """`path`, made for us alone; in a shared /tmp somebody else may have been first."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CannotRun(words.text("not_writable", path=path, reason="it belongs to somebody else (set RUNTIME_DIR)"))
    return path


def takes_sockets(folder: Path) -> bool:
    """Whether a Unix socket can be made there (not on every shared or foreign file system)."""
    probe = folder / "probe.sock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(probe))
        probe.unlink()
    except OSError:
        return False
    return True


_record: decoding.Decoder[Instance] = decoding.json(Instance)


def write_record(runtime: Path, instance: Instance) -> None:
    fresh = runtime / "instance.json.new"
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.encode(instance))
    fresh.rename(runtime / "instance.json")


def read_record(runtime: Path) -> Instance | None:
    try:
        return _record.decode((runtime / "instance.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def remove_record(runtime: Path) -> None:
    (runtime / "instance.json").unlink(missing_ok=True)


def left_over(settings: Settings) -> list[psutil.Process]:
    """Processes of an earlier run on this data directory. Only of use while no launcher holds the lock."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(settings.data_path):
                found.append(process)
        except psutil.Error:
            continue
    return found


def name_of(process: psutil.Process) -> str:
    """`valkey-server (pid 123)`; a Python program by its module."""
    try:
        line = process.cmdline()
    except psutil.Error:
        line = []
    module = next((line[at + 1] for at, part in enumerate(line[:-1]) if part == "-m"), None)
    try:
        return f"{module or process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"


def end(processes: list[psutil.Process], limit_s: float = 15.0) -> None:
    """Stop them politely (Postgres by its fast way), and kill what is left after `limit_s`."""
    for process in processes:
        try:
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(processes, timeout=limit_s)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(alive, timeout=5)
